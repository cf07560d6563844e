using System.Runtime.InteropServices;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Explaining;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>Finds the rules that match an event. Keeps buffers, so one for each thread; not thread-safe.</summary>
public sealed class RuleMatcher
{
    readonly CompiledRules _rules;
    readonly MatchScratch _scratch = new();
    readonly List<int> _matches = [];
    readonly ProgramRun?[] _sysmonRuns = new ProgramRun?[SysmonLogSources.LastEventId + 1];
    readonly Dictionary<RuleProgram, ProgramRun> _runs = new(ReferenceEqualityComparer.Instance);

    internal RuleMatcher(CompiledRules rules) => _rules = rules;

    /// <summary>The rules that match a Sysmon event, of those whose log source takes its event id.</summary>
    /// <returns>Positions in <see cref="RuleSet.Rules"/>, ascending; valid until the next call.</returns>
    public ReadOnlySpan<int> Match(SysmonEvent e)
    {
        if (_rules.OfSysmon(e.EventId).Rules.Length == 0) return default;
        Prepare(e);
        _matches.Clear();
        RunOfSysmon(e.EventId).Match(e, _matches);
        return CollectionsMarshal.AsSpan(_matches);
    }

    /// <summary>The rules that match any other event.</summary>
    /// <param name="e">The event.</param>
    /// <param name="source">Its log source; null: every rule sees it.</param>
    /// <returns>Positions in <see cref="RuleSet.Rules"/>, ascending; valid until the next call.</returns>
    public ReadOnlySpan<int> Match(FieldedEvent e, LogSource? source)
    {
        Prepare(e);
        _matches.Clear();
        bool own = _rules.TryOfSource(source, out RuleProgram program);
        RunOf(program).Match(e, _matches);
        if (!own) _matches.RemoveAll(i => !_rules.Rules.Rules[i].LogSource.Takes(source!));
        return CollectionsMarshal.AsSpan(_matches);
    }

    /// <summary>Why a rule matched: which selections, fields, values and patterns. For events that matched; makes strings.</summary>
    /// <param name="rule">A position in <see cref="RuleSet.Rules"/>.</param>
    /// <param name="e">The event that it matched.</param>
    public IReadOnlyList<Evidence> Explain(int rule, FieldedEvent e)
    {
        Prepare(e);
        return RuleEvidence.Collect(_rules.Rules.Rules[rule].Condition, e, _scratch);
    }

    /// <summary>The whole condition of a rule over an event, with what is true and what is not. Makes strings.</summary>
    /// <param name="rule">A position in <see cref="RuleSet.Rules"/>.</param>
    /// <param name="e">Any event.</param>
    public RuleExplanation ExplainTree(int rule, FieldedEvent e)
    {
        Prepare(e);
        return RuleExplainer.Explain(_rules.Rules.Rules[rule], e, _scratch);
    }

    /// <summary>How often this matcher looked at each rule (beyond what the literals of all rules ruled out) and how often the rule matched.</summary>
    /// <returns>By position in <see cref="RuleSet.Rules"/>.</returns>
    public (long Evaluations, long Matches)[] Costs()
    {
        var costs = new (long Evaluations, long Matches)[_rules.Rules.Rules.Count];
        foreach (ProgramRun run in _runs.Values)
        {
            for (int i = 0; i < run.Program.Rules.Length; i++)
            {
                ref (long Evaluations, long Matches) cost = ref costs[run.Program.Rules[i]];
                cost = (cost.Evaluations + run.Evaluations[i], cost.Matches + run.Matches[i]);
            }
        }
        return costs;
    }

    void Prepare(FieldedEvent e)
    {
        _scratch.DashIsNull = e is SysmonEvent && (_rules.Options.Repairs & Repairs.DashIsNull) != 0;
        if (e is SysmonEvent sysmon) sysmon.Repairs = _rules.Options.Repairs;
    }

    ProgramRun RunOfSysmon(int eventId)
    {
        int id = eventId is >= 0 and <= SysmonLogSources.LastEventId ? eventId : 0;
        return _sysmonRuns[id] ??= RunOf(_rules.OfSysmon(id));
    }

    ProgramRun RunOf(RuleProgram program)
    {
        if (!_runs.TryGetValue(program, out ProgramRun? run)) _runs[program] = run = new ProgramRun(program, _scratch);
        return run;
    }
}
