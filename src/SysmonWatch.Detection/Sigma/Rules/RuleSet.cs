namespace SysmonWatch.Detection.Sigma.Rules;

/// <summary>Rules that belong together, as they were read. Immutable.</summary>
public sealed class RuleSet
{
    internal RuleSet(
        IReadOnlyList<SigmaRule> rules, IReadOnlyList<CorrelationRule> correlations, IReadOnlyList<bool> correlationGenerates, IReadOnlyList<RuleProblem> problems)
    {
        Rules = rules;
        Correlations = correlations;
        CorrelationGenerates = correlationGenerates;
        Problems = problems;
        Unfed = [.. rules.Where(r => !SysmonLogSources.CanFeed(r.LogSource))];
    }

    /// <summary>No rules.</summary>
    public static RuleSet Empty { get; } = new([], [], [], []);

    /// <summary>The rules that were good, filters applied, in the order they were read.</summary>
    public IReadOnlyList<SigmaRule> Rules { get; }

    /// <summary>The correlations that were good, their references resolved, each after those it refers to.</summary>
    public IReadOnlyList<CorrelationRule> Correlations { get; }

    /// <summary>For each of <see cref="Correlations"/>: false where it only feeds other correlations that do not say <c>generate: true</c>.</summary>
    public IReadOnlyList<bool> CorrelationGenerates { get; }

    /// <summary>What was wrong, in the order it was found. An error is a refused rule; the others run.</summary>
    public IReadOnlyList<RuleProblem> Problems { get; }

    /// <summary>Rules that no Sysmon event can reach, because of their log source: other products, services or categories.</summary>
    public IReadOnlyList<SigmaRule> Unfed { get; }

    /// <summary>The rules of one file and what is wrong with it, as they are among all these: references to other files stay resolved.</summary>
    /// <param name="file">Its name, as it was read.</param>
    public RuleSet OfFile(string file) => new([.. Rules.Where(r => r.Metadata.File == file)], [], [], [.. Problems.Where(p => p.File == file)]);
}
