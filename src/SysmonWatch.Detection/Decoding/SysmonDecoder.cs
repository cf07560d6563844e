using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Decoding;

/// <summary>
/// From a record to what it means: an event with its fields, a notice, or nothing of Sysmon's. Takes any bytes, never throws on them, and
/// makes nothing on the heap.
/// </summary>
/// <remarks>
/// <para>
/// Only raw markup is structure. Sysmon escapes &amp;, &lt; and &gt; in every value, so what a program puts into a name or an argument never
/// is; a raw &lt; where no tag of Sysmon's belongs means damage or a forgery, and reading ends there.
/// </para>
/// <para>One per reader thread: it remembers the time of the event before, for events that have none, and what the
/// lines before looked like, which changes nothing but the time it takes.</para>
/// </remarks>
public sealed class SysmonDecoder
{
    readonly HeaderMemory _headers = new();
    readonly SystemMemory _systems = new();
    readonly ValueEnds _ends = new();
    long _previousTime;

    /// <summary>Hashes values on the way, for whoever compares events; whose hashes they are stands in the event.</summary>
    internal ValueHash Hash { get; set; } = SequenceWatch.NewHash();

    /// <summary>
    /// The time in the header of the last record decoded, in microseconds since 1970; 0 where it has none or one without year and zone. For
    /// a journal record its arrival.
    /// </summary>
    public long LastHeaderTime { get; private set; }

    /// <summary>Decodes one record.</summary>
    /// <param name="buffer">Holds the record. Escaped values are unescaped where they stand, so a record is decoded once.</param>
    /// <param name="record">Where it is and where it came from.</param>
    /// <param name="into">Cleared, and filled where the outcome is <see cref="DecodeOutcome.Event"/>.</param>
    /// <param name="notice">What a plain-text line says, where the outcome is <see cref="DecodeOutcome.Notice"/>.</param>
    public DecodeOutcome Decode(byte[] buffer, in LogRecord record, SysmonEvent into, out SysmonNotice notice)
    {
        notice = default;
        into.Clear();
        Slice message = record.Text;
        bool fromFile = record.Origin == RecordOrigin.File;
        if (fromFile)
        {
            SyslogHeader header = _headers.Read(buffer.AsSpan(message.Start, message.Length));
            LastHeaderTime = header.Time;
            message = new Slice(message.Start + header.MessageStart, message.Length - header.MessageStart);
            switch (header.Program)
            {
                case LineProgram.Sysmon:
                    break;
                case LineProgram.Journald:
                    notice = NoticeReader.OfJournald(buffer, message);
                    return notice.Kind == NoticeKind.None ? DecodeOutcome.NotSysmon : DecodeOutcome.Notice;
                case LineProgram.Rsyslogd:
                    notice = NoticeReader.OfRsyslog(buffer, message);
                    return notice.Kind == NoticeKind.None ? DecodeOutcome.NotSysmon : DecodeOutcome.Notice;
                default:
                    return DecodeOutcome.NotSysmon;
            }
        }
        else
        {
            LastHeaderTime = record.Arrival;
        }

        int start = message.Start;
        while (start < message.End && buffer[start] <= ' ') start++;
        message = new Slice(start, message.End - start);
        ReadOnlySpan<byte> text = buffer.AsSpan(message.Start, message.Length);
        if (!EventReader.IsEventStart(text))
        {
            if (text.Length > 0 && "<Event>"u8.StartsWith(text)) return DecodeOutcome.Unreadable;
            notice = NoticeReader.OfSysmon(buffer, message) with { Forged = record.Origin == RecordOrigin.JournalOfAnother };
            return DecodeOutcome.Notice;
        }

        // The same one for all events of a batch.
        if (into.Buffer != buffer) into.Buffer = buffer;
        if (record.Origin == RecordOrigin.JournalOfAnother) into.Marks |= EventMarks.Forged;
        new EventReader(buffer, message, fromFile, into, _systems, _ends, Hash).Read();
        if (into.EventId == 0) return DecodeOutcome.Unreadable;
        if (!into.HasTime) into.Time = LastHeaderTime != 0 ? LastHeaderTime : record.Arrival != 0 ? record.Arrival : _previousTime;
        _previousTime = into.Time;
        return DecodeOutcome.Event;
    }
}
