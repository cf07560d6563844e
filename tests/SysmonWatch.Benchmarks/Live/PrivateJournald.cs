using System.Diagnostics;
using System.Net.Sockets;

namespace SysmonWatch.Benchmarks.Live;

/// <summary>
/// A real journald in a mount namespace of its own, whose /run is a directory of this run: the host's journal is left alone, and whoever enters the
/// namespace has this one instead. Its files are on the disk; no rate limit.
/// </summary>
sealed class PrivateJournald : IDisposable
{
    const string Journald = "/usr/lib/systemd/systemd-journald", Logger = "/usr/bin/logger", Unshare = "/usr/bin/unshare";

    readonly string _run;
    readonly Process _process;

    PrivateJournald(string run, Process process) => (_run, _process) = (run, process);

    /// <summary>Its process, which has the namespace.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Where its files are.</summary>
    public string Files => Path.Combine(_run, "log/journal");

    string SyslogSocket => Path.Combine(_run, "systemd/journal/dev-log");

    /// <summary>Starts one.</summary>
    /// <param name="run">Becomes /run.</param>
    public static async Task<PrivateJournald> StartAsync(string run)
    {
        foreach (string needed in (string[])[Journald, Logger, Unshare, "/usr/bin/nsenter"])
        {
            if (!File.Exists(needed)) throw new NotPossibleException($"{needed} is needed.");
        }
        if (Environment.UserName != "root") throw new NotPossibleException("root is needed, for a journald of its own.");
        Directory.CreateDirectory(Path.Combine(run, "systemd/journal"));
        Directory.CreateDirectory(Path.Combine(run, "log/journal"));
        string settings = Directory.CreateDirectory(Path.Combine(run, "systemd/journald.conf.d")).FullName;
        File.WriteAllText(Path.Combine(settings, "benchmark.conf"), "[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\nRuntimeMaxUse=4G\nRuntimeMaxFileSize=128M\nRuntimeKeepFree=1M\n");
        // /var/log/journal has to be out of the way, or it is taken instead.
        Process process = Process.Start(new ProcessStartInfo(Unshare, ["-m", "sh", "-c", $"mount --bind '{run}' /run && mount -t tmpfs none /var/log && exec {Journald}"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        var journald = new PrivateJournald(run, process);
        while (!journald.Listens())
        {
            if (process.HasExited) throw new NotPossibleException($"journald does not start: {await process.StandardError.ReadToEndAsync()}");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }
        return journald;
    }

    /// <summary>
    /// A process that hands each line it gets to journald through syslog(3)'s socket, whose program is called sysmon and which is root: what journald
    /// says of it is what it says of Sysmon.
    /// </summary>
    public Process StartSysmon()
    {
        string program = Path.Combine(_run, "sysmon");
        File.Copy(Logger, program, overwrite: true);
        return Process.Start(new ProcessStartInfo(program, ["--tag", "sysmon", "--socket", SyslogSocket, "--size", "65000"]) { RedirectStandardInput = true })!;
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    bool Listens()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(SyslogSocket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
