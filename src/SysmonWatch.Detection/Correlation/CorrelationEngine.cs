using System.Buffers;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Correlation;

/// <summary>
/// All correlations of a rule set over one stream of events, by the events' own time. docs/correlations.md says what was decided where
/// Sigma leaves it open.
/// </summary>
/// <remarks>
/// For one thread. Nothing here reads a clock, so the same events in the same order give the same hits. What it remembers is bounded by
/// <see cref="CorrelationLimits"/>.
/// </remarks>
public sealed class CorrelationEngine
{
    // A rule set has no cycles; this only keeps a mistake elsewhere from overflowing the stack.
    const int DeepestChain = 64;

    // How often idle groups are looked for, in microseconds of event time.
    const long SweepEvery = 60_000_000;

    readonly RuleWindows[] _correlations;
    readonly (RuleWindows Windows, ulong Bits)[][] _byRule;
    readonly (RuleWindows Windows, ulong Bits)[][] _byCorrelation;
    readonly bool[] _alerts;
    readonly Dictionary<CorrelationRule, int> _indexes = new(ReferenceEqualityComparer.Instance);
    readonly List<FiredGroup> _fired = [];
    readonly List<(RuleWindows Windows, ulong Bits)> _matched = [];
    readonly CorrelationSnapshot _snapshot;
    long _now = long.MinValue;
    long _nextDue = long.MaxValue;
    long _nextSweep = long.MinValue;

    /// <summary>Begins without any memory.</summary>
    /// <param name="rules">The rules; every reference of its correlations is resolved.</param>
    /// <param name="limits">Bounds.</param>
    public CorrelationEngine(RuleSet rules, CorrelationLimits limits)
    {
        IReadOnlyList<CorrelationRule> correlations = rules.Correlations;
        IReadOnlyList<string>[] inherited = InheritedFields.Of(correlations);
        _correlations = [.. correlations.Select((c, i) => new RuleWindows(c, [.. c.Rules.Select(r => Metadata(rules, r))], inherited[i], limits, Counters))];
        _byRule = [.. Enumerable.Range(0, rules.Rules.Count).Select(i => Listeners(r => r.Rule == i))];
        _byCorrelation = [.. Enumerable.Range(0, correlations.Count).Select(i => Listeners(r => r.Correlation == i))];
        _alerts = [.. rules.CorrelationGenerates];
        for (int i = 0; i < correlations.Count; i++) _indexes[correlations[i]] = i;
        _snapshot = new CorrelationSnapshot(rules, _correlations);
    }

    /// <summary>What is held and what was left out.</summary>
    public CorrelationCounters Counters { get; } = new();

    /// <summary>Whether any correlation listens to a rule, so that <see cref="Observe"/> has a use.</summary>
    /// <param name="rule">Index in the rule set's rules.</param>
    public bool Wants(int rule) => _byRule[rule].Length > 0;

    /// <summary>Rules matched an event. Events come in order of arrival.</summary>
    /// <param name="rules">Indexes in the rule set's rules: all that matched, for conditions hold of whole events only.</param>
    /// <param name="e">The event; only read during the call.</param>
    /// <param name="reference">
    /// What to keep of it. With <see cref="EventMarks.FutureDated"/> the event is placed at the stream's present time and moves nothing.
    /// </param>
    /// <param name="fired">Gets what fired, parts before wholes. Correlations that only feed others without <c>generate</c> are left out.</param>
    public void Observe(ReadOnlySpan<int> rules, FieldedEvent e, EventReference reference, ICollection<CorrelationHit> fired)
    {
        _matched.Clear();
        foreach (int rule in rules)
        {
            foreach ((RuleWindows windows, ulong bits) in _byRule[rule]) Collect(windows, bits);
        }
        if (_matched.Count == 0) return;
        long time = e.Time;
        if ((reference.Marks & EventMarks.FutureDated) == 0)
        {
            AdvanceTo(time, fired);
        }
        else if (_now == long.MinValue)
        {
            Counters.FutureIgnored++;
            return;
        }
        else
        {
            Counters.FutureDated++;
            time = Math.Min(time, _now);
        }
        foreach ((RuleWindows windows, ulong bits) in _matched)
        {
            windows.Take(bits, e, time, reference, _now, _fired);
            Report(fired);
        }
        FindNextDue();
    }

    /// <summary>Puts the rules together that a correlation sees in one event, except where aliases give each rule fields of its own.</summary>
    void Collect(RuleWindows windows, ulong bits)
    {
        for (int i = 0; i < _matched.Count && windows.Rule.Aliases.Count == 0; i++)
        {
            if (_matched[i].Windows != windows) continue;
            _matched[i] = (windows, _matched[i].Bits | bits);
            return;
        }
        _matched.Add((windows, bits));
    }

    /// <summary>
    /// Tells how far the stream's time has come, and decides what waited for that. To be called for every event that is not future-dated, in
    /// order of arrival, whether a rule matched it or not: then what fires is a function of the events alone.
    /// </summary>
    /// <param name="time">The event's time in microseconds since 1970; an earlier one than before does nothing.</param>
    /// <param name="fired">Gets what fired.</param>
    public void AdvanceTo(long time, ICollection<CorrelationHit> fired)
    {
        if (time <= _now) return;
        if (_nextDue < time) Decide(time, fired);
        _now = time;
        if (time < _nextSweep) return;
        _nextSweep = time + SweepEvery;
        foreach (RuleWindows windows in _correlations) windows.ForgetIdle(time);
    }

    /// <summary>The input has ended: decides every window that is still open as it is.</summary>
    /// <param name="fired">Gets what fired.</param>
    public void Finish(ICollection<CorrelationHit> fired) => Decide(long.MaxValue, fired);

    /// <summary>Writes everything it remembers. Not between the rules of one event.</summary>
    public void Save(IBufferWriter<byte> into) => _snapshot.Save(into, _now);

    /// <summary>
    /// Takes what <see cref="Save"/> wrote, into an engine that has not seen an event. State of correlations that are not quite the same any
    /// more (they or a rule they refer to) is left out.
    /// </summary>
    /// <param name="snapshot">The bytes; anything may be in them.</param>
    /// <param name="why">What is wrong with them; null where nothing is.</param>
    /// <returns>False where they are no snapshot, or a damaged one; then the engine remembers nothing.</returns>
    public bool TryRestore(ReadOnlySpan<byte> snapshot, out string? why)
    {
        bool restored = _snapshot.TryRestore(snapshot, out long now, out why);
        if (!restored)
        {
            foreach (RuleWindows windows in _correlations) windows.Clear();
            return false;
        }
        _now = now;
        _nextSweep = long.MinValue;
        FindNextDue();
        return true;
    }

    void Decide(long now, ICollection<CorrelationHit> fired)
    {
        FindNextDue();
        while (_nextDue < now)
        {
            // Window by window, each at its own end, so that how far the stream jumps makes no difference to correlations of correlations.
            _now = Math.Max(_now, _nextDue);
            foreach (RuleWindows windows in _correlations)
            {
                if (windows.NextDue != _nextDue) continue;
                windows.Decide(_nextDue + 1, _fired);
                Report(fired);
            }
            FindNextDue();
        }
    }

    void FindNextDue()
    {
        _nextDue = long.MaxValue;
        foreach (RuleWindows windows in _correlations) _nextDue = Math.Min(_nextDue, windows.NextDue);
    }

    void Report(ICollection<CorrelationHit> fired, int depth = 0)
    {
        if (_fired.Count == 0) return;
        FiredGroup[] hits = [.. _fired];
        _fired.Clear();
        foreach (FiredGroup hit in hits)
        {
            int correlation = _indexes[hit.Hit.Rule];
            if (_alerts[correlation]) fired.Add(hit.Hit);
            if (depth >= DeepestChain) continue;
            foreach ((RuleWindows windows, ulong bits) in _byCorrelation[correlation])
            {
                windows.Take(bits, hit, _now, _fired);
                Report(fired, depth + 1);
            }
        }
    }

    (RuleWindows Windows, ulong Bits)[] Listeners(Func<CorrelationReference, bool> isIt) =>
        [.. _correlations.Select(windows => (windows, Bits(windows.Rule, isIt))).Where(listener => listener.Item2 != 0)];

    static ulong Bits(CorrelationRule rule, Func<CorrelationReference, bool> isIt)
    {
        ulong bits = 0;
        for (int i = 0; i < rule.Rules.Count; i++) bits |= isIt(rule.Rules[i]) ? 1UL << i : 0;
        return bits;
    }

    static RuleMetadata Metadata(RuleSet rules, CorrelationReference reference) =>
        reference.Rule >= 0 ? rules.Rules[reference.Rule].Metadata
        : reference.Correlation >= 0 ? rules.Correlations[reference.Correlation].Metadata
        : throw new ArgumentException($"Reference '{reference.Text}' is not resolved.", nameof(rules));
}
