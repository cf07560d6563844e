using System.Diagnostics;
using System.Text;
using System.Text.Json;
using SysmonWatch.SystemTests.Containers;

namespace SysmonWatch.SystemTests;

/// <summary>
/// A booted system where something that looks like Sysmon to everybody else runs as sysmon.service, so that its messages take the real path:
/// syslog(3), /dev/log, journald, rsyslog, /var/log/syslog.
/// </summary>
sealed class SysmonHost : IAsyncDisposable
{
    /// <summary>Where the configuration is.</summary>
    public const string ConfigurationPath = "/etc/sysmonwatch/sysmonwatch.yaml";

    const string Unit = """
        [Service]
        Type=oneshot
        ExecStart=/opt/sysmon/sysmon /run/sysmon-messages
        """;

    const string WebhookConfiguration = """
        webhooks:
          - name: listener
            type: generic
            url: {credential: listener}
            retry:
              first: 1s
              longest: 2s
        """;

    // Once for all tests: they run at the same time, and one would copy what another is still writing.
    static readonly Lazy<Task<string>> StandIn = new(CompileStandInAsync);

    static int _lastPort = 18079;

    readonly LineFollower _log;

    SysmonHost(SystemdContainer container)
    {
        Container = container;
        // Each host has a port of its own although each has a network of its own: HttpListener keeps one list of prefixes for the whole process.
        WebhookPort = Interlocked.Increment(ref _lastPort);
        Webhook = container.Listen(WebhookPort);
        // tail trusts no inotify on an overlay: it looks every 0.1 s, and each time whether the name is another file now.
        _log = container.Follow("tail", "--follow=name", "--retry", "--sleep-interval=0.1", "--max-unchanged-stats=1", "--lines=+1", "/var/log/syslog");
    }

    public SystemdContainer Container { get; }

    /// <summary>The port of <see cref="Webhook"/> on 127.0.0.1 in the container.</summary>
    public int WebhookPort { get; }

    /// <summary>Is down until told otherwise.</summary>
    public WebhookListener Webhook { get; }

    /// <summary>Boots a system with the package under test in it, and that running: dpkg starts the service as it does for an administrator.</summary>
    public static async Task<SysmonHost> BootInstalledAsync()
    {
        Requirements.DemandPackage();
        SysmonHost host = await BootAsync();
        host.Container.CopyIn(Requirements.Package!, "/root/sysmonwatch.deb");
        await host.Container.RunAsync("dpkg", "--install", "--force-unsafe-io", "/root/sysmonwatch.deb");
        return host;
    }

    /// <summary>Boots a system without SysmonWatch.</summary>
    public static async Task<SysmonHost> BootAsync()
    {
        Requirements.DemandContainers();
        SystemdContainer container = await SystemdContainer.BootAsync("web-a01", TestContext.Current.CancellationToken);
        container.CopyIn(await StandIn.Value, "/opt/sysmon/sysmon");
        await container.WriteAsync("/etc/systemd/system/sysmon.service", Unit);
        await container.RunAsync("systemctl", "daemon-reload");
        return new SysmonHost(container);
    }

    static async Task<string> CompileStandInAsync()
    {
        string standIn = Path.Combine(AppContext.BaseDirectory, "sysmon");
        using Process compiler = Process.Start("cc", ["-O2", "-o", standIn, Path.Combine(AppContext.BaseDirectory, "Containers", "sysmon.c")]);
        await compiler.WaitForExitAsync();
        Assert.Equal(0, compiler.ExitCode);
        return standIn;
    }

    /// <summary>Sends the events through the real path and returns when the last of them is in /var/log/syslog.</summary>
    public async Task PlayAsync(Scenario scenario)
    {
        string outside = Container.Outside("/run/sysmon-messages");
        await File.WriteAllBytesAsync(outside, Encoding.Latin1.GetBytes(string.Concat(scenario.Messages.Select(message => message + '\0'))));
        await Container.RunAsync("systemctl", "start", "sysmon.service");
        int left = scenario.Messages.Count;
        await _log.WaitForAsync($"{left} events in /var/log/syslog", line => line.Contains(" sysmon: <Event>", StringComparison.Ordinal) && --left == 0);
    }

    /// <summary>Starts reading what SysmonWatch writes to the journal, from the beginning.</summary>
    public LineFollower FollowJournal() => Container.Follow("journalctl", "--follow", "--no-tail", "--all", "--identifier=sysmonwatch", "--output=json");

    /// <summary>The alerts in the journal now, oldest first, among the entries that journalctl selects with these arguments.</summary>
    public async Task<IReadOnlyList<JournalEntry>> AlertsAsync(params string[] arguments)
    {
        await Container.RunAsync("journalctl", "--sync");
        string lines = await Container.RunAsync("journalctl", ["--all", "--identifier=sysmonwatch", "--output=json", .. arguments]);
        return [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(JournalEntry.Parse).Where(entry => entry.AlertId is not null)];
    }

    /// <summary>The ids of the alerts that a replay of these files of the container raises, once each.</summary>
    public async Task<IReadOnlyList<string>> ReplayAsync(params string[] files)
    {
        string lines = await Container.RunAsync("sysmonwatch", ["replay", .. files, "--output", "json"]);
        return [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("alert_id").GetString()!)];
    }

    /// <summary>Configures a generic webhook to <see cref="Webhook"/> whose URL is a systemd credential, and restarts the service with it.</summary>
    /// <param name="input">Value of <c>input</c>.</param>
    public async Task ConfigureAsync(string input)
    {
        await Container.WriteAsync("/etc/sysmonwatch/credentials/listener", $"http://127.0.0.1:{WebhookPort}/alerts");
        await Container.WriteAsync("/etc/systemd/system/sysmonwatch.service.d/credentials.conf", "[Service]\nLoadCredential=listener:/etc/sysmonwatch/credentials/listener\n");
        await Container.WriteAsync(ConfigurationPath, $"input: {input}\n{WebhookConfiguration}");
        await Container.RunAsync("systemctl", "daemon-reload");
        await Container.RunAsync("systemctl", "restart", "sysmonwatch.service");
    }

    /// <summary>Rotates the log with the distribution's own logrotate and its own configuration.</summary>
    public Task<string> RotateAsync() => Container.RunAsync("logrotate", "--force", "/etc/logrotate.d/rsyslog");

    public async ValueTask DisposeAsync()
    {
        Webhook.Dispose();
        await _log.DisposeAsync();
        await Container.DisposeAsync();
    }
}
