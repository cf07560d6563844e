namespace SysmonWatch.SystemTests;

/// <summary>The system under the tests is real: what is sent arrives in the log, byte for byte.</summary>
public sealed class LogPathTests
{
    [Fact]
    public async Task Every_event_reaches_the_log_through_journald_and_rsyslog_also_across_a_rotation()
    {
        await using SysmonHost host = await SysmonHost.BootAsync();
        Scenario scenario = Scenario.Load("01a-seed-c-static").EndingAt(TimeProvider.System.GetUtcNow());
        (Scenario first, Scenario second) = scenario.SplitAt(300);

        await host.PlayAsync(first);
        await host.RotateAsync();
        await host.PlayAsync(second);

        string logged = await host.Container.RunAsync("cat", "/var/log/syslog.1", "/var/log/syslog");
        Assert.Equal(scenario.Messages, logged.Split('\n').Where(line => line.Contains(" web-a01 sysmon: <Event>")).Select(line => line[line.IndexOf("<Event>", StringComparison.Ordinal)..]));
    }
}
