using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;
using SysmonWatch.Daemon.Tests.Commands;
using SysmonWatch.Daemon.Tests.Intake;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>
/// The real daemon is killed again and again while its log grows and is rotated. SYSMONWATCH_KILLS says how often (default 20), SYSMONWATCH_SEED repeats
/// a run, SYSMONWATCH_BINARY is another executable than the one built beside the tests: the native one starts ten times as fast.
/// </summary>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    const int KillsByDefault = 20;

    // What is expected is found by replaying all that was sent so far, again and again.
    const int MostHosts = 100;

    readonly string _directory = Directory.CreateTempSubdirectory("kill-").FullName;
    int _rotations;
    bool _passed;

    string Log => Path.Combine(_directory, "syslog");

    public void Dispose()
    {
        // What is left of a run that failed is what shows why.
        if (_passed) Directory.Delete(_directory, recursive: true);
        else output.WriteLine($"kept: {_directory}");
    }

    [Fact]
    public async Task However_often_it_is_killed_while_rsyslog_writes_and_logrotate_rotates_the_journal_has_every_alert()
    {
        int kills = FromEnvironment("SYSMONWATCH_KILLS") ?? KillsByDefault;
        int seed = FromEnvironment("SYSMONWATCH_SEED") ?? Random.Shared.Next();
        output.WriteLine($"SYSMONWATCH_KILLS={kills} SYSMONWATCH_SEED={seed}");
        var random = new Random(seed);
        string[] lines = Lines(hosts: Math.Clamp(kills / 5, 4, MostHosts));
        string[] messages = [.. lines.Where(l => l.Contains(" sysmon: <Event>", StringComparison.Ordinal)).Select(l => l[l.IndexOf("<Event>", StringComparison.Ordinal)..])];
        await using PrivateJournal journal = await PrivateJournal.StartAsync();
        await using RealSyslog syslog = RealSyslog.Run(_directory);
        using var journaled = new JournaledAlerts(journal.Files);
        string config = Path.Combine(_directory, "sysmonwatch.yaml"), state = Path.Combine(_directory, "state");
        File.WriteAllText(config, $"input:\n  files: [{Log}]\n  journal: no\n  start: beginning\nrules:\n  paths: [{string.Join(", ", SeedLog.Rules)}]\nstate:\n  checkpoint_every: 1s\n");
        Task rotating = Task.CompletedTask;
        int waits = 0;
        long started = TimeProvider.System.GetTimestamp();

        using (var first = DaemonProcess.RunBeside(journal.ProcessId, config, state))
        {
            await first.ReadyAsync();
            Assert.Equal(0, await first.StopAsync());
        }
        int sent = 0;
        for (int n = 1; n <= kills; n++)
        {
            int until = messages.Length * n / kills;
            using var daemon = DaemonProcess.RunBeside(journal.ProcessId, config, state);
            // Killed after so many of its messages, wherever rsyslog, logrotate and the daemon are by then; at times before it is ready, at times after
            // all of them, when all that can be told was told.
            int killAfter = random.Next(10) < 7 ? random.Next(sent, until) : until;
            int rotateAfter = random.Next(2) == 0 ? random.Next(sent, until + 1) : -1;
            if (random.Next(8) > 0) await daemon.ReadyAsync();
            for (; sent < until; sent++)
            {
                if (sent == killAfter) await daemon.KillAsync();
                if (sent == rotateAfter && rotating.IsCompleted)
                {
                    await rotating;
                    rotating = syslog.RotateAsync();
                }
                syslog.Send(messages[sent]);
            }
            if (killAfter < until) continue;
            if (random.Next(Math.Max(2, kills / 100)) == 0)
            {
                string[] sofar = Expected(messages[..sent]);
                waits++;
                await daemon.WaitAsync(journaled.AllAsync(sofar), "all alerts so far", () => $"missing: {string.Join(", ", sofar.Except(journaled.Ids))}; life {n}, {sent} of {messages.Length} messages");
            }
            await daemon.KillAsync();
        }
        await rotating;

        string[] expected = Expected(messages);
        using (var last = DaemonProcess.RunBeside(journal.ProcessId, config, state))
        {
            await last.ReadyAsync();
            await last.WaitAsync(journaled.AllAsync(expected), "all alerts", () => $"missing: {string.Join(", ", expected.Except(journaled.Ids))}");
            Assert.Equal(0, await last.StopAsync());
        }

        output.WriteLine($"{kills} kills in {TimeProvider.System.GetElapsedTime(started).TotalSeconds:N1} s: {messages.Length} messages, {syslog.Rotations} rotations, {expected.Length} alerts told {journaled.Ids.Length} times, {waits} waits");
        Assert.Equal(expected, journaled.Ids.Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(expected, Replayed.Of(syslog.Files).Ids);
        Assert.True(syslog.Rotations > 0);
        // Told again is what was told when the kill came before it could be noted: the exception.
        Assert.True(journaled.Ids.Length <= expected.Length + kills, $"{journaled.Ids.Length} times told, {expected.Length} alerts, {kills} kills");
        _passed = true;
    }

    [Fact]
    public async Task However_often_it_is_killed_it_raises_the_same_alerts_and_tells_each()
    {
        // What is new here beside the test above is a webhook, and lines that stand half in the file: a few lives show it.
        int kills = Math.Min(KillsByDefault, FromEnvironment("SYSMONWATCH_KILLS") ?? KillsByDefault);
        int seed = FromEnvironment("SYSMONWATCH_SEED") ?? Random.Shared.Next();
        output.WriteLine($"SYSMONWATCH_KILLS={kills} SYSMONWATCH_SEED={seed}");
        var random = new Random(seed);
        string[] lines = Lines(hosts: Math.Clamp(kills / 5, 4, MostHosts));
        string[] expected = Expected(lines);
        using var listener = new AlertListener();
        string config = Path.Combine(_directory, "sysmonwatch.yaml"), state = Path.Combine(_directory, "state");
        File.WriteAllText(config, $"input:\n  files: [{Log}]\n  journal: no\n  start: beginning\nrules:\n  paths: [{string.Join(", ", SeedLog.Rules)}]\nstate:\n  checkpoint_every: 1s\nwebhooks:\n  - name: test\n    type: generic\n    url: {listener.Url}\n    retry:\n      first: 1s\n      longest: 1s\n");
        File.WriteAllText(Log, "");

        // A first start begins with the live file; from the position that it saves on nothing may be missed.
        using (var first = DaemonProcess.Run(config, state))
        {
            await first.ReadyAsync();
            Assert.Equal(0, await first.StopAsync());
        }

        int written = 0;
        for (int n = 1; n <= kills; n++)
        {
            // What this life is given, the last one gets what is left; some of it before it has read anything, and in pieces that end amid lines.
            int until = n == kills ? lines.Length : lines.Length * n / kills;
            int before = random.Next(written, until + 1);
            Append(lines, written, before, random);
            using var daemon = DaemonProcess.Run(config, state);
            if (random.Next(5) > 0) await daemon.ReadyAsync();
            Append(lines, before, until, random);
            written = until;
            // At times it is killed while it is busy with what was just written, at times when all that can be told was told, at times between.
            if (random.Next(3) == 0)
            {
                string[] sofar = Expected(lines[..written]);
                await daemon.WaitAsync(listener.AllAsync(sofar), "all alerts so far", () => $"missing: {string.Join(", ", sofar.Except(listener.Ids))}; life {n}, {written} of {lines.Length} lines");
            }
            await daemon.KillAsync();
        }

        using (var last = DaemonProcess.Run(config, state))
        {
            await last.ReadyAsync();
            await last.WaitAsync(listener.AllAsync(expected), "all alerts");
            Assert.Equal(0, await last.StopAsync());
        }

        Assert.Equal(expected, listener.Ids.Distinct().Order(StringComparer.Ordinal));
        using var store = StateStore.Open(state, new OutboxLimits(100_000, 1 << 28, TimeSpan.FromDays(7)), 100, new Counters(), TimeProvider.System, NullLogger.Instance);
        Assert.Equal(0, store.Status().Pending.GetValueOrDefault("test"));
        Assert.Empty(store.DeadLetters(10));
        output.WriteLine($"{expected.Length} alerts, told {listener.Ids.Length} times; {_rotations} rotations");
        // Told again is what was told when the kill came before it could be noted: the exception.
        Assert.True(listener.Ids.Length <= expected.Length + kills, $"{listener.Ids.Length} times told, {expected.Length} alerts, {kills} kills");
        _passed = true;
    }

    /// <summary>The attack on several hosts at once, their lines in turn; at the very end one more deletion, whose alert says that all has been read.</summary>
    static string[] Lines(int hosts)
    {
        string[][] logs = [.. Enumerable.Range(1, hosts).Select(n => SeedLog.Lines($"host-{n}"))];
        string last = SeedLog.Lines("host-last").First(line => line.Contains("/sbin/reboot", StringComparison.Ordinal));
        return [.. Enumerable.Range(0, logs[0].Length).SelectMany(i => logs.Select(log => log[i])), last];
    }

    string[] Expected(string[] lines)
    {
        string whole = Path.Combine(_directory, "undisturbed");
        File.WriteAllText(whole, string.Concat(lines.Select(line => line.StartsWith('<') ? $"Nov 24 02:40:38 host sysmon: {line}\n" : line + "\n")));
        return Replayed.Of(whole).Ids;
    }

    void Append(string[] lines, int from, int until, Random random)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(lines[from..until].Select(line => line + "\n")));
        for (int at = 0; at < bytes.Length;)
        {
            int length = Math.Min(random.Next(1, 64 * 1024), bytes.Length - at);
            using (var log = new FileStream(Log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) log.Write(bytes, at, length);
            at += length;
            // rsyslog rotates between two lines.
            if (bytes[at - 1] == (byte)'\n' && random.Next(2) == 0) Rotate();
        }
    }

    void Rotate()
    {
        for (int n = _rotations++; n > 0; n--) File.Move($"{Log}.{n}", $"{Log}.{n + 1}");
        File.Move(Log, $"{Log}.1");
        File.WriteAllText(Log, "");
    }

    static int? FromEnvironment(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? int.Parse(value, CultureInfo.InvariantCulture) : null;
}
