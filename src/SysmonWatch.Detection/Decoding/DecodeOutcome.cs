namespace SysmonWatch.Detection.Decoding;

/// <summary>What a record turned out to be. Every outcome is counted; none stops anything.</summary>
public enum DecodeOutcome
{
    /// <summary>A Sysmon event, whole or truncated.</summary>
    Event,

    /// <summary>A plain-text line of Sysmon's or journald's about Sysmon (banner, losses, failures).</summary>
    Notice,

    /// <summary>A line of some other program, or no syslog line at all.</summary>
    NotSysmon,

    /// <summary>From Sysmon by name, holds the start of an event, but not even an event id could be read.</summary>
    Unreadable,

    /// <summary>Longer than the longest line that is taken.</summary>
    TooLong,
}
