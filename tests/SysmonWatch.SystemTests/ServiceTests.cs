using SysmonWatch.SystemTests.Containers;

namespace SysmonWatch.SystemTests;

/// <summary>The unit and the package do what an administrator expects of a service.</summary>
public sealed class ServiceTests
{
    [Fact]
    public async Task Runs_after_installation_in_a_tight_sandbox_and_stops_cleanly()
    {
        await using SysmonHost host = await SysmonHost.BootInstalledAsync();

        Assert.Equal("active\n", await host.Container.RunAsync("systemctl", "is-active", "sysmonwatch.service"));
        Assert.Equal("enabled\n", await host.Container.RunAsync("systemctl", "is-enabled", "sysmonwatch.service"));
        await host.Container.RunAsync("systemd-analyze", "security", "--threshold=13", "sysmonwatch.service");
        await host.Container.RunAsync("systemctl", "stop", "sysmonwatch.service");

        // A daemon that had to be killed leaves Result=timeout or a signal here.
        string end = await host.Container.RunAsync("systemctl", "show", "--property=Result,ExecMainCode,ExecMainStatus", "sysmonwatch.service");
        Assert.Equal(["ExecMainCode=1", "ExecMainStatus=0", "Result=success"], end.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
    }

    [Theory]
    [InlineData(SysmonHost.ConfigurationPath, "webhoks: []\n")]
    [InlineData("/etc/sysmonwatch/rules.d/broken.yml", "title: Broken\ndetection:\n  selection: {Image|endwith: x}\n  condition: selection\n")]
    public async Task A_reload_of_something_wrong_is_refused_and_what_ran_goes_on(string path, string wrong)
    {
        await using SysmonHost host = await SysmonHost.BootInstalledAsync();
        await using LineFollower journal = host.FollowJournal();
        await host.Container.WriteAsync(path, wrong);

        CommandResult reload = await host.Container.TryRunAsync("systemctl", "reload", "sysmonwatch.service");
        // Also when somebody goes past the check of the unit.
        await host.Container.RunAsync("systemctl", "kill", "--signal=HUP", "--kill-who=main", "sysmonwatch.service");
        await host.PlayAsync(Scenario.Load("01a-seed-c-static").EndingAt(TimeProvider.System.GetUtcNow()));
        await journal.WaitForAsync("the alert", line => line.Contains(SeedRules.PowerControlProgramDeleted, StringComparison.Ordinal));

        Assert.NotEqual(0, reload.ExitCode);
        Assert.Equal("active\n", await host.Container.RunAsync("systemctl", "is-active", "sysmonwatch.service"));
        Assert.Contains($"{path}:", await host.Container.RunAsync("journalctl", "--unit=sysmonwatch.service", "--output=cat"));
    }

    [Fact]
    public async Task A_reload_takes_the_new_configuration()
    {
        await using SysmonHost host = await SysmonHost.BootInstalledAsync();
        host.Webhook.GoUp();
        await using LineFollower journal = host.FollowJournal();
        await host.Container.WriteAsync(SysmonHost.ConfigurationPath, $"webhooks: [{{name: new, type: generic, url: 'http://127.0.0.1:{host.WebhookPort}/'}}]\n");

        await host.Container.RunAsync("systemctl", "reload", "sysmonwatch.service");
        await host.PlayAsync(Scenario.Load("01a-seed-c-static").EndingAt(TimeProvider.System.GetUtcNow()));
        string alert = await journal.WaitForAsync("the alert", line => line.Contains(SeedRules.RebootPreventedThenSpreading, StringComparison.Ordinal));
        await host.Webhook.WaitForAsync([JournalEntry.Parse(alert).AlertId!], []);
    }

    [Fact]
    public async Task Upgrading_restarts_it_and_purging_leaves_nothing()
    {
        await using SysmonHost host = await SysmonHost.BootInstalledAsync();
        string before = await host.Container.RunAsync("systemctl", "show", "--property=MainPID", "--value", "sysmonwatch.service");

        await host.Container.RunAsync("dpkg", "--install", "--force-unsafe-io", "/root/sysmonwatch.deb");
        string after = await host.Container.RunAsync("systemctl", "show", "--property=MainPID", "--value", "sysmonwatch.service");
        await host.Container.RunAsync("dpkg", "--purge", "sysmonwatch");

        Assert.NotEqual(before, after);
        Assert.NotEqual("0\n", after);
        Assert.Equal("", await host.Container.RunAsync("find", "/etc", "/usr", "/lib", "/var/lib", "-name", "*sysmonwatch*"));
    }

    [Fact]
    public async Task A_newline_in_a_path_forges_no_field_of_the_journal()
    {
        await using SysmonHost host = await SysmonHost.BootInstalledAsync();
        await using LineFollower journal = host.FollowJournal();
        const string Image = "/tmp/x\nSYSMONWATCH_LEVEL=informational\nPRIORITY=7\nMESSAGE=All is well.";
        Scenario scenario = Scenario.Load("01a-seed-c-static").EndingAt(TimeProvider.System.GetUtcNow());
        var forged = new Scenario([.. scenario.Messages.Select(message => message.Replace("<Data Name=\"Image\">/tmp/.kw3f</Data>", $"<Data Name=\"Image\">{Image}</Data>", StringComparison.Ordinal))]);

        await host.PlayAsync(forged);
        JournalEntry alert = JournalEntry.Parse(await journal.WaitForAsync("the alert", line => line.Contains(SeedRules.PowerControlProgramDeleted, StringComparison.Ordinal)));

        Assert.Equal([Image], alert["SYSMONWATCH_IMAGE"]);
        Assert.Equal(["high"], alert["SYSMONWATCH_LEVEL"]);
        Assert.Equal(["3"], alert["PRIORITY"]);
        Assert.NotEqual("All is well.", Assert.Single(alert["MESSAGE"]));
    }

    [Fact]
    public async Task A_value_of_a_megabyte_arrives_whole_in_the_journal()
    {
        await using SysmonHost host = await SysmonHost.BootInstalledAsync();
        await using LineFollower journal = host.FollowJournal();
        // No syslog datagram is that long: such a line comes from elsewhere, and only into the file.
        await host.Container.WriteAsync(SysmonHost.ConfigurationPath, "limits: {line_length: 4MiB}\ninput: {journal: no}\n");
        await host.Container.RunAsync("systemctl", "restart", "sysmonwatch.service");
        string image = "/tmp/" + string.Concat(Enumerable.Repeat("0123456789abcde/", 64 * 1024));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        string deletion = Scenario.Load("01a-seed-c-static").EndingAt(now).Messages.Single(message => message.Contains("<EventRecordID>154<", StringComparison.Ordinal))
            .Replace("/tmp/.kw3f", image, StringComparison.Ordinal);

        await File.AppendAllTextAsync(host.Container.Outside("/var/log/syslog"), $"{now:yyyy-MM-ddTHH:mm:ss.ffffffzzz} web-a01 sysmon: {deletion}\n", TestContext.Current.CancellationToken);
        JournalEntry alert = JournalEntry.Parse(await journal.WaitForAsync("the alert", line => line.Contains(SeedRules.PowerControlProgramDeleted, StringComparison.Ordinal)));

        Assert.Equal([image], alert["SYSMONWATCH_IMAGE"]);
    }
}
