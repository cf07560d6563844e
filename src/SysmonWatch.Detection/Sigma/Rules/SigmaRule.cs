namespace SysmonWatch.Detection.Sigma.Rules;

/// <summary>A detection rule that was read and found good. Immutable.</summary>
public sealed record SigmaRule
{
    internal SigmaRule(RuleMetadata metadata, LogSource logSource, RuleNode condition) =>
        (Metadata, LogSource, Condition) = (metadata, logSource, condition);

    /// <summary>What it says about itself.</summary>
    public RuleMetadata Metadata { get; internal init; }

    /// <summary>Whose events it sees.</summary>
    public LogSource LogSource { get; }

    /// <summary>False where the rule only feeds correlations that do not say <c>generate: true</c>: its matches are no alerts of their own.</summary>
    public bool Generates { get; internal init; } = true;

    /// <summary>Its condition, filters included.</summary>
    internal RuleNode Condition { get; init; }

    /// <summary>True where it has an id of its own, not its name or title.</summary>
    internal bool HasOwnId { get; init; }

    /// <summary>True where several rules come of one document (<c>action: global</c> or <c>repeat</c>), which may share an id.</summary>
    internal bool IsPartOfCollection { get; init; }
}
