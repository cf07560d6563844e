using System.Collections.Concurrent;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>A rule set made ready for matching. Immutable as seen from outside; any number of threads may share it.</summary>
public sealed class CompiledRules
{
    /// <summary>The most log sources of other than Sysmon events that a program is kept for; events of further ones are run against all rules.</summary>
    internal const int MostPrograms = 64;

    readonly RuleProgram[] _byEventId = new RuleProgram[SysmonLogSources.LastEventId + 1];
    readonly ConcurrentDictionary<LogSource, RuleProgram> _bySource = new();
    readonly Lazy<RuleProgram> _all;

    CompiledRules(RuleSet rules, RuleOptions options)
    {
        Rules = rules;
        Options = options;
        _all = new(() => ProgramBuilder.Build(rules, [.. Enumerable.Range(0, rules.Rules.Count)]));
        // Many event ids are seen by the same rules.
        IGrouping<string, (int[] Ids, int[] Seen)>[] programs =
        [
            .. Enumerable.Range(0, _byEventId.Length)
                .GroupBy(id => string.Join('|', SysmonLogSources.Of(id)))
                .Select(ids => (Ids: ids.ToArray(), Seen: RulesOf(SysmonLogSources.Of(ids.First()))))
                .GroupBy(p => string.Join(',', p.Seen)),
        ];
        Parallel.ForEach(programs, new ParallelOptions { MaxDegreeOfParallelism = Math.Min(4, Environment.ProcessorCount) }, same =>
        {
            RuleProgram program = ProgramBuilder.Build(rules, same.First().Seen);
            foreach (int id in same.SelectMany(p => p.Ids)) _byEventId[id] = program;
        });
    }

    /// <summary>The rules; what is matched are positions in its <see cref="RuleSet.Rules"/>.</summary>
    public RuleSet Rules { get; }

    /// <summary>How they are matched.</summary>
    public RuleOptions Options { get; }

    /// <summary>Makes a rule set ready.</summary>
    public static CompiledRules Compile(RuleSet set, RuleOptions options) => new(set, options);

    /// <summary>A matcher of its own for one thread.</summary>
    public RuleMatcher CreateMatcher() => new(this);

    /// <summary>The program of a Sysmon event id.</summary>
    internal RuleProgram OfSysmon(int eventId) => _byEventId[eventId is >= 0 and <= SysmonLogSources.LastEventId ? eventId : 0];

    /// <summary>The program of a log source, or of all rules for null.</summary>
    /// <returns>False where there are too many log sources; the caller then leaves out the rules that do not take it.</returns>
    internal bool TryOfSource(LogSource? source, out RuleProgram program)
    {
        program = _all.Value;
        if (source is null) return true;
        if (_bySource.TryGetValue(source, out RuleProgram? known))
        {
            program = known;
            return true;
        }
        if (_bySource.Count >= MostPrograms) return false;
        program = _bySource.GetOrAdd(source, s => ProgramBuilder.Build(Rules, RulesOf([s])));
        return true;
    }

    int[] RulesOf(IReadOnlyList<LogSource> sources) =>
        [.. Enumerable.Range(0, Rules.Rules.Count).Where(i => sources.Any(Rules.Rules[i].LogSource.Takes))];
}
