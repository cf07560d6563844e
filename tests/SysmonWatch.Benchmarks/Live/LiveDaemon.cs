using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SysmonWatch.Benchmarks.Live;

/// <summary>The binary as a service: in the namespace of a journald, with a service manager that listens, and a state directory of its own.</summary>
sealed partial class LiveDaemon : IDisposable
{
    const int SIGTERM = 15;
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    readonly Process _process;
    readonly Lock _lock = new();
    readonly List<string> _said = [];

    /// <param name="binary">The native sysmonwatch.</param>
    /// <param name="journald">Whose namespace.</param>
    /// <param name="work">Where its files are put.</param>
    /// <param name="name">Part of their names.</param>
    /// <param name="input">The section <c>input</c> of the configuration, one line of YAML.</param>
    /// <param name="watchdog">WatchdogSec; the shipped unit has 60 s.</param>
    public LiveDaemon(string binary, PrivateJournald journald, Workplace work, string name, string input, TimeSpan watchdog)
    {
        string config = work.Write(name + ".yaml", $"input: {input}\n"), state = Directory.CreateDirectory(work.At(name + "-state")).FullName;
        Notify = new NotifySocket(work.At(name + ".notify"));
        var start = new ProcessStartInfo("/usr/bin/nsenter", [$"--mount=/proc/{journald.ProcessId}/ns/mnt", "--", binary, "run", "--config", config, "--state-dir", state])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["NOTIFY_SOCKET"] = Notify.Path;
        start.Environment["WATCHDOG_USEC"] = ((long)watchdog.TotalMicroseconds).ToString(CultureInfo.InvariantCulture);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        StartedAt = TimeProvider.System.GetUtcNow();
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What it says to the service manager.</summary>
    public NotifySocket Notify { get; }

    /// <summary>Just before it was started.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>nsenter becomes it, so it is the process that was started.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Waits until it is ready.</summary>
    public async Task ReadyAsync()
    {
        Task exit = _process.WaitForExitAsync();
        if (await Task.WhenAny(Notify.Ready, exit).WaitAsync(Patience) == exit) throw new NotPossibleException($"{_process.StartInfo.ArgumentList[2]} ended: {Said}");
    }

    /// <summary>A line of /proc/PID/status that is in KiB, as MB: VmHWM, RssAnon.</summary>
    public double Megabytes(string field)
    {
        if (_process.HasExited) throw new NotPossibleException($"It ended by itself with {_process.ExitCode}: {Said}");
        string line = File.ReadLines($"/proc/{ProcessId}/status").First(l => l.StartsWith(field + ":", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Split('\t')[^1], CultureInfo.InvariantCulture) * 1024 / 1e6;
    }

    /// <summary>Ends it.</summary>
    public async Task StopAsync()
    {
        if (kill(ProcessId, SIGTERM) != 0) throw new NotPossibleException($"It ended by itself: {Said}");
        await _process.WaitForExitAsync().WaitAsync(Patience);
        if (_process.ExitCode != 0) throw new NotPossibleException($"It ended with {_process.ExitCode}: {Said}");
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
        Notify.Dispose();
    }

    string Said
    {
        get
        {
            lock (_lock) return string.Join('\n', _said);
        }
    }

    void Hear(string? line)
    {
        if (line is null) return;
        lock (_lock) _said.Add(line);
    }

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);
}
