using SysmonWatch.Daemon.Delivery.Sinks;

namespace SysmonWatch.Daemon.Delivery;

/// <summary>
/// Leaves a sink alone that fails, whatever else waits for it: one attempt after each wait, until one succeeds. Not thread-safe; knows no clock.
/// </summary>
sealed class Breaker(RetrySchedule schedule)
{
    DateTimeOffset _until = DateTimeOffset.MinValue;

    /// <summary>Failures since the last success.</summary>
    public int Failures { get; private set; }

    /// <summary>When the next attempt may be made; in the past where it may be made now.</summary>
    public DateTimeOffset Until => _until;

    /// <summary>How long the sink is still left alone; zero where it may be tried.</summary>
    public TimeSpan Remaining(DateTimeOffset now)
    {
        TimeSpan left = _until - now;
        // More than the longest wait is left only where the clock was set back.
        return left > TimeSpan.Zero && left <= schedule.Longest ? left : TimeSpan.Zero;
    }

    /// <summary>An attempt failed.</summary>
    /// <returns>When the next one may be made.</returns>
    public DateTimeOffset Failed(DateTimeOffset now, DeliveryResult result, double chance)
    {
        Failures++;
        _until = now + schedule.WaitAfter(Failures, result, chance);
        return _until;
    }

    /// <summary>An attempt succeeded.</summary>
    /// <returns>How many failures that ends.</returns>
    public int Succeeded()
    {
        int ended = Failures;
        (Failures, _until) = (0, DateTimeOffset.MinValue);
        return ended;
    }
}
