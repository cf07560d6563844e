using System.Net;
using System.Threading.Channels;

namespace SysmonWatch.SystemTests.Containers;

/// <summary>A real HTTP server on the loopback interface of a container, up or down as a test needs it.</summary>
sealed class WebhookListener : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    readonly string _leader;
    readonly int _port;

    // A test's own requests, read by that test: unbounded is what it needs.
    readonly Channel<WebhookRequest> _requests = Channel.CreateUnbounded<WebhookRequest>();
    HttpListener? _listener;

    /// <summary>Makes one that is down.</summary>
    /// <param name="leader">A process of the container.</param>
    /// <param name="port">On 127.0.0.1.</param>
    public WebhookListener(string leader, int port) => (_leader, _port) = (leader, port);

    /// <summary>Waits until each of these alerts has arrived.</summary>
    /// <param name="alertIds">Some may have arrived already.</param>
    /// <param name="arrived">What was waited through before; gets all that arrives meanwhile.</param>
    public async Task WaitForAsync(IReadOnlyList<string> alertIds, List<WebhookRequest> arrived)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            while (alertIds.Except(arrived.Select(request => request.AlertId)).Any()) arrived.Add(await _requests.Reader.ReadAsync(patience.Token));
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"Waited in vain for {string.Join(", ", alertIds.Except(arrived.Select(request => request.AlertId)))} at the webhook.", e);
        }
    }

    /// <summary>What has arrived since the last wait.</summary>
    public IReadOnlyList<WebhookRequest> Received()
    {
        var received = new List<WebhookRequest>();
        while (_requests.Reader.TryRead(out WebhookRequest? request)) received.Add(request);
        return received;
    }

    /// <summary>Connections are accepted and requests answered with 200.</summary>
    public void GoUp()
    {
        var listener = new HttpListener { Prefixes = { $"http://127.0.0.1:{_port}/" } };
        NetworkNamespace.Run(_leader, listener.Start);
        _listener = listener;
        _ = AnswerAsync(listener);
    }

    /// <summary>Connections are refused.</summary>
    public void GoDown()
    {
        _listener?.Close();
        _listener = null;
    }

    public void Dispose() => GoDown();

    async Task AnswerAsync(HttpListener listener)
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            using var body = new StreamReader(context.Request.InputStream);
            var request = new WebhookRequest(
                context.Request.RawUrl ?? "", context.Request.ContentType ?? "", context.Request.Headers["X-SysmonWatch-Alert-Id"], await body.ReadToEndAsync());
            _requests.Writer.TryWrite(request);
            // No connection outlives its request, so that going down takes all of them.
            context.Response.KeepAlive = false;
            context.Response.Close();
        }
    }
}
