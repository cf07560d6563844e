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

        await host.Container.RunAsync("systemctl", "reload", "sysmonwatch.service");
        await journal.WaitForAsync("the refusal", line => line.Contains("Reload refused", StringComparison.Ordinal));
        string status = await StatusAsync(host, "RELOAD REFUSED");
        await host.PlayAsync(Scenario.Load("01a-seed-c-static").EndingAt(TimeProvider.System.GetUtcNow()));
        await journal.WaitForAsync("the alert", line => line.Contains(SeedRules.PowerControlProgramDeleted, StringComparison.Ordinal));

        Assert.Contains($"{path}:", status, StringComparison.Ordinal);
        Assert.Equal("active\n", await host.Container.RunAsync("systemctl", "is-active", "sysmonwatch.service"));
        Assert.Contains($"{path}:", await host.Container.RunAsync("journalctl", "--unit=sysmonwatch.service", "--output=cat"));
    }

    [Fact]
    public async Task A_reload_works_where_the_url_is_a_credential_and_keeps_it()
    {
        await using SysmonHost host = await SysmonHost.BootInstalledAsync();
        await host.ConfigureAsync("{}");
        host.Webhook.GoUp();
        await using LineFollower journal = host.FollowJournal();

        await host.Container.RunAsync("systemctl", "reload", "sysmonwatch.service");
        await journal.WaitForAsync("the end of the reload", line => line.Contains("Reloaded: ", StringComparison.Ordinal));
        await host.PlayAsync(Scenario.Load("01a-seed-c-static").EndingAt(TimeProvider.System.GetUtcNow()));
        string alert = await journal.WaitForAsync("the alert", line => line.Contains(SeedRules.RebootPreventedThenSpreading, StringComparison.Ordinal));
        await host.Webhook.WaitForAsync([JournalEntry.Parse(alert).AlertId!], []);

        Assert.DoesNotContain("RELOAD REFUSED", await StatusAsync(host, "listener ok"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_url_that_only_root_can_read_fails_its_webhook_and_nothing_else_and_the_advice_mends_it()
    {
        const string Url = "/etc/sysmonwatch/listener.url";
        await using SysmonHost host = await SysmonHost.BootInstalledAsync();
        host.Webhook.GoUp();
        await using LineFollower journal = host.FollowJournal();
        await host.Container.WriteAsync(Url, $"http://127.0.0.1:{host.WebhookPort}/alerts", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        await host.Container.WriteAsync(SysmonHost.ConfigurationPath, $"webhooks: [{{name: listener, type: generic, url: {{file: {Url}}}, retry: {{first: 1s, longest: 1s}}}}]\n");

        CommandResult check = await host.Container.TryRunAsync("sysmonwatch", "check");
        await host.Container.RunAsync("systemctl", "restart", "sysmonwatch.service");
        await host.PlayAsync(Scenario.Load("01a-seed-c-static").EndingAt(TimeProvider.System.GetUtcNow()));
        string alert = await journal.WaitForAsync("the alert", line => line.Contains(SeedRules.RebootPreventedThenSpreading, StringComparison.Ordinal));
        string status = await StatusAsync(host, "listener FAILING");
        CommandResult doctor = await host.Container.TryRunAsync("sysmonwatch", "doctor");
        string loud = await host.Container.RunAsync("journalctl", "--unit=sysmonwatch.service", "--priority=err", "--output=cat");
        await host.Container.RunAsync("chown", "root:adm", Url);
        CommandResult followed = await host.Container.TryRunAsync("sysmonwatch", "check");
        await host.Container.RunAsync("systemctl", "reload", "sysmonwatch.service");
        await host.Webhook.WaitForAsync([JournalEntry.Parse(alert).AlertId!], []);

        Assert.Equal(78, check.ExitCode);
        Assert.Contains("the file cannot be read by the service (permission denied)", check.Output, StringComparison.Ordinal);
        Assert.Contains("chown root:adm and chmod 0640", check.Output, StringComparison.Ordinal);
        Assert.Contains("cannot be read by this user", status, StringComparison.Ordinal);
        Assert.Contains("webhooks[0].url.file: the file cannot be read by this user", loud, StringComparison.Ordinal);
        Assert.Equal(1, doctor.ExitCode);
        Assert.Contains("error    service: it runs, and says: ", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("the file cannot be read by the service", doctor.Output, StringComparison.Ordinal);
        Assert.Equal((0, ""), (followed.ExitCode, followed.Error));
    }

    [Fact]
    public async Task Check_and_doctor_see_a_configuration_that_the_service_cannot_read_and_a_service_that_has_failed()
    {
        await using SysmonHost host = await SysmonHost.BootInstalledAsync();
        CommandResult healthy = await host.Container.TryRunAsync("sysmonwatch", "doctor");
        await host.Container.WriteAsync(SysmonHost.ConfigurationPath, "input: {journal: no}\n", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        CommandResult check = await host.Container.TryRunAsync("sysmonwatch", "check");
        CommandResult restart = await host.Container.TryRunAsync("systemctl", "restart", "sysmonwatch.service");
        await host.Container.RunAsync("systemctl", "disable", "sysmonwatch.service");
        CommandResult doctor = await host.Container.TryRunAsync("sysmonwatch", "doctor");
        string loud = await host.Container.RunAsync("journalctl", "--unit=sysmonwatch.service", "--identifier=sysmonwatch", "--priority=err", "--output=cat");
        await host.Container.RunAsync("chmod", "0644", SysmonHost.ConfigurationPath);
        CommandResult followed = await host.Container.TryRunAsync("sysmonwatch", "check");
        await host.Container.RunAsync("systemctl", "restart", "sysmonwatch.service");

        Assert.Contains("good     service: it runs", healthy.Output, StringComparison.Ordinal);
        Assert.Equal(78, check.ExitCode);
        Assert.StartsWith($"{SysmonHost.ConfigurationPath}:1:1: error: the file cannot be read by the service (permission denied), which will not start;", check.Output, StringComparison.Ordinal);
        Assert.NotEqual(0, restart.ExitCode);
        Assert.Equal(1, doctor.ExitCode);
        Assert.Contains("error    service: it has failed (exit-code, exit code 78).", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("warning  service: it is disabled", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("the file cannot be read by this user; for the service, chown root:adm and chmod 0640 it.", loud, StringComparison.Ordinal);
        Assert.Equal(0, followed.ExitCode);
        Assert.Equal("active\n", await host.Container.RunAsync("systemctl", "is-active", "sysmonwatch.service"));
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

    /// <summary>The line of systemctl status, once it says that; the daemon renews it every few seconds at most.</summary>
    static async Task<string> StatusAsync(SysmonHost host, string expected)
    {
        // Asked again and again for as long as the container's own patience lasts: nothing announces a new status.
        return await host.Container.RunAsync(
            "timeout", "60", "bash", "-c",
            "until s=$(systemctl show --property=StatusText --value sysmonwatch.service); [[ $s == *\"$1\"* ]]; do sleep 0.2; done; echo \"$s\"", "status", expected);
    }
}
