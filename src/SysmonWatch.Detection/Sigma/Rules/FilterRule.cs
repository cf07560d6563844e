namespace SysmonWatch.Detection.Sigma.Rules;

/// <summary>A filter: what is to be left out of other rules' matches, without touching them.</summary>
/// <param name="Metadata">What it says about itself.</param>
/// <param name="LogSource">Rules within this log source.</param>
/// <param name="Rules">Ids or names of the rules; empty: all of them.</param>
/// <param name="Condition">Must be true, too, for a rule to match.</param>
sealed record FilterRule(RuleMetadata Metadata, LogSource LogSource, IReadOnlyList<string> Rules, RuleNode Condition)
{
    /// <summary>True where its rules may be absent, as for filters that ship for rules of others: nobody is told that it applies to none.</summary>
    public bool IsOptional { get; init; }

    /// <summary>True where the filter is for this rule.</summary>
    public bool AppliesTo(SigmaRule rule) =>
        LogSource.Takes(rule.LogSource)
        && (Rules.Count == 0 || Rules.Contains(rule.Metadata.Id, StringComparer.OrdinalIgnoreCase) || (rule.Metadata.Name is { } name && Rules.Contains(name)));
}
