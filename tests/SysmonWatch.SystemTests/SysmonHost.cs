using System.Diagnostics;
using System.Text;
using SysmonWatch.SystemTests.Containers;

namespace SysmonWatch.SystemTests;

/// <summary>
/// A booted system where something that looks like Sysmon to everybody else runs as sysmon.service, so that its messages take the real path:
/// syslog(3), /dev/log, journald, rsyslog, /var/log/syslog.
/// </summary>
sealed class SysmonHost : IAsyncDisposable
{
    /// <summary>The port of the container's webhook in the tests' configuration.</summary>
    public const int WebhookPort = 18080;

    /// <summary>Where the configuration is.</summary>
    public const string ConfigurationPath = "/etc/sysmonwatch/sysmonwatch.yaml";

    const string Unit = """
        [Service]
        Type=oneshot
        ExecStart=/opt/sysmon/sysmon /run/sysmon-messages
        """;

    readonly LineFollower _log;

    SysmonHost(SystemdContainer container)
    {
        Container = container;
        Webhook = container.Listen(WebhookPort);
        _log = container.Follow("tail", "--follow=name", "--retry", "--lines=+1", "/var/log/syslog");
    }

    public SystemdContainer Container { get; }

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
        string standIn = Path.Combine(AppContext.BaseDirectory, "sysmon");
        using (Process compiler = Process.Start("cc", ["-O2", "-o", standIn, Path.Combine(AppContext.BaseDirectory, "Containers", "sysmon.c")]))
        {
            await compiler.WaitForExitAsync();
        }
        container.CopyIn(standIn, "/opt/sysmon/sysmon");
        await container.WriteAsync("/etc/systemd/system/sysmon.service", Unit);
        await container.RunAsync("systemctl", "daemon-reload");
        return new SysmonHost(container);
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

    /// <summary>Rotates the log with the distribution's own logrotate and its own configuration.</summary>
    public Task<string> RotateAsync() => Container.RunAsync("logrotate", "--force", "/etc/logrotate.d/rsyslog");

    public async ValueTask DisposeAsync()
    {
        Webhook.Dispose();
        await _log.DisposeAsync();
        await Container.DisposeAsync();
    }
}
