using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Decoding;

/// <summary>What a plain-text line of Sysmon's, or about Sysmon, says.</summary>
public enum NoticeKind : byte
{
    /// <summary>None.</summary>
    None,

    /// <summary>Anything else that Sysmon prints.</summary>
    Text,

    /// <summary><c>Sysmon v1.5.2 - Monitors system events</c>: it starts, or someone runs its command.</summary>
    Banner,

    /// <summary><c>Lost 12 events on CPU #1!</c>: the kernel's buffer was full; these events have no number and leave no gap.</summary>
    LostEvents,

    /// <summary><c>Lost events: 12, in 3 notifications</c>: the sum, said when Sysmon stops.</summary>
    LostInTotal,

    /// <summary><c>Telemetry failed to start</c>: Sysmon sees nothing.</summary>
    TelemetryFailed,

    /// <summary>journald's <c>Suppressed 12 messages from sysmon.service</c>.</summary>
    SuppressedMessages,

    /// <summary>rsyslog began to drop messages, or says how many it lost, because of its own rate limit.</summary>
    RateLimited,
}

/// <summary>A plain-text line of Sysmon's, or of journald's or rsyslog's about lost messages.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Text">The message in the buffer, as it stood there (a repeated one: what is in its brackets).</param>
/// <param name="Count">How many were lost or suppressed; 0 where it does not say.</param>
/// <param name="Cpu">Which CPU lost them; -1 where it does not say.</param>
/// <param name="Unit">Whose messages were suppressed, in the buffer; empty where it does not say.</param>
/// <param name="Repeats">How many times it came: rsyslog folds identical lines into "message repeated 3 times: [ … ]".</param>
/// <param name="Forged">True where the source proves that somebody else wrote it.</param>
public readonly record struct SysmonNotice(
    NoticeKind Kind, Slice Text, ulong Count = 0, int Cpu = -1, Slice Unit = default, int Repeats = 1, bool Forged = false);
