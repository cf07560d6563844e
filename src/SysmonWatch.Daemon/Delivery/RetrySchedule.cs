using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery.Sinks;

namespace SysmonWatch.Daemon.Delivery;

/// <summary>When something that failed is tried again. Immutable; knows no clock.</summary>
sealed class RetrySchedule(RetryOptions options)
{
    /// <summary>So many attempts are made before an alert is given up for its age, so that a clock that is set forward does not give up all of them.</summary>
    public const int FewestAttempts = 5;

    /// <summary>So often an alert that is not wanted is offered.</summary>
    public const int AttemptsOfRejected = 3;

    /// <summary>The longest wait there is.</summary>
    public TimeSpan Longest => options.Longest;

    /// <summary>How long an alert is tried.</summary>
    public TimeSpan GiveUpAfter => options.GiveUpAfter;

    /// <summary>How long to wait after a failure.</summary>
    /// <param name="failures">How many there were in a row, from 1.</param>
    /// <param name="result">What the last one came to.</param>
    /// <param name="chance">0 up to 1, for the jitter: hosts that failed together shall not come back together.</param>
    public TimeSpan WaitAfter(int failures, DeliveryResult result, double chance)
    {
        // Doubling: at most 62 times, or it would overflow long before anybody waits that long.
        double doubled = options.First.Ticks * Math.Pow(2, Math.Min(failures - 1, 62));
        double steps = result.Outcome == DeliveryOutcome.Misconfigured ? options.Longest.Ticks : Math.Min(doubled, options.Longest.Ticks);
        var wait = new TimeSpan((long)(steps * (0.5 + 0.5 * chance)));
        // What they ask for is a least, so it gets no jitter downwards; an absurd one is not obeyed.
        if (result.RetryAfter is { } asked && asked > wait) wait = asked < options.Longest ? asked : options.Longest;
        return wait;
    }

    /// <summary>True where an alert is not tried again.</summary>
    /// <param name="age">How long ago it was raised.</param>
    /// <param name="attempts">How often it was tried, this time included.</param>
    /// <param name="outcome">What the last attempt came to.</param>
    public bool GivesUp(TimeSpan age, int attempts, DeliveryOutcome outcome) =>
        outcome == DeliveryOutcome.Rejected ? attempts >= AttemptsOfRejected : age > options.GiveUpAfter && attempts >= FewestAttempts;
}
