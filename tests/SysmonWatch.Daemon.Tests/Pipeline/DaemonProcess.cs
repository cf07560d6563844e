using System.Diagnostics;
using System.Runtime.InteropServices;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>The real executable: the one built beside the tests, or that which SYSMONWATCH_BINARY names.</summary>
sealed class DaemonProcess : IDisposable
{
    const int SIGTERM = 15, SIGKILL = 9;
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    readonly Process _process;
    readonly Lock _lock = new();
    readonly List<string> _said = [];
    readonly List<(string Text, TaskCompletionSource Said)> _awaited = [];

    DaemonProcess(string program, params string[] arguments)
    {
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true },
        };
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    static string Binary => Environment.GetEnvironmentVariable("SYSMONWATCH_BINARY") ?? Path.Combine(AppContext.BaseDirectory, "sysmonwatch");

    /// <summary>All it said until now.</summary>
    public string Said
    {
        get
        {
            lock (_lock) return string.Join('\n', _said);
        }
    }

    public static DaemonProcess Run(string config, string state) => new(Binary, "run", "--config", config, "--state-dir", state);

    /// <summary>The same where /run, and so the journal it tells, is that of another process. It keeps its process id: nsenter becomes it.</summary>
    public static DaemonProcess RunBeside(int process, string config, string state) =>
        new("/usr/bin/nsenter", $"--mount=/proc/{process}/ns/mnt", "--", Binary, "run", "--config", config, "--state-dir", state);

    /// <summary>Waits until it says that it is ready.</summary>
    public Task ReadyAsync() => SaysAsync("Ready: reading");

    /// <summary>Waits until it has said something, or has already.</summary>
    public Task SaysAsync(string text)
    {
        var said = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_said.Exists(line => line.Contains(text, StringComparison.Ordinal))) return Task.CompletedTask;
            _awaited.Add((text, said));
        }
        return WaitAsync(said.Task, $"«{text}»");
    }

    /// <summary>Sends it a signal.</summary>
    public void Signal(int signal) => Assert.Equal(0, kill(_process.Id, signal));

    /// <summary>SIGKILL, wherever it is.</summary>
    public async Task KillAsync()
    {
        Signal(SIGKILL);
        await WaitAsync(_process.WaitForExitAsync(), "its end");
        Assert.Equal(128 + SIGKILL, _process.ExitCode);
    }

    /// <summary>SIGTERM; gives what it exited with.</summary>
    public async Task<int> StopAsync()
    {
        Signal(SIGTERM);
        await WaitAsync(_process.WaitForExitAsync(), "its end");
        return _process.ExitCode;
    }

    /// <summary>Waits for something that is about it; a failure says what it said.</summary>
    public async Task WaitAsync(Task task, string what, Func<string>? details = null)
    {
        try
        {
            await task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"Waited in vain for {what}. {details?.Invoke()} The daemon said:\n{Said}");
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    void Hear(string? line)
    {
        if (line is null) return;
        lock (_lock)
        {
            _said.Add(line);
            foreach ((string text, TaskCompletionSource said) in _awaited)
            {
                if (line.Contains(text, StringComparison.Ordinal)) said.TrySetResult();
            }
        }
    }

    [DllImport("libc")]
    static extern int kill(int process, int signal);
}
