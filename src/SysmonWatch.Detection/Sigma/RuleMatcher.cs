using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Sigma;

/// <summary>Finds the rules that match an event. Keeps buffers, so one for each thread; not thread-safe.</summary>
public sealed class RuleMatcher
{
    readonly CompiledRules _rules;
    readonly MatchScratch _scratch = new();
    readonly List<int> _matches = [];

    internal RuleMatcher(CompiledRules rules) => _rules = rules;

    /// <summary>The rules that match a Sysmon event, of those whose log source takes its event id.</summary>
    /// <returns>Positions in <see cref="RuleSet.Rules"/>, ascending; valid until the next call.</returns>
    public ReadOnlySpan<int> Match(SysmonEvent e) => Match(e, SysmonLogSources.Of(e.EventId), _rules.Options.DashIsNull);

    /// <summary>The rules that match any other event.</summary>
    /// <param name="e">The event.</param>
    /// <param name="source">Its log source; null: every rule sees it.</param>
    /// <returns>Positions in <see cref="RuleSet.Rules"/>, ascending; valid until the next call.</returns>
    public ReadOnlySpan<int> Match(FieldedEvent e, LogSource? source) => Match(e, source is null ? null : [source], false);

    ReadOnlySpan<int> Match(FieldedEvent e, IReadOnlyList<LogSource>? sources, bool dashIsNull)
    {
        _scratch.DashIsNull = dashIsNull;
        _matches.Clear();
        for (int i = 0; i < _rules.Rules.Rules.Count; i++)
        {
            SigmaRule rule = _rules.Rules.Rules[i];
            if ((sources is null || sources.Any(rule.LogSource.Takes)) && Holds(rule.Condition, e)) _matches.Add(i);
        }
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_matches);
    }

    /// <summary>Why a rule matched: which selections, fields, values and patterns. For events that matched; makes strings.</summary>
    /// <param name="rule">A position in <see cref="RuleSet.Rules"/>.</param>
    /// <param name="e">The event that it matched.</param>
    public IReadOnlyList<Evidence> Explain(int rule, FieldedEvent e)
    {
        _scratch.DashIsNull = e is SysmonEvent && _rules.Options.DashIsNull;
        return RuleEvidence.Collect(_rules.Rules.Rules[rule].Condition, e, _scratch);
    }

    bool Holds(RuleNode node, FieldedEvent e) => node switch
    {
        RuleNode.Selection named => Holds(named.Body, e),
        RuleNode.Not not => !Holds(not.Part, e),
        RuleNode.All all => all.Parts.All(p => Holds(p, e)),
        RuleNode.Any any => any.Parts.Any(p => Holds(p, e)),
        RuleNode.Item item => item.Negated != (item.NeedsAll ? item.Values.All(v => Holds(item, v, e)) : item.Values.Any(v => Holds(item, v, e))),
        _ => throw new InvalidOperationException(node.GetType().Name),
    };

    bool Holds(RuleNode.Item item, ItemValue value, FieldedEvent e) => item.IsKeyword
        ? ItemTest.FindKeyword(e, value.Test, _scratch) != ItemTest.None
        : ItemTest.Matches(e, item.Field, value.Test, _scratch);
}
