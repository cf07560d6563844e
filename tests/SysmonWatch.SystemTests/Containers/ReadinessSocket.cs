using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace SysmonWatch.SystemTests.Containers;

/// <summary>Listens for what systemd-nspawn tells its caller: the leader's process id, and that everything inside has started.</summary>
/// <remarks>Source: sd_notify(3); systemd-nspawn(1), --notify-ready=; the field X_NSPAWN_LEADER_PID of nspawn.c.</remarks>
sealed class ReadinessSocket : IDisposable
{
    const string LeaderField = "X_NSPAWN_LEADER_PID=";

    readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    public ReadinessSocket(string path)
    {
        Path = path;
        _socket.Bind(new UnixDomainSocketEndPoint(path));
    }

    /// <summary>For NOTIFY_SOCKET.</summary>
    public string Path { get; }

    /// <summary>Waits for READY=1.</summary>
    /// <returns>The process id, as we see it, of the container's PID 1.</returns>
    public async Task<string> WaitForLeaderAsync(CancellationToken cancel)
    {
        byte[] datagram = new byte[4096];
        string? leader = null;
        for (bool ready = false; !ready || leader is null;)
        {
            int length = await _socket.ReceiveAsync(datagram, cancel);
            foreach (string line in Encoding.UTF8.GetString(datagram, 0, length).Split('\n'))
            {
                if (line.StartsWith(LeaderField, StringComparison.Ordinal)) leader = line[LeaderField.Length..];
                if (line == "READY=1") ready = true;
            }
        }
        return int.Parse(leader, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
    }

    public void Dispose() => _socket.Dispose();
}
