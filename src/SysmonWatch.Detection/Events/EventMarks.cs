namespace SysmonWatch.Detection.Events;

/// <summary>What is remarkable about an event beyond its fields. Alerts carry them.</summary>
[Flags]
public enum EventMarks
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The event ends before its end: cut by rsyslog (8,096 bytes), by Sysmon (65,535 bytes) or on the way.</summary>
    Truncated = 1,

    /// <summary>The source proves that Sysmon did not write it.</summary>
    Forged = 2,

    /// <summary>Its time is more than the allowed distance ahead of its arrival; it advances no window.</summary>
    FutureDated = 4,

    /// <summary>A value held rsyslog's #ooo, which a file name can hold literally too.</summary>
    AmbiguousEscape = 8,

    /// <summary>A value is not valid UTF-8.</summary>
    InvalidUtf8 = 16,

    /// <summary>The line held more than one event start, a field name twice or text after its end; or it began within another line.</summary>
    Irregular = 32,

    /// <summary>Same identity as an event before, other content.</summary>
    Conflicting = 64,

    /// <summary>Caused by SysmonWatch itself: its own connections and state files. Never evaluated, and counted.</summary>
    Own = 128,

    /// <summary>Came in a file, and something about it speaks against Sysmon having written it; evaluated all the same.</summary>
    Doubtful = 256,
}
