namespace SysmonWatch.Detection.Events;

/// <summary>Why a rule matched: one item of it.</summary>
/// <param name="Selection">The search identifier of the rule.</param>
/// <param name="Field">The field; empty for keywords.</param>
/// <param name="Value">What the event had; invalid UTF-8 as U+FFFD.</param>
/// <param name="Pattern">What the rule says, with its modifiers, e.g. <c>endswith '/wget'</c>.</param>
/// <param name="Repair">The repair that made it match; null where it matched as Sysmon wrote it.</param>
public sealed record Evidence(string Selection, string Field, string Value, string Pattern, string? Repair = null);
