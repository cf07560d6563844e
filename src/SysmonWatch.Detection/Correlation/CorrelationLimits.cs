namespace SysmonWatch.Detection.Correlation;

/// <summary>How much the correlations may remember. What is beyond is given up oldest first and counted in <see cref="CorrelationCounters"/>.</summary>
public sealed record CorrelationLimits
{
    /// <summary>The most groups of another correlation that one hit counts in, because its events differ in what that one groups by.</summary>
    internal const int MostInherited = 1_000;

    /// <summary>Groups of one correlation. Default 100,000; at least 1. The one that has seen no event for the longest goes.</summary>
    public int GroupsPerRule { get; init; } = 100_000;

    /// <summary>
    /// Events of one group. Default 10,000; at least 8. Raised by itself to twice the number a condition compares with, so that no
    /// condition is out of reach.
    /// </summary>
    public int EntriesPerGroup { get; init; } = 10_000;

    /// <summary>Events of all groups of one correlation. Default 200,000; at least 8.</summary>
    public int EntriesPerRule { get; init; } = 200_000;

    /// <summary>
    /// How far apart groups may be in the stream's order before an idle one is forgotten: it goes when event time has moved on by the
    /// timespan and this, in microseconds, since it saw its last event. Default one hour.
    /// </summary>
    public long IdleGrace { get; init; } = 3_600_000_000;
}
