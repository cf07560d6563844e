namespace SysmonWatch.Detection.Batches;

/// <summary>Tells whether an event is dated further ahead of its arrival than can be true, so that one line cannot move every window.</summary>
/// <remarks>
/// Arrival is what the source says; on replay of a file the time in the line's header; where that has no year and zone, the time of the event before,
/// which an idle hour makes look like the past: then the event is taken at its word once the next one agrees with it.
/// </remarks>
/// <param name="tolerance">How far ahead is believed. Default 5 minutes.</param>
public sealed class ArrivalClock(TimeSpan tolerance)
{
    readonly long _tolerance = tolerance.Ticks / TimeSpan.TicksPerMicrosecond;
    long _believed = long.MinValue;
    long _doubted = long.MinValue;

    /// <summary>True where an event is from the future.</summary>
    /// <param name="time">The event's own time, microseconds since 1970.</param>
    /// <param name="arrival">Its arrival, microseconds since 1970; 0 where neither source nor header say.</param>
    public bool IsFromTheFuture(long time, long arrival)
    {
        if (arrival != 0) return time > arrival + _tolerance;
        if (_believed == long.MinValue || time <= _believed + _tolerance)
        {
            _believed = Math.Max(_believed, time);
            return false;
        }
        if (_doubted != long.MinValue && Math.Abs(time - _doubted) <= _tolerance)
        {
            _believed = Math.Max(time, _doubted);
            return false;
        }
        _doubted = time;
        return true;
    }
}
