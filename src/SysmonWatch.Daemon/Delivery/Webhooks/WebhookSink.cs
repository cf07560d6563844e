using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery.Sinks;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Delivery.Webhooks;

/// <summary>
/// Tells alerts to a webhook. The other side may be slow, broken or hostile: an attempt has a time limit, no redirect is followed, and of an answer
/// no more than its status, a few headers and the beginning of its body is looked at. Nothing it says or does puts the URL into a message.
/// </summary>
sealed class WebhookSink : IAlertSink, IDisposable
{
    /// <summary>The header that says which alert it is, so that one told twice after a crash can be recognised.</summary>
    public const string AlertIdHeader = "X-SysmonWatch-Alert-Id";

    const int LongestAnswer = 1024;

    readonly WebhookOptions _options;
    readonly IWebhookBody _body;
    readonly TimeProvider _time;
    readonly HttpMessageInvoker _http;
    readonly Uri _url;

    public WebhookSink(WebhookOptions options, IWebhookBody body, TimeProvider time)
    {
        (_options, _body, _time) = (options, body, time);
        _url = new Uri(options.Url.Reveal());
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            // A redirect would send alerts, and tokens in headers, to somebody who is not configured.
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = options.Timeout,
            // So that a changed DNS entry is seen.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            MaxConnectionsPerServer = 1,
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = 64 * 1024,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            EnableMultipleHttp2Connections = false,
        });
    }

    /// <inheritdoc/>
    public string Name => _options.Name;

    /// <inheritdoc/>
    public string Endpoint => _options.Endpoint;

    /// <inheritdoc/>
    public ValueTask<DeliveryResult> TellAsync(Alert alert, CancellationToken cancellation) => SendAsync(_body.Of(alert), alert.AlertId, cancellation);

    /// <inheritdoc/>
    public bool TakesDigests => _body.TakesDigests;

    /// <inheritdoc/>
    public ValueTask<DeliveryResult> TellDigestAsync(IReadOnlyList<Alert> alerts, CancellationToken cancellation) =>
        SendAsync(_body.Digest(alerts), alerts[0].AlertId, cancellation);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    async ValueTask<DeliveryResult> SendAsync(byte[] body, string alertId, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(_options.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        using HttpRequestMessage request = Request(body, alertId);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, either.Token);
            return WebhookAnswers.IsTold(response.StatusCode)
                ? DeliveryResult.Told
                : WebhookAnswers.Judge(response, await BeginningAsync(response, either.Token), _options, _time.GetUtcNow());
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return new DeliveryResult(DeliveryOutcome.Unavailable, $"no answer within {Wording.Say(_options.Timeout)}");
        }
        catch (HttpRequestException e)
        {
            return new DeliveryResult(DeliveryOutcome.Unavailable, Explain(e));
        }
        catch (IOException)
        {
            return new DeliveryResult(DeliveryOutcome.Unavailable, "the connection broke");
        }
    }

    HttpRequestMessage Request(byte[] body, string alertId)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var request = new HttpRequestMessage(HttpMethod.Post, _url) { Content = content };
        request.Headers.TryAddWithoutValidation("User-Agent", "SysmonWatch");
        request.Headers.TryAddWithoutValidation(AlertIdHeader, alertId);
        foreach ((string name, Secret value) in _options.Headers) request.Headers.TryAddWithoutValidation(name, value.Reveal());
        return request;
    }

    /// <summary>The beginning of the body, however long the other side would go on.</summary>
    static async Task<string> BeginningAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using Stream stream = await response.Content.ReadAsStreamAsync(cancellation);
        byte[] buffer = new byte[LongestAnswer];
        int length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    /// <summary>The messages of exceptions may hold addresses and more, so we say it ourselves.</summary>
    static string Explain(HttpRequestException e) => e.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => "its host name cannot be resolved; look at the URL's host and at DNS",
        HttpRequestError.SecureConnectionError => "no TLS; its certificate must be valid for the URL's host, its issuer known here, and its port must speak TLS",
        HttpRequestError.ConnectionError => e.InnerException is SocketException socket ? $"no connection ({socket.SocketErrorCode})" : "no connection",
        HttpRequestError.ResponseEnded => "the connection broke",
        HttpRequestError.InvalidResponse or HttpRequestError.HttpProtocolError or HttpRequestError.VersionNegotiationError => "the answer is not HTTP",
        HttpRequestError.ConfigurationLimitExceeded => "the answer is longer than is looked at",
        HttpRequestError.ProxyTunnelError => "the proxy does not let it through",
        _ => "the connection broke",
    };
}
