using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Correlation;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Alerting;

/// <summary>
/// The last stage: takes batches in the order of their events, correlates, folds repeats, and says which alerts are raised. Looks at nothing but the
/// events, so the same events raise the same alerts with the same ids. Not thread-safe.
/// </summary>
public sealed class AlertRaiser
{
    readonly DetectionCounters _counters;
    readonly Suppression _suppression;
    readonly CorrelationLimits _limits;
    readonly List<CorrelationHit> _hits = [];
    readonly List<int> _matched = [];
    RuleSet _rules;
    IReadOnlySet<string> _silenced;
    CorrelationEngine _correlation;
    RuleMatcher _explainer;
    string _computer = "";
    byte[] _computerUtf8 = [];

    /// <param name="compiled">The rules the batches were matched with.</param>
    /// <param name="suppression">Folds repeats.</param>
    /// <param name="limits">Bounds of the correlation windows.</param>
    /// <param name="counters">Shared with the other stages.</param>
    public AlertRaiser(CompiledRules compiled, Suppression suppression, CorrelationLimits limits, DetectionCounters counters)
    {
        (_suppression, _limits, _counters) = (suppression, limits, counters);
        _rules = compiled.Rules;
        _silenced = compiled.Options.Silenced;
        _explainer = compiled.CreateMatcher();
        _correlation = new CorrelationEngine(_rules, limits);
    }

    /// <summary>False: the built-in watchers (forged and conflicting events) are off, for decoding only.</summary>
    public bool WatchersOn { get; init; } = true;

    /// <summary>Is told of an exception while an event was dealt with, which is a bug: the event is passed over. Null: it is thrown.</summary>
    public Action<Exception>? OnBug { get; init; }

    /// <summary>The windows, for their counters.</summary>
    public CorrelationEngine Correlation => _correlation;

    /// <summary>The folding, for its counters.</summary>
    public Suppression Suppression => _suppression;

    /// <summary>Takes other rules from the next batch on. The state of correlations that are the same in both goes on.</summary>
    public void Use(CompiledRules compiled)
    {
        var state = new ArrayBufferWriter<byte>();
        _correlation.Save(state);
        _rules = compiled.Rules;
        _silenced = compiled.Options.Silenced;
        _explainer = compiled.CreateMatcher();
        _correlation = new CorrelationEngine(_rules, _limits);
        _correlation.TryRestore(state.WrittenSpan, out _);
    }

    /// <summary>Takes a batch.</summary>
    /// <param name="batch">Its findings must be complete.</param>
    /// <param name="raised">Gets the alerts to be told now.</param>
    /// <param name="closed">Gets the alerts that are final now, with their counts.</param>
    public void Process(EventBatch batch, ICollection<Alert> raised, ICollection<Alert> closed)
    {
        int first = 0;
        for (int i = 0; i < batch.Count; i++)
        {
            int next = first;
            while (next < batch.Findings.Count && batch.Findings[next].Event == i) next++;
            try
            {
                Process(batch[i], CollectionsMarshal.AsSpan(batch.Findings)[first..next], raised, closed);
            }
            catch (Exception bug) when (OnBug is not null)
            {
                _hits.Clear();
                OnBug(bug);
            }
            first = next;
        }
    }

    void Process(SysmonEvent e, ReadOnlySpan<(int Event, int Rule)> findings, ICollection<Alert> raised, ICollection<Alert> closed)
    {
        if ((e.Marks & EventMarks.FutureDated) == 0)
        {
            _correlation.AdvanceTo(e.Time, _hits);
            Raise(raised, closed);
            _suppression.AdvanceTo(e.Time, closed);
        }
        bool isSuspect = WatchersOn && (e.Marks & (EventMarks.Forged | EventMarks.Conflicting)) != 0;
        if (findings.IsEmpty && !isSuspect) return;

        EventReference reference = Keep(e);
        if (isSuspect)
        {
            RuleMetadata watcher = (e.Marks & EventMarks.Forged) != 0 ? BuiltInWatchers.Forged : BuiltInWatchers.Conflict;
            Offer(watcher, null, e, reference, raised, closed);
        }
        _matched.Clear();
        foreach ((_, int rule) in findings)
        {
            _counters.Findings++;
            _matched.Add(rule);
            SigmaRule matched = _rules.Rules[rule];
            if (matched.Generates && !IsSilenced(matched.Metadata)) Offer(matched.Metadata, rule, e, reference, raised, closed);
        }
        _correlation.Observe(CollectionsMarshal.AsSpan(_matched), e, reference, _hits);
        Raise(raised, closed);
    }

    /// <summary>The input has ended: decides what open windows can still decide and closes everything.</summary>
    public void Finish(ICollection<Alert> raised, ICollection<Alert> closed)
    {
        _correlation.Finish(_hits);
        Raise(raised, closed);
        _suppression.Finish(closed);
    }

    void Raise(ICollection<Alert> raised, ICollection<Alert> closed)
    {
        if (_hits.Count == 0) return;
        foreach (CorrelationHit hit in _hits)
        {
            if (IsSilenced(hit.Rule.Metadata)) continue;
            Alert alert = AlertComposer.OfCorrelation(hit);
            Offer(RepeatKey.Of(alert.RuleId, [.. alert.Group]), alert, hit.Last.Marks, raised, closed);
        }
        _hits.Clear();
    }

    /// <summary>Most findings repeat one that was told already: those are folded before anything is composed.</summary>
    void Offer(RuleMetadata rule, int? position, SysmonEvent e, EventReference reference, ICollection<Alert> raised, ICollection<Alert> closed)
    {
        // What a forged event says about its process is no evidence of anything.
        RepeatKey key = position is null ? RepeatKey.Of(rule.Id, reference.Identity.Computer) : RepeatKey.Of(rule.Id, e);
        bool fromTheFuture = (e.Marks & EventMarks.FutureDated) != 0;
        if (_suppression.TryFold(key, reference.Identity, AlertComposer.SubjectOf(reference), closed, fromTheFuture)) return;
        IReadOnlyList<Evidence> evidence = position is { } which ? _explainer.Explain(which, e) : [];
        Offer(key, AlertComposer.OfFinding(rule, e, reference, evidence), e.Marks, raised, closed);
    }

    void Offer(RepeatKey key, Alert alert, EventMarks marks, ICollection<Alert> raised, ICollection<Alert> closed)
    {
        if (!_suppression.Offer(key, alert, closed, (marks & EventMarks.FutureDated) != 0)) return;
        raised.Add(alert);
        _counters.Alerts++;
    }

    bool IsSilenced(RuleMetadata rule) => _silenced.Count > 0 && (_silenced.Contains(rule.Id) || (rule.Name is { } name && _silenced.Contains(name)));

    EventReference Keep(SysmonEvent e)
    {
        ReadOnlySpan<byte> computer = e.Bytes(e.Computer);
        if (!computer.SequenceEqual(_computerUtf8))
        {
            // Nearly all events of a stream are of one host: one string serves them all.
            _computerUtf8 = computer.ToArray();
            _computer = Encoding.UTF8.GetString(computer);
        }
        return new EventReference(new EventIdentity(_computer, e.EventId, e.RecordId, e.Time), e.Process, EventSubjects.Of(e), e.Marks);
    }
}
