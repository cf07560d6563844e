using System.Text.Json.Serialization;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Alerting;

/// <summary>What people are told: a finding of a rule that alerts by itself, or a correlation of several. Immutable.</summary>
/// <remarks>
/// Its JSON is the shape of <c>replay --output json</c> and of the generic webhook, and what the outbox keeps. Values that came from the event
/// are as the event had them (invalid UTF-8 as U+FFFD), so whoever shows them to people or machines escapes them for that place.
/// </remarks>
public sealed record Alert
{
    /// <summary>32 hexadecimal digits, a function of rule, group key and completing event: raised again it has the same id.</summary>
    public required string AlertId { get; init; }

    /// <summary>The Sigma rule's id; its name or title where it has none. Built-in watchers have ids that begin with <c>sysmonwatch-</c>.</summary>
    public required string RuleId { get; init; }

    /// <summary>The rule's title.</summary>
    public required string RuleTitle { get; init; }

    /// <summary>The rule's level.</summary>
    [JsonConverter(typeof(RuleLevelConverter))]
    public required RuleLevel Level { get; init; }

    /// <summary>TimeCreated/SystemTime of the event that completed it, microseconds since 1970-01-01T00:00:00Z; written as RFC 3339 with six decimals.</summary>
    [JsonConverter(typeof(MicrosecondTimeConverter))]
    public required long Time { get; init; }

    /// <summary>The Computer element of that event.</summary>
    public required string Computer { get; init; }

    /// <summary>Sysmon's id of that event.</summary>
    public required int EventId { get; init; }

    /// <summary>EventRecordIDs of the events that caused it, repeats included, in order; of more than 100 the first 50 and the last 50.</summary>
    public required IReadOnlyList<ulong> RecordIds { get; init; }

    /// <summary>The rule's tags as written, e.g. <c>attack.t1485</c>.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Path of the process's executable exactly as Sysmon wrote it; null where the event names no process.</summary>
    public string? Image { get; init; }

    /// <summary>Process id; null where the event names no process.</summary>
    public int? ProcessId { get; init; }

    /// <summary>ProcessGuid as Sysmon wrote it.</summary>
    public string? ProcessGuid { get; init; }

    /// <summary>Command line of the process, from its own event 1 where this event has none; null where it is not known.</summary>
    public string? CommandLine { get; init; }

    /// <summary>User of the process as Sysmon wrote it.</summary>
    public string? User { get; init; }

    /// <summary>Executable of the root of the process's family, where the alert is about a family; else null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? FamilyImage { get; init; }

    /// <summary>Command line of that root.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? FamilyCommandLine { get; init; }

    /// <summary>Process id of that root.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? FamilyProcessId { get; init; }

    /// <summary>How many findings are in it: more than 1 where repeats were folded into it.</summary>
    public int Count { get; init; } = 1;

    /// <summary>One line for people: what happened, by whom, to what. Control characters are shown as escapes.</summary>
    public required string Message { get; init; }

    /// <summary>The rule's author; DRL 1.1 asks that messages keep it. Empty where the rule has none.</summary>
    public string Author { get; init; } = "";

    /// <summary>What the rule says it is about. Empty where the rule has none.</summary>
    public string Description { get; init; } = "";

    /// <summary>From the first known ancestor to the process, e.g. <c>sshd, bash, .kw3f</c>: the names of the executables.</summary>
    public IReadOnlyList<string> Chain { get; init; } = [];

    /// <summary>Why it matched: field, value, pattern.</summary>
    public IReadOnlyList<Evidence> Evidence { get; init; } = [];

    /// <summary>What the first event of it acted on: a destination, a path; null where there is none.</summary>
    public string? FirstSubject { get; init; }

    /// <summary>What the last event of it acted on.</summary>
    public string? LastSubject { get; init; }

    /// <summary>The correlation's group, <c>field=value</c>; empty for a single finding.</summary>
    public IReadOnlyList<string> Group { get; init; } = [];

    /// <summary>What is remarkable about the completing event: truncated, forged, conflicting …, lower case. Empty as a rule.</summary>
    public IReadOnlyList<string> Marks { get; init; } = [];
}
