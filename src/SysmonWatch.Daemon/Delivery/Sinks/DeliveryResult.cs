namespace SysmonWatch.Daemon.Delivery.Sinks;

/// <summary>What telling came to, as far as it decides what is done next.</summary>
enum DeliveryOutcome
{
    /// <summary>It was taken.</summary>
    Told,

    /// <summary>Nobody is there, or they have trouble of their own: tried again, with longer and longer waits.</summary>
    Unavailable,

    /// <summary>They ask for time: tried again when they say.</summary>
    Limited,

    /// <summary>They are there and do not know us (wrong URL, token, channel): tried again slowly, because the operator may mend it.</summary>
    Misconfigured,

    /// <summary>They do not want this very alert: others go on, and this one is given up soon.</summary>
    Rejected,
}

/// <summary>What came of telling one alert.</summary>
/// <param name="Outcome">What it came to.</param>
/// <param name="Reason">For people, without secrets and without a full stop; empty where it was told.</param>
/// <param name="RetryAfter">How long they ask to be left alone; null where they do not say.</param>
sealed record DeliveryResult(DeliveryOutcome Outcome, string Reason = "", TimeSpan? RetryAfter = null)
{
    /// <summary>It was taken.</summary>
    public static DeliveryResult Told { get; } = new(DeliveryOutcome.Told);
}
