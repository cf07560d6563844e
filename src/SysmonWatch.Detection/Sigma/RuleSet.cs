namespace SysmonWatch.Detection.Sigma;

/// <summary>Rules that belong together, as they were read. Immutable.</summary>
public sealed class RuleSet
{
    internal RuleSet(IReadOnlyList<SigmaRule> rules, IReadOnlyList<RuleProblem> problems)
    {
        Rules = rules;
        Problems = problems;
        Unfed = [.. rules.Where(r => !SysmonLogSources.CanFeed(r.LogSource))];
    }

    /// <summary>No rules.</summary>
    public static RuleSet Empty { get; } = new([], []);

    /// <summary>The rules that were good, filters applied, in the order they were read.</summary>
    public IReadOnlyList<SigmaRule> Rules { get; }

    /// <summary>What was wrong, in the order it was found. An error is a refused rule; the others run.</summary>
    public IReadOnlyList<RuleProblem> Problems { get; }

    /// <summary>Rules that no Sysmon event can reach, because of their log source: other products, services or categories.</summary>
    public IReadOnlyList<SigmaRule> Unfed { get; }
}
