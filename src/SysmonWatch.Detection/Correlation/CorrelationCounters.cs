namespace SysmonWatch.Detection.Correlation;

/// <summary>What the correlations hold and what they had to leave out. Written by the engine's thread; others may read, a little late.</summary>
public sealed class CorrelationCounters
{
    /// <summary>Groups held now, over all correlations.</summary>
    public long Groups { get; internal set; }

    /// <summary>Events held now, over all groups.</summary>
    public long Entries { get; internal set; }

    /// <summary>Bytes of the groups held now; the processes that their events refer to are counted apart.</summary>
    public long WindowBytes { get; internal set; }

    /// <summary>Groups given up while their window was still open, because all together had too many groups, events or bytes.</summary>
    public long EvictedGroups { get; internal set; }

    /// <summary>Events given up while their window was still open because their group had too many.</summary>
    public long EvictedEntries { get; internal set; }

    /// <summary>Events ignored because they are older than their group's window, or than a window that is decided.</summary>
    public long LateIgnored { get; internal set; }

    /// <summary>Events too far in the future, placed at the stream's present time.</summary>
    public long FutureDated { get; internal set; }

    /// <summary>Events too far in the future that came before the stream had any time to place them at, and were ignored.</summary>
    public long FutureIgnored { get; internal set; }

    /// <summary>Events ignored because a field to group by is absent or null.</summary>
    public long GroupFieldMissing { get; internal set; }

    /// <summary>Events ignored because the condition's field is absent, null or, where a number is needed, no number.</summary>
    public long ValueMissing { get; internal set; }

    /// <summary>Correlations that fired, those included that only feed others.</summary>
    public long Fired { get; internal set; }
}
