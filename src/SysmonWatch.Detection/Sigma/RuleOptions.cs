namespace SysmonWatch.Detection.Sigma;

/// <summary>How rules are matched.</summary>
public sealed record RuleOptions
{
    /// <summary>
    /// True: "-" in a Sysmon event counts as null where a rule asks for null, for Sysmon writes "-" for every empty text. Default true. Events of
    /// other kinds are never concerned.
    /// </summary>
    public bool DashIsNull { get; init; } = true;
}
