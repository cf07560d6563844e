using System.Net;
using System.Text;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>An HTTP server that takes alerts as a generic webhook does and keeps their ids, in the order they came, repeats too.</summary>
sealed class AlertListener : IDisposable
{
    readonly HttpListener _listener = new();
    readonly Lock _lock = new();
    readonly List<string> _ids = [];
    TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AlertListener()
    {
        // Somebody else may take a port between asking for a free one and listening on it.
        for (int port = 20_000 + (Environment.ProcessId % 20_000); ; port++)
        {
            try
            {
                Url = $"http://127.0.0.1:{port}/";
                _listener.Prefixes.Add(Url);
                _listener.Start();
                break;
            }
            catch (HttpListenerException) when (port < 65_000)
            {
                _listener = new HttpListener();
            }
        }
        _ = AnswerAsync();
    }

    public string Url { get; }

    public string[] Ids
    {
        get
        {
            lock (_lock) return [.. _ids];
        }
    }

    /// <summary>Waits until all of these have come.</summary>
    public async Task AllAsync(IReadOnlyCollection<string> ids)
    {
        while (true)
        {
            Task more;
            lock (_lock)
            {
                if (!ids.Except(_ids).Any()) return;
                more = _more.Task;
            }
            await more;
        }
    }

    public void Dispose() => _listener.Close();

    async Task AnswerAsync()
    {
        while (true)
        {
            HttpListenerContext request;
            try
            {
                request = await _listener.GetContextAsync();
            }
            catch (Exception end) when (end is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            try
            {
                using var body = new StreamReader(request.Request.InputStream, Encoding.UTF8);
                await body.ReadToEndAsync();
                lock (_lock)
                {
                    _ids.Add(request.Request.Headers["X-SysmonWatch-Alert-Id"] ?? "without an id");
                    _more.TrySetResult();
                    _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
                request.Response.Close();
            }
            catch (Exception gone) when (gone is HttpListenerException or IOException)
            {
                // The daemon was killed in the middle of telling; it tells again.
            }
        }
    }
}
