using SysmonWatch.Daemon.Delivery.Sinks;

namespace SysmonWatch.Daemon.Delivery;

/// <summary>
/// Leaves a sink alone that fails, whatever else waits for it: one attempt after each wait, until one succeeds. Waits by the monotonic clock, so that
/// no clock that is set makes them longer or shorter. Not thread-safe.
/// </summary>
sealed class Breaker(RetrySchedule schedule, TimeProvider time)
{
    long _failedAt;
    TimeSpan _wait;

    /// <summary>Failures since the last success.</summary>
    public int Failures { get; private set; }

    /// <summary>How long the sink is still left alone; zero where it may be tried.</summary>
    public TimeSpan Remaining
    {
        get
        {
            TimeSpan left = Failures == 0 ? TimeSpan.Zero : _wait - time.GetElapsedTime(_failedAt);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>An attempt failed.</summary>
    public void Failed(DeliveryResult result, double chance)
    {
        Failures++;
        _failedAt = time.GetTimestamp();
        _wait = schedule.WaitAfter(Failures, result, chance);
    }

    /// <summary>An attempt succeeded.</summary>
    public void Succeeded() => Failures = 0;
}
