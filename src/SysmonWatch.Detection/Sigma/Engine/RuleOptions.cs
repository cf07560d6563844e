using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>How rules are matched.</summary>
public sealed record RuleOptions
{
    /// <summary>What is repaired in Sysmon's events. Default all. Events of other kinds are never concerned.</summary>
    public Repairs Repairs { get; init; } = Repairs.All;

    /// <summary>
    /// Ids and names of rules and correlations that do not alert, because the operator said so. Those that are part of a correlation go on feeding it.
    /// Default none.
    /// </summary>
    public IReadOnlySet<string> Silenced { get; init; } = new HashSet<string>();
}
