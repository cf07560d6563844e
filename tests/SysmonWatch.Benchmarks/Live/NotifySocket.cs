using System.Net.Sockets;
using System.Text;

namespace SysmonWatch.Benchmarks.Live;

/// <summary>Stands where the service manager would: hears what a service says of itself, and when. Its path is NOTIFY_SOCKET.</summary>
sealed class NotifySocket : IDisposable
{
    readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Lock _lock = new();
    readonly List<DateTimeOffset> _alive = [];

    public NotifySocket(string path)
    {
        Path = path;
        _socket.Bind(new UnixDomainSocketEndPoint(path));
        _ = HearAsync();
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>READY=1 came.</summary>
    public Task Ready => _ready.Task;

    /// <summary>The longest time between two WATCHDOG=1, or between one and the ends of the time given.</summary>
    public TimeSpan LongestSilence(DateTimeOffset from, DateTimeOffset until)
    {
        lock (_lock)
        {
            DateTimeOffset[] marks = [from, .. _alive.Where(a => a > from && a < until), until];
            return marks.Zip(marks.Skip(1), (a, b) => b - a).Max();
        }
    }

    public void Dispose() => _socket.Dispose();

    async Task HearAsync()
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (true)
            {
                int length = await _socket.ReceiveAsync(buffer);
                DateTimeOffset now = TimeProvider.System.GetUtcNow();
                string[] said = Encoding.UTF8.GetString(buffer, 0, length).Split('\n');
                if (said.Contains("READY=1")) _ready.TrySetResult();
                if (!said.Contains("WATCHDOG=1")) continue;
                lock (_lock) _alive.Add(now);
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // Nobody listens any more.
        }
    }
}
