using System.Diagnostics;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>Ids of the alerts in a journal, as journalctl shows them: in the order they came, repeats too.</summary>
/// <param name="files">The journal's directory.</param>
sealed class JournaledAlerts(string files) : IDisposable
{
    readonly CancellationTokenSource _ending = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    public string[] Ids { get; private set; } = [];

    /// <summary>Waits until all of these have come.</summary>
    public async Task AllAsync(IReadOnlyCollection<string> ids)
    {
        do await ReadAsync();
        while (ids.Except(Ids).Any());
    }

    public void Dispose()
    {
        _ending.Cancel();
        _ending.Dispose();
    }

    async Task ReadAsync()
    {
        using Process journalctl = Process.Start(new ProcessStartInfo(
            "/usr/bin/journalctl", ["--directory", files, "--quiet", "--identifier=sysmonwatch", "--output=cat", "--output-fields=SYSMONWATCH_ALERT_ID"])
        {
            RedirectStandardOutput = true,
        })!;
        string output = await journalctl.StandardOutput.ReadToEndAsync(_ending.Token);
        await journalctl.WaitForExitAsync(_ending.Token);
        // What is no alert has an empty line.
        Ids = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
