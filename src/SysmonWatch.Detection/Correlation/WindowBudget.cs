namespace SysmonWatch.Detection.Correlation;

/// <summary>
/// What all correlations together remember, against what they may. Where it is too much, groups are given up: first such whose window is over, which no event can complete any
/// more, then the ones with the fewest events, for they are furthest from a threshold. Not thread-safe.
/// </summary>
/// <remarks>
/// Among the smallest, which are those that a flood of new groups makes, it is mostly the one that was used last, and now and then the first: with the first alone a
/// flood of more groups than there is room for would push out each before its second event, with the last alone groups that came before would keep all others out.
/// </remarks>
/// <param name="limits">What they may.</param>
/// <param name="counters">What they have, and what they gave up.</param>
sealed class WindowBudget(CorrelationLimits limits, CorrelationCounters counters)
{
    readonly List<RuleWindows> _correlations = [];
    long _mostEntries = limits.Entries;

    /// <summary>The processes that events of the windows refer to.</summary>
    public KeptProcesses Processes { get; } = new();

    /// <summary>A correlation takes part.</summary>
    /// <param name="windows">Its windows.</param>
    /// <param name="mostEntries">The events that one of its groups may need.</param>
    public void Add(RuleWindows windows, int mostEntries)
    {
        _correlations.Add(windows);
        _mostEntries = Math.Max(_mostEntries, mostEntries);
    }

    /// <summary>A group has changed.</summary>
    /// <param name="entries">Events more than before.</param>
    /// <param name="bytes">Bytes more than before, processes aside.</param>
    public void Change(int entries, long bytes)
    {
        counters.Entries += entries;
        counters.WindowBytes += bytes;
    }

    /// <summary>A group has come (1) or gone (-1).</summary>
    public void ChangeGroups(int by) => counters.Groups += by;

    /// <summary>Gives up groups until the rest is within the limits; of one group that is too much alone, the oldest events.</summary>
    /// <param name="now">The stream's time.</param>
    public void Enforce(long now)
    {
        while (IsExceeded)
        {
            if (FindOver(now) is { } over) over.Windows.Evict(over.Group, now);
            else if (FindSmallest(TakesLast(now)) is not { } smallest) return;
            else if (counters.Groups > 1 || !smallest.Windows.TryHalve(smallest.Group)) smallest.Windows.Evict(smallest.Group, now);
        }
    }

    bool IsExceeded => counters.Groups > Math.Max(1, limits.Groups) || counters.Entries > _mostEntries || counters.WindowBytes + Processes.Bytes > limits.Bytes;

    (RuleWindows Windows, CorrelationGroup Group)? FindOver(long now)
    {
        foreach (RuleWindows windows in _correlations)
        {
            if (windows.FindOver(now) is { } group) return (windows, group);
        }
        return null;
    }

    (RuleWindows Windows, CorrelationGroup Group)? FindSmallest(bool usedLast)
    {
        (RuleWindows Windows, CorrelationGroup Group)? found = null;
        foreach (RuleWindows windows in _correlations)
        {
            if (windows.FindSmallest(usedLast) is { } group && (found is not { } best || group.Count < best.Group.Count)) found = (windows, group);
        }
        return found;
    }

    /// <summary>True for three quarters of all times, by no pattern: a function of the events, so that after a restart it is the same as without one.</summary>
    static bool TakesLast(long time) => ((ulong)time * 0x9E37_79B9_7F4A_7C15) >> 62 != 0;
}
