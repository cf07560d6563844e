using SysmonWatch.Daemon.Tests.Commands;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>The real daemon is asked to reload again and again while its log grows, with every configuration that it may meet.</summary>
public sealed class ReloadStormTests : IDisposable
{
    const int SIGHUP = 1;
    const string Wrong = "input: [this is wrong";

    readonly string _directory = Directory.CreateTempSubdirectory("storm-").FullName;

    string Log => Path.Combine(_directory, "syslog");

    string Config => Path.Combine(_directory, "sysmonwatch.yaml");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_storm_of_SIGHUPs_loses_no_event_and_tells_each_alert_once()
    {
        string[] lines = [.. Enumerable.Range(1, 4).SelectMany(n => SeedLog.Lines($"host-{n}"))];
        File.WriteAllLines(Log, lines);
        string[] expected = Replayed.Of(Log).Ids;
        File.WriteAllText(Log, "");
        using var listener = new AlertListener();
        string good = $"input:\n  files: [{Log}]\n  journal: no\n  start: beginning\nrules:\n  paths: [{string.Join(", ", SeedLog.Rules)}]\nwebhooks:\n  - name: test\n    type: generic\n    url: {listener.Url}\n    retry:\n      first: 1s\n      longest: 1s\n";
        // Another input in between: the same file under another name, which is the same position.
        string other = good.Replace($"[{Log}]", $"[{Log}, {Log}.other]", StringComparison.Ordinal);
        File.WriteAllText(Config, good);
        using var daemon = DaemonProcess.Run(Config, Path.Combine(_directory, "state"));
        await daemon.ReadyAsync();
        // One after the other first: signals of a storm may come together, and what was wrong be good again by then.
        Reload(daemon, Wrong);
        await daemon.SaysAsync("Reload refused, the old configuration and rules run on");
        Reload(daemon, good);
        await daemon.SaysAsync("Reloaded: ");

        for (int i = 0; i < lines.Length; i++)
        {
            File.AppendAllText(Log, lines[i] + "\n");
            if (i % 5 != 0) continue;
            Reload(daemon, (i / 5 % 3) switch { 0 => other, 1 => Wrong, _ => good });
        }
        Reload(daemon, good);
        await daemon.WaitAsync(listener.AllAsync(expected), "all alerts", () => $"missing: {string.Join(", ", expected.Except(listener.Ids))}");

        Assert.Equal(0, await daemon.StopAsync());
        Assert.Equal(expected, listener.Ids.Order(StringComparer.Ordinal));
    }

    /// <summary>Replaces the file as an editor does: what is read is one or the other, and never a part, in which the webhook could be missing.</summary>
    void Reload(DaemonProcess daemon, string config)
    {
        File.WriteAllText(Config + ".new", config);
        File.Move(Config + ".new", Config, overwrite: true);
        daemon.Signal(SIGHUP);
    }
}
