using System.Runtime.InteropServices;

namespace Serilog.Sinks.Journald;

/// <summary>What became of an entry.</summary>
public enum JournalSendStatus
{
    /// <summary>It is in journald's hands: in its socket's queue, which outlives a restart of journald under systemd.</summary>
    Sent,

    /// <summary>The entry has no fields; nothing was sent.</summary>
    Empty,

    /// <summary>The entry is over journald's limits (<see cref="JournalEntry.IsTooLarge"/>), or there was no memory for it.</summary>
    TooLarge,

    /// <summary>journald did not make room in time. The same entry may be tried again.</summary>
    Busy,

    /// <summary>Nobody listens at the socket: journald is not there or starts anew. The same entry may be tried again.</summary>
    NoJournal,

    /// <summary>The kernel refused for another reason, which <see cref="JournalSendResult.Error"/> has; permissions, most of the time.</summary>
    Failed,

    /// <summary>The client was disposed.</summary>
    Disposed,
}

/// <summary>What became of an entry, and why.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Error">errno of the last call that failed; 0 where none did.</param>
/// <param name="Reconnected">A connection that had worked before was lost, and a new one was made for this entry: journald was restarted.</param>
/// <param name="ThroughMemory">The entry was too long for a datagram and went as a sealed file in memory.</param>
public readonly record struct JournalSendResult(JournalSendStatus Status, int Error = 0, bool Reconnected = false, bool ThroughMemory = false)
{
    /// <summary>True where the entry is in journald's hands.</summary>
    public bool IsSent => Status == JournalSendStatus.Sent;

    /// <summary>True where the same entry may well be taken later.</summary>
    public bool MayRetry => Status is JournalSendStatus.Busy or JournalSendStatus.NoJournal or JournalSendStatus.Failed;

    /// <summary>A sentence part for people, without the socket's path: "journald did not make room in time (Resource temporarily unavailable)".</summary>
    public override string ToString()
    {
        string what = Status switch
        {
            JournalSendStatus.Sent => "sent",
            JournalSendStatus.Empty => "the entry has no fields",
            JournalSendStatus.TooLarge => "the entry is too large for the journal",
            JournalSendStatus.Busy => "journald did not make room in time",
            JournalSendStatus.NoJournal => "journald is not listening",
            JournalSendStatus.Disposed => "the journal client was closed",
            _ => "the journal could not be written",
        };
        return Error == 0 ? what : $"{what} ({Marshal.GetPInvokeErrorMessage(Error)})";
    }
}
