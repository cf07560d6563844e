namespace SysmonWatch.Daemon.Tests;

/// <summary>A clock that somebody sets while another goes on underneath, as CLOCK_REALTIME over CLOCK_MONOTONIC: timers and durations do not notice. Thread-safe.</summary>
sealed class LeapingTime(TimeProvider underneath) : TimeProvider
{
    long _ahead;
    int _timers;

    public override long TimestampFrequency => underneath.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => underneath.LocalTimeZone;

    /// <summary>How many timers have been asked for.</summary>
    public int Timers => Volatile.Read(ref _timers);

    /// <summary>Sets the clock so much forward, or back.</summary>
    public void Leap(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);

    public override DateTimeOffset GetUtcNow() => underneath.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));

    public override long GetTimestamp() => underneath.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = underneath.CreateTimer(callback, state, dueTime, period);
        Interlocked.Increment(ref _timers);
        return timer;
    }
}
