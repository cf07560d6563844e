using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery.Services.Generic;
using SysmonWatch.Daemon.Delivery.Sinks;
using SysmonWatch.Daemon.Delivery.Webhooks;

namespace SysmonWatch.Daemon.Tests.Delivery;

public sealed class WebhookSinkTests
{
    readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 24, 4, 15, 0, TimeSpan.Zero));

    WebhookSink Sink(string url) => new(
        new WebhookOptions
        {
            Name = "chat",
            Type = WebhookType.Generic,
            Url = new Secret(url),
            Endpoint = new Uri(url).GetLeftPart(UriPartial.Authority),
            Headers = [new KeyValuePair<string, Secret>("Authorization", new Secret("Bearer tokenhush"))],
        },
        new GenericBody(), _time);

    static string Answer(string status, string body, string headers = "") =>
        $"HTTP/1.1 {status}\r\n{headers}Content-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}";

    async Task<DeliveryResult> TellAsync(string url)
    {
        using WebhookSink sink = Sink(url);
        return await sink.TellAsync(SomeAlerts.Alert(), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Sends_the_body_with_the_id_and_the_configured_headers()
    {
        await using UnrulyServer server = UnrulyServer.Saying(Answer("200 OK", "ok"));

        DeliveryResult result = await TellAsync(server.Url);

        string[] request = (await server.NextRequestAsync()).Split("\r\n\r\n");
        Assert.Equal(DeliveryResult.Told, result);
        Assert.StartsWith("POST /services/hush HTTP/1.1\r\n", request[0], StringComparison.Ordinal);
        Assert.Contains("\r\nX-SysmonWatch-Alert-Id: 00112233445566778899aabbccddeeff", request[0], StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: application/json", request[0], StringComparison.Ordinal);
        Assert.Contains("\r\nAuthorization: Bearer tokenhush", request[0], StringComparison.Ordinal);
        using JsonDocument body = JsonDocument.Parse(request[1]);
        Assert.Equal(1, body.RootElement.GetProperty("version").GetInt32());
        Assert.Equal("00112233445566778899aabbccddeeff", body.RootElement.GetProperty("alert").GetProperty("alert_id").GetString());
    }

    public static TheoryData<string, string, string, int> Answers => new()
    {
        { Answer("204 No Content", ""), "Told", "", 0 },
        { Answer("500 Oops", "server_error"), "Unavailable", "HTTP 500 (server_error)", 0 },
        { Answer("503 Busy", "", "Retry-After: 7\r\n"), "Unavailable", "HTTP 503", 7 },
        { Answer("408 Slow", ""), "Unavailable", "HTTP 408", 0 },
        { Answer("429 Slow down", "rate_limited", "Retry-After: 30\r\n"), "Limited", "HTTP 429 (rate_limited)", 30 },
        { Answer("429 Slow down", "", "Retry-After: Tue, 24 Nov 2026 04:16:00 GMT\r\n"), "Limited", "HTTP 429", 60 },
        { Answer("429 Slow down", "", "Retry-After: Tue, 24 Nov 2020 04:16:00 GMT\r\n"), "Limited", "HTTP 429", 0 },
        { Answer("429 Slow down", "", "Retry-After: -3\r\n"), "Limited", "HTTP 429", 0 },
        { Answer("429 Slow down", "", "Retry-After: soon\r\n"), "Limited", "HTTP 429", 0 },
        { Answer("400 Bad", "invalid_payload"), "Rejected", "HTTP 400 (invalid_payload)", 0 },
        { Answer("413 Long", ""), "Rejected", "HTTP 413", 0 },
        { Answer("401 Who", "invalid_token"), "Misconfigured", "HTTP 401 (invalid_token); look at its url and headers", 0 },
        { Answer("403 No", "action_prohibited"), "Misconfigured", "HTTP 403 (action_prohibited); look at its url and headers", 0 },
        { Answer("404 None", "no_service"), "Misconfigured", "HTTP 404 (no_service); look at its url and headers", 0 },
        { Answer("410 Gone", "channel_is_archived"), "Misconfigured", "HTTP 410 (channel_is_archived); look at its url and headers", 0 },
        { Answer("302 Found", "", "Location: http://evil.example/\r\n"), "Misconfigured", "HTTP 302, a redirect, which is not followed; configure the URL it leads to", 0 },
        { Answer("307 Moved", "", "Location: http://127.0.0.1:1/\r\n"), "Misconfigured", "HTTP 307, a redirect, which is not followed; configure the URL it leads to", 0 },
        { Answer("404 None", "no service at /services/hush"), "Misconfigured", "HTTP 404; look at its url and headers", 0 },
        { Answer("404 None", "HUSH is unknown"), "Misconfigured", "HTTP 404; look at its url and headers", 0 },
        { Answer("401 Who", "bad tokenhush"), "Misconfigured", "HTTP 401; look at its url and headers", 0 },
        { Answer("500 Oops", "<html>\u001b[31m</html>"), "Unavailable", "HTTP 500", 0 },
        { Answer("500 Oops", new string('a', 81)), "Unavailable", "HTTP 500", 0 },
        { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut", "Told", "", 0 },
        { "HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\ncut", "Unavailable", "the connection broke", 0 },
        { "SSH-2.0-OpenSSH_9.6\r\n\r\n\r\n", "Unavailable", "the answer is not HTTP", 0 },
        { "HTTP/1.1 999999 x\r\n\r\n", "Unavailable", "the answer is not HTTP", 0 },
        { "", "Unavailable", "the connection broke", 0 },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Understands_an_answer(string answer, string outcome, string reason, int retryAfter)
    {
        await using UnrulyServer server = UnrulyServer.Saying(answer);

        DeliveryResult result = await TellAsync(server.Url);

        Assert.Equal((Enum.Parse<DeliveryOutcome>(outcome), reason, retryAfter), (result.Outcome, result.Reason, result.RetryAfter?.TotalSeconds ?? 0));
    }

    [Fact]
    public async Task Gives_a_server_that_does_not_answer_its_time_and_no_more()
    {
        await using var server = new UnrulyServer((_, _, cancellation) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation));

        Task<DeliveryResult> telling = TellAsync(server.Url);
        await server.NextRequestAsync();
        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(new DeliveryResult(DeliveryOutcome.Unavailable, "no answer within 10 seconds"), await telling);
    }

    [Fact]
    public async Task Gives_a_server_that_drips_its_time_and_no_more()
    {
        var dripping = new TaskCompletionSource();
        await using var server = new UnrulyServer(async (stream, _, cancellation) =>
        {
            await stream.WriteAsync("HTTP/1.1 500 Oops\r\nContent-Length: 1000\r\n\r\n"u8.ToArray(), cancellation);
            dripping.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        });

        Task<DeliveryResult> telling = TellAsync(server.Url);
        await dripping.Task;
        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal("no answer within 10 seconds", (await telling).Reason);
    }

    [Theory]
    [InlineData("HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP 500")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "")]
    public async Task Reads_only_the_beginning_of_an_endless_body(string head, string reason)
    {
        await using var server = new UnrulyServer(async (stream, _, cancellation) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head), cancellation);
            byte[] chunk = Encoding.ASCII.GetBytes($"1000\r\n{new string('a', 4096)}\r\n");
            while (true) await stream.WriteAsync(chunk, cancellation);
        });

        Assert.Equal(reason, (await TellAsync(server.Url)).Reason);
    }

    [Fact]
    public async Task Does_not_read_endless_headers()
    {
        await using var server = new UnrulyServer(async (stream, _, cancellation) =>
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\n"u8.ToArray(), cancellation);
            byte[] header = Encoding.ASCII.GetBytes($"X: {new string('a', 4096)}\r\n");
            while (true) await stream.WriteAsync(header, cancellation);
        });

        Assert.Equal(new DeliveryResult(DeliveryOutcome.Unavailable, "the answer is longer than is looked at"), await TellAsync(server.Url));
    }

    [Fact]
    public async Task Takes_a_reset_as_unavailable()
    {
        await using var server = new UnrulyServer((_, socket, _) =>
        {
            socket.Close(0);
            return Task.CompletedTask;
        });

        Assert.Equal(new DeliveryResult(DeliveryOutcome.Unavailable, "the connection broke"), await TellAsync(server.Url));
    }

    [Fact]
    public async Task Says_that_nobody_listens_without_saying_where()
    {
        string url;
        await using (UnrulyServer server = UnrulyServer.Saying("")) url = server.Url;

        Assert.Equal(new DeliveryResult(DeliveryOutcome.Unavailable, "no connection (ConnectionRefused)"), await TellAsync(url));
        Assert.Equal("no TLS; its certificate must be valid for the URL's host, its issuer known here, and its port must speak TLS", (await HttpsToPlain()).Reason);
    }

    [Fact]
    public async Task Hands_on_that_it_was_called_off()
    {
        await using var server = new UnrulyServer((_, _, cancellation) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation));
        using WebhookSink sink = Sink(server.Url);
        using var calledOff = new CancellationTokenSource();

        Task<DeliveryResult> telling = sink.TellAsync(SomeAlerts.Alert(), calledOff.Token).AsTask();
        await server.NextRequestAsync();
        await calledOff.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => telling);
    }

    async Task<DeliveryResult> HttpsToPlain()
    {
        await using var server = new UnrulyTls();
        return await TellAsync(server.Url);
    }

    /// <summary>Answers a TLS hello with something that is none.</summary>
    sealed class UnrulyTls : IAsyncDisposable
    {
        readonly System.Net.Sockets.TcpListener _listener = new(System.Net.IPAddress.Loopback, 0);
        readonly Task _run;

        public UnrulyTls()
        {
            _listener.Start();
            _run = ServeAsync();
        }

        public string Url => $"https://127.0.0.1:{((System.Net.IPEndPoint)_listener.LocalEndpoint).Port}/services/hush";

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _run;
        }

        async Task ServeAsync()
        {
            using System.Net.Sockets.Socket socket = await _listener.AcceptSocketAsync();
            byte[] buffer = new byte[4096];
            await socket.ReceiveAsync(buffer);
            await socket.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
        }
    }
}
