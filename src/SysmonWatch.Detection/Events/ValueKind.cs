namespace SysmonWatch.Detection.Events;

/// <summary>
/// What an event says about a field. Absent, null and empty stay three things all the way to the rule; Sysmon's "-" is text like any other.
/// </summary>
public enum ValueKind : byte
{
    /// <summary>The event has no field of that name.</summary>
    Absent,

    /// <summary>The field is there and explicitly null (JSON only; Sysmon never writes null).</summary>
    Null,

    /// <summary>Text, possibly empty.</summary>
    Text,

    /// <summary>A number, as the text the event had (JSON only; Sysmon writes text).</summary>
    Number,

    /// <summary>"true" or "false" (JSON only; Sysmon writes text).</summary>
    Boolean,
}
