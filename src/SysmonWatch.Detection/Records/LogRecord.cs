using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Records;

/// <summary>Where a record came from, as far as it matters to decoding and belief.</summary>
public enum RecordOrigin : byte
{
    /// <summary>A line of a syslog file: has a header, may be escaped by rsyslog (#ooo), says nothing certain about who wrote it.</summary>
    File,

    /// <summary>A journal record's MESSAGE whose trusted fields (_EXE, _UID, _TRANSPORT) fit Sysmon.</summary>
    JournalOfSysmon,

    /// <summary>A journal record's MESSAGE whose trusted fields prove that Sysmon did not write it.</summary>
    JournalOfAnother,

    /// <summary>A journal record's MESSAGE without trusted fields (an export from which they were removed).</summary>
    JournalOfUnknown,
}

/// <summary>One record as the source has it: a line of a file (without its newline), or a journal record's MESSAGE.</summary>
/// <param name="Text">Its bytes in the batch's buffer.</param>
/// <param name="Origin">Where it came from.</param>
/// <param name="Arrival">When the source took it, microseconds since 1970 (journal: its own timestamp); 0 where there is none (replay of a file).</param>
/// <param name="Before">How many lines stand before it in its own line, because a write was torn; 0 for a line of its own.</param>
/// <param name="Recovered">True where it was found within what damage of the input made unreadable: it may be a piece of a value's text.</param>
public readonly record struct LogRecord(Slice Text, RecordOrigin Origin, long Arrival, byte Before = 0, bool Recovered = false);
