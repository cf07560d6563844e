using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Correlation;

/// <summary>Makes a hit of the entries of a window.</summary>
static class HitBuilder
{
    /// <param name="rule">The correlation.</param>
    /// <param name="parts">What each reference is.</param>
    /// <param name="group">The group's values.</param>
    /// <param name="window">Its entries in order; at least one.</param>
    /// <param name="value">What was compared.</param>
    public static CorrelationHit Build(
        CorrelationRule rule, IReadOnlyList<RuleMetadata> parts, IReadOnlyList<(string Field, string Value)> group, ReadOnlySpan<CorrelationEntry> window, decimal value)
    {
        var events = new EndsOfList(CorrelationHit.KeptAtEachEnd);
        var counts = new long[parts.Count];
        var first = new EventReference?[parts.Count];
        var last = new EventReference?[parts.Count];
        var hits = new CorrelationHit?[parts.Count];
        long count = 0;
        foreach (CorrelationEntry entry in window)
        {
            count += entry.EventCount;
            for (ulong bits = entry.Rules; bits != 0; bits &= bits - 1)
            {
                int part = System.Numerics.BitOperations.TrailingZeroCount(bits);
                counts[part] += entry.Weight;
                first[part] ??= entry.Child?.First ?? entry.Reference;
                last[part] = entry.Reference;
                hits[part] = entry.Child ?? hits[part];
            }
            RuleMetadata matched = parts[System.Numerics.BitOperations.TrailingZeroCount(entry.Rules)];
            if (entry.Child is not { } child)
            {
                events.Add(new CorrelatedEvent(entry.Reference, matched, null));
                continue;
            }
            foreach (CorrelatedEvent e in child.Events) events.Add(e with { Via = matched });
        }
        CorrelationEntry completing = window[^1];
        return new CorrelationHit(
            rule,
            group,
            completing.Time,
            window[0].Child?.First ?? window[0].Reference,
            completing.Reference,
            events.ToList(),
            count,
            value,
            [.. parts.Select((part, i) => new CorrelationPart(part, counts[i], first[i], last[i], hits[i]))]);
    }

    /// <summary>Keeps the first and the last so many.</summary>
    sealed class EndsOfList(int each)
    {
        readonly List<CorrelatedEvent> _first = [];
        readonly Queue<CorrelatedEvent> _last = [];

        public void Add(CorrelatedEvent e)
        {
            if (_first.Count < each)
            {
                _first.Add(e);
                return;
            }
            if (_last.Count == each) _last.Dequeue();
            _last.Enqueue(e);
        }

        public List<CorrelatedEvent> ToList() => [.. _first, .. _last];
    }
}
