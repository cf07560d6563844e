namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>The real executable with a webhook whose URL cannot be read.</summary>
public sealed class UnusableWebhookTests : IDisposable
{
    const int SIGHUP = 1;

    readonly string _directory = Directory.CreateTempSubdirectory("unusable-").FullName;

    string Log => Path.Combine(_directory, "syslog");

    string State => Path.Combine(_directory, "state");

    string UrlFile => Path.Combine(_directory, "url");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Detection_goes_on_at_the_start_and_after_a_reload_and_the_alerts_are_delivered_once_it_can_be_read()
    {
        using var listener = new AlertListener();
        File.WriteAllLines(Log, SeedLog.Lines());
        string[] expected = Commands.Replayed.Of(Log).Ids;
        string config = Configure();

        using (var daemon = DaemonProcess.Run(config, State))
        {
            await daemon.ReadyAsync();
            Assert.Contains($"{config}:8:17: error: webhooks[0].url.file: the file does not exist", daemon.Said, StringComparison.Ordinal);
            // It prints each alert that it raises, with the beginning of the id.
            foreach (string id in expected) await daemon.SaysAsync($"[{id[..8]}]");
            Assert.Equal(0, await daemon.StopAsync());
        }
        using (var again = DaemonProcess.Run(config, State))
        {
            await again.ReadyAsync();
            File.WriteAllText(UrlFile, listener.Url);
            again.Signal(SIGHUP);
            await again.WaitAsync(listener.AllAsync(expected), "all alerts");
            Assert.Equal(0, await again.StopAsync());
        }

        Assert.Equal(expected, listener.Ids.Order(StringComparer.Ordinal));
    }

    string Configure()
    {
        string config = Path.Combine(_directory, "sysmonwatch.yaml");
        File.WriteAllText(config, $$"""
            input:
              files: [{{Log}}]
              journal: no
              start: beginning
            webhooks:
              - name: test
                type: generic
                url: {file: {{UrlFile}}}
                retry: {first: 1s, longest: 1s}
            """);
        return config;
    }
}
