using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Tests.Commands;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>The clock is set while the daemon runs and while it does not, and Sysmon's times with it.</summary>
public sealed class ClockTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("clock-").FullName;
    readonly LeapingTime _clock = new(TimeProvider.System);

    string Log => Path.Combine(_directory, "syslog");

    SysmonWatchOptions Options => RunningDaemon.Options(_directory);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(-24)]
    [InlineData(24)]
    public async Task Raises_and_tells_each_alert_once_however_the_clock_is_set(int hours)
    {
        var raised = new List<string>();
        var told = new List<string>();
        await using (RunningDaemon first = await RunningDaemon.StartAsync(Options, time: _clock))
        {
            await AttackAsync(first, "before", "2024-11-24");
            _clock.Leap(TimeSpan.FromHours(hours));
            Rotate(1);
            await AttackAsync(first, "after", hours < 0 ? "2024-11-23" : "2024-11-25");
            await first.StopAsync();
            Assert.Empty(first.Store.Status().Pending);
        }
        _clock.Leap(TimeSpan.FromHours(hours));
        Rotate(2);
        await using RunningDaemon second = await RunningDaemon.StartAsync(Options, time: _clock);
        await AttackAsync(second, "later", hours < 0 ? "2024-11-22" : "2024-11-26");
        await second.StopAsync();

        Assert.Equal(9, raised.Distinct().Count());
        Assert.Equal(Replayed.Of(Log + ".1", Log + ".2", Log).Ids, raised.Order(StringComparer.Ordinal));
        Assert.Equal(raised.Order(StringComparer.Ordinal), told.Order(StringComparer.Ordinal));
        Assert.False(second.HasRaisedMore);
        Assert.False(second.Sink.WasToldMore);

        async Task AttackAsync(RunningDaemon daemon, string host, string day)
        {
            File.AppendAllLines(Log, SeedLog.Lines(host).Select(line => line.Replace("2024-11-24", day, StringComparison.Ordinal)));
            raised.AddRange(await daemon.NextIdsAsync(3));
            for (int i = 0; i < 3; i++) told.Add(await daemon.Sink.NextAsync());
        }
    }

    void Rotate(int number) => File.Move(Log, $"{Log}.{number}");
}
