using System.Numerics;

namespace SysmonWatch.Detection.Correlation;

/// <summary>
/// The groups of one correlation in classes of about the same size (1, 2 to 3, 4 to 7 events …), each class in the order of use. So the groups that are worth
/// least are found without looking at all of them. Not thread-safe.
/// </summary>
sealed class GroupsBySize
{
    readonly LinkedList<CorrelationGroup>[] _classes = [.. Enumerable.Range(0, 32).Select(_ => new LinkedList<CorrelationGroup>())];
    uint _occupied;
    long _uses;

    /// <summary>All, the one that was used last first.</summary>
    public IEnumerable<CorrelationGroup> LastUsedFirst => _classes.SelectMany(groups => groups).OrderByDescending(group => group.LastUse);

    /// <summary>A group is used, and may have another size than before; it may be new.</summary>
    public void Use(CorrelationGroup group)
    {
        group.LastUse = ++_uses;
        LinkedListNode<CorrelationGroup> place = group.Place ??= new LinkedListNode<CorrelationGroup>(group);
        Take(place);
        int its = BitOperations.Log2((uint)Math.Max(1, group.Count));
        _classes[its].AddFirst(place);
        _occupied |= 1u << its;
    }

    /// <summary>A group is gone.</summary>
    public void Remove(CorrelationGroup group) => Take(group.Place!);

    /// <summary>A group that has not been used since a time; null where there is none.</summary>
    public CorrelationGroup? UnusedSince(long time)
    {
        for (uint classes = _occupied; classes != 0; classes &= classes - 1)
        {
            CorrelationGroup longestUnused = _classes[BitOperations.TrailingZeroCount(classes)].Last!.Value;
            if (longestUnused.TouchedAt < time) return longestUnused;
        }
        return null;
    }

    /// <summary>One of the smallest: the one that was used last of them, or first; null where there is none.</summary>
    public CorrelationGroup? Smallest(bool usedLast)
    {
        if (_occupied == 0) return null;
        LinkedList<CorrelationGroup> smallest = _classes[BitOperations.TrailingZeroCount(_occupied)];
        return (usedLast ? smallest.First : smallest.Last)!.Value;
    }

    void Take(LinkedListNode<CorrelationGroup> place)
    {
        if (place.List is not { } before) return;
        before.Remove(place);
        if (before.Count == 0) _occupied &= ~(1u << Array.IndexOf(_classes, before));
    }
}
