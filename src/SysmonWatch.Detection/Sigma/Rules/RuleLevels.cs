namespace SysmonWatch.Detection.Sigma.Rules;

/// <summary>Words for levels.</summary>
public static class RuleLevels
{
    /// <summary>As Sigma spells it.</summary>
    public static string ToText(this RuleLevel level) => level switch
    {
        RuleLevel.Critical => "critical",
        RuleLevel.High => "high",
        RuleLevel.Medium => "medium",
        RuleLevel.Low => "low",
        _ => "informational",
    };
}
