using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;

namespace SysmonWatch.Detection.Batches;

/// <summary>A detection worker: finds out which rules match which events of a batch. Stateless but for its scratch memory; one per thread.</summary>
public sealed class BatchMatcher(CompiledRules rules)
{
    readonly RuleMatcher _matcher = rules.CreateMatcher();

    /// <summary>The rules it matches with.</summary>
    public CompiledRules Rules { get; } = rules;

    /// <summary>
    /// Is told of an exception while an event was evaluated, which is a bug: the event is passed over, so that no line can stop the daemon again and
    /// again. Null: it is thrown.
    /// </summary>
    public Action<Exception>? OnBug { get; init; }

    /// <summary>What each rule cost so far: <see cref="RuleMatcher.Costs"/>.</summary>
    public (long Evaluations, long Matches)[] Costs() => _matcher.Costs();

    /// <summary>Adds the findings of all events of a batch. Forged events are not believed, and our own are not looked at.</summary>
    public void Match(EventBatch batch)
    {
        batch.Findings.Clear();
        for (int i = 0; i < batch.Count; i++)
        {
            SysmonEvent e = batch[i];
            if ((e.Marks & (EventMarks.Forged | EventMarks.Own)) != 0) continue;
            try
            {
                foreach (int rule in _matcher.Match(e)) batch.Findings.Add((i, rule));
            }
            catch (Exception bug) when (OnBug is not null)
            {
                OnBug(bug);
            }
        }
    }
}
