using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Alerting;

/// <summary>What SysmonWatch itself notices about the log, told like the alerts of rules.</summary>
static class BuiltInWatchers
{
    /// <summary>Somebody else wrote an event in Sysmon's name.</summary>
    public static RuleMetadata Forged { get; } = Watcher(
        "sysmonwatch-forged-event",
        "Forged Sysmon event",
        RuleLevel.High,
        "The journal says that this record was not written by Sysmon. Somebody tries to mislead whoever reads the log.",
        "attack.t1565.001");

    /// <summary>Two different events say they are the same one.</summary>
    public static RuleMetadata Conflict { get; } = Watcher(
        "sysmonwatch-conflicting-events",
        "Two different Sysmon events with the same identity",
        RuleLevel.High,
        "Same computer, event id, record id and time, but other content: one of them is forged. Both were evaluated.",
        "attack.t1565.001");

    static RuleMetadata Watcher(string id, string title, RuleLevel level, string description, params string[] tags) =>
        new(id, id, title, level, "The SysmonWatch authors", description, tags, "stable", [], [], "built in", 1);
}
