namespace SysmonWatch.Daemon.State;

/// <summary>Times as the database has them: microseconds since 1970.</summary>
static class Micros
{
    /// <summary>A time as a number.</summary>
    public static long Of(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>The time a number stands for; the nearest there is, of one from a damaged database.</summary>
    public static DateTimeOffset ToTime(long micros) => DateTimeOffset.UnixEpoch.AddTicks(
        Math.Clamp(micros, -(DateTimeOffset.UnixEpoch.Ticks / 10), (DateTimeOffset.MaxValue.Ticks - DateTimeOffset.UnixEpoch.Ticks) / 10) * TimeSpan.TicksPerMicrosecond);
}
