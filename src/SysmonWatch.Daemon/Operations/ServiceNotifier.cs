using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// Reports the state of the daemon to the service manager. Does nothing where none asked for it (NOTIFY_SOCKET is not set); never throws for what the
/// socket does. Thread-safe.
/// </summary>
/// <remarks>
/// Source: sd_notify(3). The SystemdNotifier of Microsoft.Extensions.Hosting.Systemd could send the same, but it throws, or waits for ever, where the
/// socket does not take a message.
/// </remarks>
/// <param name="address">Value of NOTIFY_SOCKET: a path, or @ and a name in the abstract namespace; null or empty: no messages are wanted.</param>
/// <param name="time">Its timestamps are CLOCK_MONOTONIC for <see cref="TimeProvider.System"/>, as RELOADING needs.</param>
sealed class ServiceNotifier(string? address, TimeProvider time)
{
    /// <summary>Longest STATUS in characters; more would not fit a line of <c>systemctl status</c> by far.</summary>
    const int MaxStatus = 500;

    /// <summary>How long the service manager may leave its queue full. It only happens while it hangs or is restarted.</summary>
    static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(2);

    /// <summary>True where a service manager asked for messages.</summary>
    public bool IsActive => !string.IsNullOrEmpty(address);

    /// <summary>The notifier that the environment asks for.</summary>
    public static ServiceNotifier FromEnvironment(TimeProvider time) => new(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"), time);

    /// <summary>Input is open and rules are loaded; also: reloading is over.</summary>
    public NotifyResult Ready(string? status = null) => Send(WithStatus("READY=1", status));

    /// <summary>One line for <c>systemctl status</c>.</summary>
    public NotifyResult Status(string status) => Send(WithStatus("", status));

    /// <summary>The pipeline makes progress.</summary>
    public NotifyResult Alive() => Send("WATCHDOG=1");

    /// <summary>Reloading begins; <see cref="Ready"/> ends it. One datagram, as Type=notify-reload wants the time with the announcement.</summary>
    public NotifyResult Reloading()
    {
        long microseconds = (long)((Int128)time.GetTimestamp() * 1_000_000 / time.TimestampFrequency);
        return Send(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    /// <summary>The daemon is about to end.</summary>
    public NotifyResult Stopping(string? status = null) => Send(WithStatus("STOPPING=1", status));

    /// <summary>A status is one line of text: what comes after a newline would be taken for another assignment, MAINPID for one.</summary>
    static string WithStatus(string state, string? status)
    {
        if (status is null) return state;
        string line = string.Create(Math.Min(status.Length, MaxStatus), status, static (into, from) =>
        {
            for (int i = 0; i < into.Length; i++) into[i] = char.IsControl(from[i]) ? ' ' : from[i];
        });
        return state.Length == 0 ? $"STATUS={line}" : $"{state}\nSTATUS={line}";
    }

    NotifyResult Send(string message)
    {
        if (string.IsNullOrEmpty(address)) return new(NotifyStatus.NobodyAsked, "NOTIFY_SOCKET is not set");
        if (address[0] is not ('/' or '@')) return new(NotifyStatus.Failed, $"NOTIFY_SOCKET is '{address}'; a path or @name is expected");
        try
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = (int)SendTimeout.TotalMilliseconds };
            socket.Connect(new UnixDomainSocketEndPoint(address[0] == '@' ? '\0' + address[1..] : address));
            socket.Send(Encoding.UTF8.GetBytes(message));
            return new(NotifyStatus.Sent);
        }
        catch (Exception problem) when (problem is SocketException or ArgumentException)
        {
            return new(NotifyStatus.Failed, $"NOTIFY_SOCKET {address}: {problem.Message}");
        }
    }
}
