using System.Net;
using System.Text.RegularExpressions;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery.Sinks;

namespace SysmonWatch.Daemon.Delivery.Webhooks;

/// <summary>What the answer of a webhook means.</summary>
static partial class WebhookAnswers
{
    /// <summary>True for every 2xx.</summary>
    public static bool IsTold(HttpStatusCode status) => (int)status is >= 200 and < 300;

    /// <summary>What an answer that is not 2xx means.</summary>
    /// <param name="response">Its status and headers.</param>
    /// <param name="body">The beginning of its body.</param>
    /// <param name="options">Whose answer it is.</param>
    /// <param name="now">For a Retry-After that is a date.</param>
    public static DeliveryResult Judge(HttpResponseMessage response, string body, WebhookOptions options, DateTimeOffset now)
    {
        int status = (int)response.StatusCode;
        TimeSpan? retryAfter = RetryAfter(response, now);
        string said = $"HTTP {status}{Quote(body, options)}";
        return status switch
        {
            >= 300 and < 400 => new(DeliveryOutcome.Misconfigured, $"HTTP {status}, a redirect, which is not followed; configure the URL it leads to", retryAfter),
            429 => new(DeliveryOutcome.Limited, said, retryAfter),
            408 or 425 or >= 500 => new(DeliveryOutcome.Unavailable, said, retryAfter),
            // The content of one alert: too long, or something in it they do not take.
            400 or 413 or 415 or 422 or 431 => new(DeliveryOutcome.Rejected, said),
            < 200 => new(DeliveryOutcome.Unavailable, said),
            _ => new(DeliveryOutcome.Misconfigured, $"{said}; look at its url and headers", retryAfter),
        };
    }

    /// <summary>Seconds or a date (RFC 9110 §10.2.3). Null where it is absent, in the past or nonsense.</summary>
    static TimeSpan? RetryAfter(HttpResponseMessage response, DateTimeOffset now)
    {
        TimeSpan? wait = response.Headers.RetryAfter is { } header ? header.Delta ?? (header.Date - now) : null;
        return wait > TimeSpan.Zero ? wait : null;
    }

    /// <summary>
    /// What the body says, where it is a short code or a few words such as Slack's invalid_payload. Anything else, and anything that has a piece of
    /// one of our secrets in it, is not repeated.
    /// </summary>
    static string Quote(string body, WebhookOptions options)
    {
        string text = body.Trim();
        return Words.IsMatch(text) && !Pieces(options).Any(piece => text.Contains(piece, StringComparison.OrdinalIgnoreCase)) ? $" ({text})" : "";
    }

    static IEnumerable<string> Pieces(WebhookOptions options) => options.Headers.Select(header => header.Value.Reveal())
        .Append(new Uri(options.Url.Reveal()).PathAndQuery)
        .SelectMany(secret => secret.Split(['/', '?', '&', '=', ' ', ':', ',', '.', '-'], StringSplitOptions.RemoveEmptyEntries))
        .Where(piece => piece.Length > 2);

    [GeneratedRegex("^[A-Za-z0-9_ .,'-]{1,80}$", RegexOptions.CultureInvariant)]
    static partial Regex Words { get; }
}
