using System.Runtime.CompilerServices;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

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
    /// <summary>How many lines within one line are taken at most.</summary>
    const int MostGlued = 16;

    readonly HeaderMemory _headers = new();
    readonly SystemMemory _systems = new();
    readonly ValueEnds _ends = new();
    long _previousTime;

    /// <summary>Hashes values on the way, for whoever compares events; whose hashes they are stands in the event.</summary>
    internal ValueHash Hash { get; set; } = ValueHash.New();

    /// <summary>
    /// The time in the header of the last record decoded, in microseconds since 1970; 0 where it has none or one without year and zone. For
    /// a journal record its arrival.
    /// </summary>
    public long LastHeaderTime { get; private set; }

    /// <summary>
    /// What is left of the record decoded last: a line that begins within its line, which is to be decoded as the next record. Its
    /// event is <see cref="EventMarks.Irregular"/> and <see cref="EventMarks.Doubtful"/>. Null where nothing is left.
    /// </summary>
    public LogRecord? Glued { get; private set; }

    /// <summary>True where the record decoded last holds another event that nothing says Sysmon wrote. It is not decoded.</summary>
    public bool HasUnbelieved { get; private set; }

    /// <summary>Decodes one record.</summary>
    /// <param name="buffer">Holds the record. Escaped values are unescaped where they stand, so a record is decoded once.</param>
    /// <param name="record">Where it is and where it came from.</param>
    /// <param name="into">Cleared, and filled where the outcome is <see cref="DecodeOutcome.Event"/>.</param>
    /// <param name="notice">What a plain-text line says, where the outcome is <see cref="DecodeOutcome.Notice"/>.</param>
    public DecodeOutcome Decode(byte[] buffer, in LogRecord record, SysmonEvent into, out SysmonNotice notice)
    {
        notice = default;
        into.Clear();
        Glued = null;
        HasUnbelieved = false;
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
                    LookWithinHeader(buffer, record, header);
                    notice = NoticeReader.OfJournald(buffer, message);
                    return notice.Kind == NoticeKind.None ? DecodeOutcome.NotSysmon : DecodeOutcome.Notice;
                case LineProgram.Rsyslogd:
                    LookWithinHeader(buffer, record, header);
                    notice = NoticeReader.OfRsyslog(buffer, message);
                    return notice.Kind == NoticeKind.None ? DecodeOutcome.NotSysmon : DecodeOutcome.Notice;
                default:
                    LookWithinHeader(buffer, record, header);
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
            if (fromFile)
            {
                Take(GluedLine.Find(text, out int rest), record, message.Start + rest);
                if (Glued is not null) message = new Slice(message.Start, rest);
                text = text[..message.Length];
            }
            if (text.Length > 0 && "<Event>"u8.StartsWith(text)) return DecodeOutcome.Unreadable;
            notice = NoticeReader.OfSysmon(buffer, message) with { Forged = record.Origin == RecordOrigin.JournalOfAnother };
            return DecodeOutcome.Notice;
        }

        // The same one for all events of a batch.
        if (into.Buffer != buffer) into.Buffer = buffer;
        if (record.Origin == RecordOrigin.JournalOfAnother) into.Marks |= EventMarks.Forged;
        if (record.Before > 0) into.Marks |= EventMarks.Irregular | EventMarks.Doubtful;
        if (record.Recovered) into.Marks |= EventMarks.Doubtful;
        var reader = new EventReader(buffer, message, fromFile, into, _systems, _ends, Hash);
        reader.Read();
        if (reader.Glued != Glue.None) Take(reader.Glued, record, message.Start + reader.GluedAt);
        if (into.EventId == 0) return DecodeOutcome.Unreadable;
        if (!into.HasTime) into.Time = LastHeaderTime != 0 ? LastHeaderTime : record.Arrival != 0 ? record.Arrival : _previousTime;
        _previousTime = into.Time;
        return DecodeOutcome.Event;
    }

    /// <summary>
    /// A line that was torn within its header may hold the next one. The text of another program's line, or of what is no line, never is one:
    /// anybody may have chosen it.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    void LookWithinHeader(byte[] buffer, in LogRecord record, SyslogHeader header)
    {
        ReadOnlySpan<byte> line = buffer.AsSpan(record.Text.Start, record.Text.Length);
        if (line.IndexOf("<Event>"u8) < 0) return;
        int rest;
        if (header.Program == LineProgram.None)
        {
            Take(GluedLine.FindBehindTornHeader(line, out rest), record, record.Text.Start + rest);
            return;
        }
        // From its second byte on: at the first there is the header that was read already.
        for (int at = 1; at < header.MessageStart; at++)
        {
            if (SyslogHeader.Read(line[at..]).Program != LineProgram.Sysmon) continue;
            Glue found = GluedLine.Find(line[at..], out rest, latest: 1);
            Take(found, record, record.Text.Start + at + rest);
            return;
        }
        HasUnbelieved = true;
    }

    void Take(Glue found, in LogRecord record, int at)
    {
        if (found == Glue.None) return;
        if (found == Glue.NotBelieved || record.Before >= MostGlued)
        {
            HasUnbelieved = true;
            return;
        }
        Glued = new LogRecord(new Slice(at, record.Text.End - at), record.Origin, record.Arrival, (byte)(record.Before + 1), record.Recovered);
    }
}
