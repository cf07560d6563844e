using System.Globalization;

namespace SysmonWatch.Detection.Events;

/// <summary>Event time: microseconds since 1970-01-01T00:00:00Z.</summary>
public static class EventTime
{
    /// <summary>0001 to 9999 in microseconds; anything outside is not a time.</summary>
    static readonly long Earliest = (DateTimeOffset.MinValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
    static readonly long Latest = (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>As a <see cref="DateTimeOffset"/> in UTC; clamped to years 1 to 9999.</summary>
    public static DateTimeOffset ToDateTimeOffset(long microseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(microseconds, Earliest, Latest) * TimeSpan.TicksPerMicrosecond);

    /// <summary>From a point in time, rounded down to the microsecond.</summary>
    public static long From(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>RFC 3339 in UTC, always with six decimals: <c>2026-11-24T02:19:16.711841Z</c>.</summary>
    public static string Format(long microseconds) =>
        ToDateTimeOffset(microseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
