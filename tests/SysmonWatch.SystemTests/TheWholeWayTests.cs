using System.Text.Json;
using SysmonWatch.SystemTests.Containers;

namespace SysmonWatch.SystemTests;

/// <summary>From Sysmon's syslog() to journalctl and a webhook, installed from the package, on a system that lives: logs rotate, services stop and die.</summary>
public sealed class TheWholeWayTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("{journal: no}")]
    [InlineData("{files: [/var/log/syslog], journal: yes}")]
    public async Task Each_alert_arrives_once_in_the_journal_and_at_the_webhook_whatever_was_rotated_or_stopped_meanwhile(string input)
    {
        await using SysmonHost host = await SysmonHost.BootInstalledAsync();
        await host.ConfigureAsync(input);
        host.Webhook.GoUp();
        await using LineFollower journal = host.FollowJournal();
        var told = new List<WebhookRequest>();

        // One process, the log rotated between what it deleted and most of what it connected to.
        (Scenario deletions, Scenario connections) = Scenario.Load("01a-seed-c-static").EndingAt(Now).SplitAt(200);
        await host.PlayAsync(deletions);
        await host.RotateAsync();
        await host.PlayAsync(connections);
        string first = AlertIdOf(await journal.WaitForAsync("the critical alert of 01a", IsCritical));
        await host.Webhook.WaitForAsync([first], told);

        // Many processes, the service stopped for the first half, the webhook away for all of it.
        host.Webhook.GoDown();
        await host.Container.RunAsync("systemctl", "stop", "sysmonwatch.service");
        (Scenario missed, Scenario seen) = Scenario.Load("01b-seed-busybox-many-pids").EndingAt(Now).SplitAt(900);
        await host.PlayAsync(missed);
        await host.Container.RunAsync("systemctl", "start", "sysmonwatch.service");
        await host.PlayAsync(seen);
        await journal.WaitForAsync("the critical alert of 01b", IsCritical);
        host.Webhook.GoUp();
        IReadOnlyList<string> expected = await host.ReplayAsync("/var/log/syslog.1", "/var/log/syslog");
        await host.Webhook.WaitForAsync(expected, told);
        await host.Container.RunAsync("systemctl", "stop", "sysmonwatch.service");

        IReadOnlyList<JournalEntry> alerts = await host.AlertsAsync();
        Assert.Equal(expected.Order(), alerts.Select(alert => alert.AlertId).Order());
        Assert.Equal(expected.Order(), told.Concat(host.Webhook.Received()).Select(request => request.AlertId).Order());
        Assert.Equal(["critical", "critical"], LevelsOf(alerts, SeedRules.RebootPreventedThenSpreading));
        Assert.Equal(["high", "high"], LevelsOf(alerts, SeedRules.ConnectionsToManyDestinations));
        Assert.All(LevelsOf(alerts, SeedRules.PowerControlProgramDeleted), level => Assert.Equal("high", level));
        Assert.Equal(alerts.Where(IsUrgent).Select(alert => alert.AlertId), (await host.AlertsAsync("--priority=err")).Select(alert => alert.AlertId));
        Assert.Equal(
            alerts.Where(alert => alert["SYSMONWATCH_TECHNIQUE"].Contains("T1485")).Select(alert => alert.AlertId),
            (await host.AlertsAsync("SYSMONWATCH_TECHNIQUE=T1485")).Select(alert => alert.AlertId));
        Assert.All(told, request => Assert.Equal(("/alerts", request.AlertId), (request.Path, BodyAlertId(request))));
    }

    [Fact]
    public async Task Killing_the_daemon_in_the_middle_of_an_attack_loses_no_alert_and_doubles_none()
    {
        await using SysmonHost host = await SysmonHost.BootInstalledAsync();
        await using LineFollower journal = host.FollowJournal();

        (Scenario before, Scenario after) = Scenario.Load("01a-seed-c-static").EndingAt(Now).SplitAt(200);
        await host.PlayAsync(before);
        await journal.WaitForAsync("the deletion's alert", line => RuleOf(line) == SeedRules.PowerControlProgramDeleted);
        await host.Container.RunAsync("systemctl", "kill", "--signal=KILL", "sysmonwatch.service");
        await host.PlayAsync(after);
        await journal.WaitForAsync("the critical alert", IsCritical);
        await host.Container.RunAsync("systemctl", "stop", "sysmonwatch.service");

        IReadOnlyList<string> expected = await host.ReplayAsync("/var/log/syslog");
        Assert.Equal(expected.Order(), (await host.AlertsAsync()).Select(alert => alert.AlertId).Order());
        Assert.Equal("1", (await host.Container.RunAsync("systemctl", "show", "--property=NRestarts", "--value", "sysmonwatch.service")).Trim());
    }

    static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    static string? RuleOf(string line) => JournalEntry.Parse(line)["SYSMONWATCH_RULE_ID"] is [var rule] ? rule : null;

    static bool IsCritical(string line) => RuleOf(line) == SeedRules.RebootPreventedThenSpreading;

    static string AlertIdOf(string line) => JournalEntry.Parse(line).AlertId!;

    static bool IsUrgent(JournalEntry alert) => alert["SYSMONWATCH_LEVEL"] is ["critical" or "high"];

    static IEnumerable<string> LevelsOf(IEnumerable<JournalEntry> alerts, string rule) =>
        alerts.Where(alert => alert["SYSMONWATCH_RULE_ID"] is [var id] && id == rule).Select(alert => Assert.Single(alert["SYSMONWATCH_LEVEL"]));

    static string? BodyAlertId(WebhookRequest request)
    {
        using JsonDocument body = JsonDocument.Parse(request.Body);
        Assert.Equal(1, body.RootElement.GetProperty("version").GetInt32());
        return body.RootElement.GetProperty("alert").GetProperty("alert_id").GetString();
    }
}
