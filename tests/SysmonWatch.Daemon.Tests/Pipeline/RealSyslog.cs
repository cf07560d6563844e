using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>A real rsyslogd with a socket and a log of its own, and the real logrotate on that log, with what Debian configures for both.</summary>
sealed class RealSyslog : IAsyncDisposable
{
    const string Daemon = "/usr/sbin/rsyslogd", Rotator = "/usr/sbin/logrotate";

    readonly string _directory;
    readonly Process _process;
    readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    int _rotations;

    RealSyslog(string directory)
    {
        _directory = directory;
        string socket = Path.Combine(directory, "dev-log"), pid = Path.Combine(directory, "rsyslogd.pid");
        string rsyslog = Write("rsyslog.conf", $"""
            global(workDirectory="{directory}" maxMessageSize="64k")
            module(load="imuxsock" SysSock.Use="off")
            input(type="imuxsock" Socket="{socket}" CreatePath="on" RateLimit.Interval="0")
            *.* action(type="omfile" file="{Log}" template="RSYSLOG_FileFormat" fileCreateMode="0640")

            """);
        Write("logrotate.conf", $$"""
            {{Log}} {
                rotate 1500
                missingok
                notifempty
                compress
                delaycompress
                postrotate
                    kill -HUP $(cat {{pid}})
                endscript
            }

            """);
        _process = Start(Daemon, "-n", "-f", rsyslog, "-i", pid);
        while (!File.Exists(socket) || !TryConnect(socket) || !File.Exists(pid)) Assert.False(_process.HasExited, "rsyslogd does not start");
    }

    /// <summary>The log.</summary>
    public string Log => Path.Combine(_directory, "syslog");

    /// <summary>How often it was rotated.</summary>
    public int Rotations => _rotations;

    /// <summary>The log with all that was rotated away, oldest first.</summary>
    public string[] Files => [.. Directory.GetFiles(_directory, "syslog*").OrderByDescending(Number)];

    public static RealSyslog Run(string directory)
    {
        if (!File.Exists(Daemon) || !File.Exists(Rotator))
        {
            if (Places.MustNotSkip) throw new InvalidOperationException($"{Daemon} and {Rotator} are required (SYSMONWATCH_REQUIRE_ALL=1).");
            Assert.Skip($"needs {Daemon} and {Rotator}: apt-get install rsyslog logrotate");
        }
        return new RealSyslog(directory);
    }

    /// <summary>Sends a message as syslog(3) does; waits where rsyslog is slower.</summary>
    public void Send(string message) => _socket.Send(Encoding.UTF8.GetBytes($"<14>Nov 24 02:40:38 sysmon: {message}"));

    /// <summary>Rotates it now.</summary>
    public async Task RotateAsync()
    {
        using Process logrotate = Start(Rotator, "--force", "--state", Path.Combine(_directory, "logrotate.state"), Path.Combine(_directory, "logrotate.conf"));
        await logrotate.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, logrotate.ExitCode);
        Interlocked.Increment(ref _rotations);
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    static Process Start(string program, params string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments))!;

    static int Number(string path)
    {
        string[] parts = Path.GetFileName(path).Split('.');
        return parts.Length == 1 ? 0 : int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    bool TryConnect(string socket)
    {
        try
        {
            _socket.Connect(new UnixDomainSocketEndPoint(socket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    string Write(string name, string content)
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllText(path, content);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        return path;
    }
}
