namespace SysmonWatch.Detection.Sigma;

/// <summary>How rules are matched.</summary>
public sealed record RuleOptions
{
    /// <summary>
    /// True: "-" in a Sysmon event counts as null where a rule asks for null, for Sysmon writes "-" for every empty text. Default true. Events of
    /// other kinds are never concerned.
    /// </summary>
    public bool DashIsNull { get; init; } = true;

    /// <summary>
    /// Ids and names of rules and correlations that do not alert, because the operator said so. Those that are part of a correlation go on feeding it.
    /// Default none.
    /// </summary>
    public IReadOnlySet<string> Silenced { get; init; } = new HashSet<string>();
}
