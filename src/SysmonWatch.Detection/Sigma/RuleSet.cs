namespace SysmonWatch.Detection.Sigma;

/// <summary>Stand-in.</summary>
/// <param name="Rules">Rules.</param>
/// <param name="Correlations">Correlations.</param>
public sealed record RuleSet(IReadOnlyList<SigmaRule> Rules, IReadOnlyList<CorrelationRule> Correlations);

/// <summary>Stand-in.</summary>
/// <param name="Metadata">What it says about itself.</param>
public sealed record SigmaRule(RuleMetadata Metadata);
