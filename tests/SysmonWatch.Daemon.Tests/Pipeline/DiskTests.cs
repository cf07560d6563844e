using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Intake.Files;
using SysmonWatch.Daemon.State;
using SysmonWatch.Daemon.Tests.Commands;
using SysmonWatch.Daemon.Tests.State;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>The whole daemon while its state has no room, or may not be written: alerts are told all the same, and nothing is lost when it can be again.</summary>
public sealed class DiskTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("disk-").FullName;

    string Log => Path.Combine(_directory, "syslog");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Tells_on_while_the_disk_is_full_and_has_lost_nothing_when_there_is_room_again()
    {
        using SmallDisk disk = SmallDisk.Mount("size=1m");
        string[] lines = SeedLog.Lines();
        int half = Array.FindIndex(lines, line => line.Contains("/sbin/halt", StringComparison.Ordinal));
        File.AppendAllLines(Log, lines[..half]);
        // While it runs it may tell an alert before its position is on disk; stopped, it has saved it.
        await using (RunningDaemon first = await RunningDaemon.StartAsync(Options(disk)))
        {
            await first.Sink.NextAsync();
            await first.StopAsync();
        }
        await using (RunningDaemon daemon = await RunningDaemon.StartAsync(Options(disk)))
        {
            disk.Fill();
            byte[] before = daemon.Store.Restore().Positions["files"];

            // Over and over, so that what is left in the database's own pages is used up too.
            for (int host = 0; host < 40; host++)
            {
                File.AppendAllLines(Log, SeedLog.Lines($"host-{host}"));
                for (int alert = 0; alert < 3; alert++) await daemon.Sink.NextAsync();
            }

            StoreStatus status = daemon.Store.Status();
            Assert.Equal(StoreTrouble.Full, status.Failure?.Trouble);
            Assert.Contains("no space left", daemon.StatusLine);
            Assert.NotEqual(0, status.InMemory);
            // Killed now, it would go on from where there was room.
            Assert.Equal(StoreTrouble.Full, daemon.Store.Commit(Checkpoint.Empty)?.Trouble);
            byte[] during = daemon.Store.Restore().Positions["files"];
            disk.MakeRoom();
            disk.Remount("size=64m");
            daemon.Store.TryFlush();

            Assert.Null(daemon.Store.Status().Failure);
            Assert.Equal(0, daemon.Store.Status().InMemory);
            Assert.True(OffsetOf(during) < new FileInfo(Log).Length);
            Assert.True(OffsetOf(before) <= OffsetOf(during));
            File.AppendAllLines(Log, [.. lines[half..], Last]);
            for (int alert = 0; alert < 3; alert++) await daemon.Sink.NextAsync();
            await daemon.StopAsync();
            Assert.Equal(new FileInfo(Log).Length, OffsetOf(daemon.Store.Restore().Positions["files"]));
        }

        await using RunningDaemon again = await RunningDaemon.StartAsync(Options(disk));
        Assert.Equal(0, again.Store.Status().Pending.GetValueOrDefault("sink"));
        await again.StopAsync();
        Assert.False(again.HasRaisedMore);
        Assert.Equal(["lock", "positions", "state.db"], Directory.GetFiles(disk.Path).Select(f => Path.GetFileName(f)).Where(f => !f.StartsWith("state.db-", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(0, Replayed.Of(Log).ExitCode);
    }

    [Fact]
    public async Task Tells_on_from_a_state_that_may_only_be_read_and_writes_when_it_may_again()
    {
        using SmallDisk disk = SmallDisk.Mount("size=16m");
        string[] lines = SeedLog.Lines();
        int half = Array.FindIndex(lines, line => line.Contains("/sbin/halt", StringComparison.Ordinal));
        File.AppendAllLines(Log, lines[..half]);
        await using (RunningDaemon before = await RunningDaemon.StartAsync(Options(disk))) await before.Sink.NextAsync();
        disk.Remount("ro");
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(Options(disk));

        File.AppendAllLines(Log, [.. lines[half..], Last]);
        List<Alert> raised = [await daemon.NextAsync(), await daemon.NextAsync(), await daemon.NextAsync()];
        HashSet<string> told = [await daemon.Sink.NextAsync(), await daemon.Sink.NextAsync(), await daemon.Sink.NextAsync()];

        Assert.Equal(raised.Select(a => a.AlertId).Order(StringComparer.Ordinal), told.Order(StringComparer.Ordinal));
        Assert.NotNull(daemon.Store.Status().Failure);
        disk.Remount("rw");
        daemon.Store.TryFlush();
        Assert.Null(daemon.Store.Status().Failure);
        await daemon.StopAsync();
        Assert.Equal(new FileInfo(Log).Length, OffsetOf(daemon.Store.Restore().Positions["files"]));
    }

    SysmonWatchOptions Options(SmallDisk disk) => RunningDaemon.Options(_directory) with { State = new StateOptions { Directory = disk.Path, CheckpointEvery = TimeSpan.FromMilliseconds(1) } };

    /// <summary>The last line of a log: with its alert all of it has been read.</summary>
    static string Last { get; } = SeedLog.Lines("host-last").First(line => line.Contains("/sbin/reboot", StringComparison.Ordinal));

    static long OffsetOf(byte[] position) => FilePosition.From(position, out _)!.Files[0].LogFiles[^1].Offset;
}
