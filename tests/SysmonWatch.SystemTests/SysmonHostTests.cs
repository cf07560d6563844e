using SysmonWatch.SystemTests.Containers;

namespace SysmonWatch.SystemTests;

/// <summary>The system under the tests is real enough: what is sent arrives in the log, byte for byte, and the webhook is where only the system is.</summary>
public sealed class SysmonHostTests
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

    [Fact]
    public async Task The_webhook_is_on_the_loopback_of_the_system_while_it_is_up_and_refuses_connections_while_it_is_down()
    {
        await using SysmonHost host = await SysmonHost.BootAsync();
        string post = $"exec 3<>/dev/tcp/127.0.0.1/{host.WebhookPort} && printf 'POST /x HTTP/1.1\\r\\nHost: 127.0.0.1:{host.WebhookPort}\\r\\nX-SysmonWatch-Alert-Id: a1\\r\\nContent-Length: 2\\r\\n\\r\\n{{}}' >&3 && head -n 1 <&3";

        CommandResult down = await host.Container.TryRunAsync("bash", "-c", post);
        host.Webhook.GoUp();
        CommandResult up = await host.Container.TryRunAsync("bash", "-c", post);
        host.Webhook.GoDown();
        CommandResult downAgain = await host.Container.TryRunAsync("bash", "-c", post);

        Assert.Contains("Connection refused", down.Error);
        Assert.StartsWith("HTTP/1.1 200 ", up.Output);
        Assert.Contains("Connection refused", downAgain.Error);
        Assert.Equal([new WebhookRequest("/x", "", "a1", "{}")], host.Webhook.Received());
    }
}
