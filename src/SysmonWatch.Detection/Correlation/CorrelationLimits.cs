namespace SysmonWatch.Detection.Correlation;

/// <summary>
/// How much all correlations together may remember. What is beyond is given up and counted in <see cref="CorrelationCounters"/>: first groups whose window is over, then
/// those with the fewest events (<see cref="WindowBudget"/>).
/// </summary>
public sealed record CorrelationLimits
{
    /// <summary>The most groups of another correlation that one hit counts in, because its events differ in what that one groups by.</summary>
    internal const int MostInherited = 1_000;

    /// <summary>Groups. Default 100,000; at least 1.</summary>
    public int Groups { get; init; } = 100_000;

    /// <summary>
    /// Events of one group. Default 10,000; at least 8. Raised by itself to twice the number a condition compares with, so that no
    /// condition is out of reach.
    /// </summary>
    public int EntriesPerGroup { get; init; } = 10_000;

    /// <summary>Events of all groups. Default 1,000,000; at least 8, and at least what one group may have.</summary>
    public int Entries { get; init; } = 1_000_000;

    /// <summary>
    /// Bytes of all groups, with the processes that their events refer to (each counted once). Default 64 MiB; at least 64 KiB. It holds about 200,000 events of few
    /// processes, or 15,000 of processes of their own with the longest command lines.
    /// </summary>
    public long Bytes { get; init; } = 64 << 20;

    /// <summary>
    /// How far an event may be dated ahead of its arrival before it moves no window, in microseconds: by so much the newest event of a group may be ahead of those that
    /// are still to come. Default 5 minutes.
    /// </summary>
    public long FutureTolerance { get; init; } = 300_000_000;

    /// <summary>
    /// How far apart groups may be in the stream's order before an idle one is forgotten: it goes when event time has moved on by the
    /// timespan and this, in microseconds, since it saw its last event. Default one hour.
    /// </summary>
    public long IdleGrace { get; init; } = 3_600_000_000;
}
