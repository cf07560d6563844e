using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Intake;

/// <summary>
/// A real journald of its own: in a mount namespace whose /run is a directory of this test, so that its sockets and files are reached from
/// outside and the host's journal is left alone. Needs root, unshare and systemd-journald.
/// </summary>
sealed class PrivateJournal : IAsyncDisposable
{
    const string BootId = "/proc/sys/kernel/random/boot_id";
    const string Journald = "/usr/lib/systemd/systemd-journald";

    readonly string _run = Directory.CreateTempSubdirectory("sysmonwatch-journal-").FullName;
    Process? _process;

    PrivateJournal()
    {
    }

    /// <summary>Its process: whoever enters its mount namespace has its /run.</summary>
    public int ProcessId => _process!.Id;

    public string Files => Path.Combine(_run, "log/journal");

    string NativeSocket => Path.Combine(_run, "systemd/journal/socket");

    /// <summary>Of how many boots its entries are, as journalctl counts.</summary>
    public int Boots
    {
        get
        {
            using Process process = Process.Start(new ProcessStartInfo("/usr/bin/journalctl", ["--directory", Files, "--list-boots", "--no-pager", "--quiet"]) { RedirectStandardOutput = true })!;
            string[] lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            process.WaitForExit();
            return lines.Count(line => line.TrimStart() is ['-' or >= '0' and <= '9', ..]);
        }
    }

    public string SyslogSocket => Path.Combine(_run, "systemd/journal/dev-log");

    public static async Task<PrivateJournal> StartAsync()
    {
        if (Environment.UserName != "root" || !File.Exists(Journald) || !File.Exists("/usr/bin/unshare"))
        {
            if (Places.MustNotSkip) throw new InvalidOperationException($"{Journald}, unshare and root are required (SYSMONWATCH_REQUIRE_ALL=1).");
            Assert.Skip($"needs root, unshare and {Journald}");
        }
        var journal = new PrivateJournal();
        await journal.RunAsync();
        return journal;
    }

    /// <summary>Starts journald, again after <see cref="KillAsync"/>.</summary>
    /// <param name="bootId">As after a boot, with that id; null for the boot that this machine is in.</param>
    public async Task RunAsync(string? bootId = null)
    {
        string boot = Path.Combine(_run, "boot_id");
        File.WriteAllText(boot, bootId ?? File.ReadAllText(BootId));
        Directory.CreateDirectory(Path.Combine(_run, "systemd/journal"));
        Directory.CreateDirectory(Files);
        File.Delete(NativeSocket);
        var start = new ProcessStartInfo("/usr/bin/unshare") { RedirectStandardError = true, RedirectStandardOutput = true };
        // /var/log/journal has to be out of the way, or it is taken instead.
        foreach (string argument in (string[])["-m", "sh", "-c", $"mount --bind '{boot}' {BootId} && mount --bind '{_run}' /run && mount -t tmpfs none /var/log && exec {Journald}"])
        {
            start.ArgumentList.Add(argument);
        }
        _process = Process.Start(start)!;
        while (true)
        {
            Assert.False(_process.HasExited, "journald does not start");
            // Whoever finds no file yet looks again by the clock only.
            if (File.Exists(NativeSocket) && TrySend("MESSAGE=ready\nSYSLOG_IDENTIFIER=test\n"u8)
                && Directory.EnumerateFiles(Files, "system.journal", SearchOption.AllDirectories).Any()) return;
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Writes entries as Sysmon would, but over the native protocol: any bytes, any length.</summary>
    public void Write(params IEnumerable<string> messages)
    {
        foreach (string message in messages) Write(Encoding.UTF8.GetBytes(message), "sysmon");
    }

    public void Write(ReadOnlySpan<byte> message, string identifier)
    {
        var entry = new MemoryStream();
        entry.Write(Encoding.UTF8.GetBytes($"SYSLOG_IDENTIFIER={identifier}\nPRIORITY=6\nMESSAGE\n"));
        entry.Write(BitConverter.GetBytes((ulong)message.Length));
        entry.Write(message);
        entry.WriteByte((byte)'\n');
        WriteEntry(entry.ToArray());
    }

    /// <summary>Writes an entry of the native protocol as it stands.</summary>
    public void WriteEntry(ReadOnlySpan<byte> entry) => Assert.True(TrySend(entry), "journald does not listen");

    /// <summary>SIGUSR2: journald archives its file and starts another one.</summary>
    public void Rotate() => Run("/bin/kill", "-USR2", $"{_process!.Id}");

    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await KillAsync();
        Directory.Delete(_run, recursive: true);
    }

    bool TrySend(ReadOnlySpan<byte> datagram)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(NativeSocket));
            return socket.Send(datagram) == datagram.Length;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
