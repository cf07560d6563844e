namespace SysmonWatch.Detection.Sigma;

/// <summary>A rule set made ready for matching. Immutable; any number of threads may share it.</summary>
public sealed class CompiledRules
{
    CompiledRules(RuleSet rules, RuleOptions options) => (Rules, Options) = (rules, options);

    /// <summary>The rules; what is matched are positions in its <see cref="RuleSet.Rules"/>.</summary>
    public RuleSet Rules { get; }

    /// <summary>How they are matched.</summary>
    public RuleOptions Options { get; }

    /// <summary>Makes a rule set ready.</summary>
    public static CompiledRules Compile(RuleSet set, RuleOptions options) => new(set, options);

    /// <summary>A matcher of its own for one thread.</summary>
    public RuleMatcher CreateMatcher() => new(this);
}
