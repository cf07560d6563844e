using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace SysmonWatch.Daemon.Tests.Delivery;

/// <summary>An HTTP server of the worst kind: does to each connection what the test says, byte for byte.</summary>
sealed class UnrulyServer : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _end = new();
    readonly Channel<string> _requests = Channel.CreateUnbounded<string>();
    readonly Func<NetworkStream, Socket, CancellationToken, Task> _answer;
    readonly Task _run;

    public UnrulyServer(Func<NetworkStream, Socket, CancellationToken, Task> answer)
    {
        _answer = answer;
        _listener.Start();
        _run = RunAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/services/hush";

    /// <summary>One that answers every request with this text.</summary>
    public static UnrulyServer Saying(string answer) => new(async (stream, _, cancellation) => await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), cancellation));

    /// <summary>The next request as it came, head and body.</summary>
    public ValueTask<string> NextRequestAsync() => _requests.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _run;
        _listener.Stop();
        _end.Dispose();
    }

    async Task RunAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_end.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            _requests.Writer.TryWrite(await ReadRequestAsync(stream));
            await _answer(stream, socket, _end.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The other side has had enough, as it should.
        }
    }

    async Task<string> ReadRequestAsync(NetworkStream stream)
    {
        var request = new StringBuilder();
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            int read = await stream.ReadAsync(buffer, _end.Token);
            if (read == 0) return request.ToString();
            request.Append(Encoding.UTF8.GetString(buffer, 0, read));
            string so = request.ToString();
            int head = so.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (head < 0) continue;
            string length = so[..head].Split("\r\n").First(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))[15..];
            if (Encoding.UTF8.GetByteCount(so) >= head + 4 + int.Parse(length, null)) return so;
        }
    }
}
