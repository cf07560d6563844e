using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Configuration;

/// <summary>One of <c>webhooks</c>: where alerts are sent over HTTP.</summary>
sealed record WebhookOptions
{
    /// <summary>Its name in messages and in the outbox: 1 to 64 of a–z, 0–9, '-' and '_'; unique. Required.</summary>
    public required string Name { get; init; }

    /// <summary>What it understands. Required.</summary>
    public required WebhookType Type { get; init; }

    /// <summary>Absolute http or https URL; a secret. Required.</summary>
    public required Secret Url { get; init; }

    /// <summary>Scheme and host of <see cref="Url"/>: all of it that messages may contain.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Alerts below this level are not sent. Default informational: all are.</summary>
    public RuleLevel MinimumLevel { get; init; } = RuleLevel.Informational;

    /// <summary>How long one attempt may take. Default 10 s; 1 s to 5 min.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Headers to send along; their values may be secrets. Default none.</summary>
    public IReadOnlyList<KeyValuePair<string, Secret>> Headers { get; init; } = [];

    /// <summary>Why it cannot be used until a reload finds otherwise, as it reads in a sentence; null where it can. Alerts for it are kept meanwhile.</summary>
    public string? Unusable => Url.Problem is { } problem ? $"its URL cannot be used: the {problem}"
        : Headers.Select(h => h.Value.Problem).FirstOrDefault(p => p is not null) is { } header ? $"one of its headers cannot be used: the {header}"
        : null;

    /// <summary>True where only the service can know whether it can be used.</summary>
    public bool IsNotLookedAt => Headers.Select(h => h.Value).Prepend(Url).All(secret => secret.Problem is null || ReferenceEquals(secret, Secret.NotLookedAt));

    /// <summary>What happens when it does not take an alert.</summary>
    public RetryOptions Retry { get; init; } = new();
}

/// <summary><c>webhooks[].type</c></summary>
enum WebhookType
{
    /// <summary>The JSON of an alert as <c>sysmonwatch replay</c> prints it, in an envelope with a version.</summary>
    Generic,

    /// <summary>A message for a Slack incoming webhook.</summary>
    Slack,
}

/// <summary><c>webhooks[].retry</c>: the wait doubles from the first to the longest, with jitter.</summary>
sealed record RetryOptions
{
    /// <summary>Wait after the first failure. Default 1 s; 100 ms to 1 h.</summary>
    public TimeSpan First { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between two attempts, also where the other side asks for more. Default 5 min; 1 s to 24 h.</summary>
    public TimeSpan Longest { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long an alert is tried before it becomes a dead letter. Default 1 d; 1 min to 30 d.</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromDays(1);
}
