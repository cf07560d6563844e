using System.Diagnostics;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>Ids of the alerts in a journal, as journalctl shows them: in the order they came, repeats too.</summary>
sealed class JournaledAlerts : IDisposable
{
    readonly Process _journalctl;
    readonly Lock _lock = new();
    readonly List<string> _ids = [];
    TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="files">The journal's directory.</param>
    public JournaledAlerts(string files)
    {
        _journalctl = Process.Start(new ProcessStartInfo(
            "/usr/bin/journalctl", ["--directory", files, "--follow", "--no-tail", "--identifier=sysmonwatch", "--output=cat", "--output-fields=SYSMONWATCH_ALERT_ID"])
        {
            RedirectStandardOutput = true,
        })!;
        _journalctl.OutputDataReceived += (_, line) => Hear(line.Data);
        _journalctl.BeginOutputReadLine();
    }

    public string[] Ids
    {
        get
        {
            lock (_lock) return [.. _ids];
        }
    }

    /// <summary>Waits until all of these have come.</summary>
    public async Task AllAsync(IReadOnlyCollection<string> ids)
    {
        while (true)
        {
            Task more;
            lock (_lock)
            {
                if (!ids.Except(_ids).Any()) return;
                more = _more.Task;
            }
            await more;
        }
    }

    public void Dispose()
    {
        _journalctl.Kill();
        _journalctl.WaitForExit();
        _journalctl.Dispose();
    }

    void Hear(string? line)
    {
        // What is no alert has an empty line.
        if (string.IsNullOrEmpty(line)) return;
        TaskCompletionSource waiting;
        lock (_lock)
        {
            _ids.Add(line);
            (waiting, _more) = (_more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        waiting.SetResult();
    }
}
