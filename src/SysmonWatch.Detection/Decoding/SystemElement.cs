using System.Buffers.Text;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Decoding;

/// <summary>Reads an event's System element: as that of the event before, as every released version writes it, or piece by piece.</summary>
static class SystemElement
{
    /// <summary>How every event starts that Sysmon for Linux writes.</summary>
    static ReadOnlySpan<byte> Provider => "<Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}\"/><EventID>"u8;

    static ReadOnlySpan<byte> BeforeRecordId => "\"/><EventRecordID>"u8;

    /// <summary>All of it, with all that stands before the first field.</summary>
    /// <param name="text">The event.</param>
    /// <param name="textAt">Where it is in the buffer.</param>
    /// <param name="e">Gets what it says.</param>
    /// <param name="systems">What the events before looked like.</param>
    /// <returns>Where EventData's first child starts; 0 where it looks otherwise, and nothing has been taken then.</returns>
    public static int Read(ReadOnlySpan<byte> text, int textAt, SysmonEvent e, SystemMemory systems)
    {
        int end = Remembered(text, textAt, e, systems);
        return end > 0 ? end : Canonical(text, textAt, e, systems);
    }

    /// <summary>The System element as the event before of the same id had it, but for time and number.</summary>
    /// <returns>Where EventData's first child starts; 0 where it looks otherwise, and nothing has been taken then.</returns>
    static int Remembered(ReadOnlySpan<byte> text, int textAt, SysmonEvent e, SystemMemory systems)
    {
        if (systems.Find(text, Provider.Length) is not { } known || !Bytes.StartsWith(text, known.Head)) return 0;
        int timeAt = known.Head.Length;
        if (!systems.TryTime(text[timeAt..], out long micros)) return 0;
        var at = new TextCursor(text) { Position = timeAt + 30 };
        if (!at.Skip(BeforeRecordId) || !at.Number(ulong.MaxValue, out ulong record)) return 0;
        int tailAt = at.Position;
        if (!Bytes.StartsWith(text[tailAt..], known.Tail)) return 0;
        at.Position += known.Tail.Length;

        e.EventId = known.EventId;
        e.ComputerMark = known.ComputerMark;
        Take(e, micros, record, known.ProcessId, Moved(known.Computer, textAt + tailAt), Moved(known.UserId, textAt + tailAt));
        return at.Position;
    }

    /// <summary>The System element as every released version writes it, matched in one go.</summary>
    /// <returns>Where EventData's first child starts; 0 where it looks otherwise, and nothing has been taken then.</returns>
    static int Canonical(ReadOnlySpan<byte> text, int textAt, SysmonEvent e, SystemMemory systems)
    {
        var at = new TextCursor(text);
        if (!at.Skip(Provider)
            || !at.Number(ushort.MaxValue, out ulong eventId) || eventId == 0
            || !at.Skip("</EventID><Version>"u8) || !at.Number(ushort.MaxValue, out _)
            || !at.Skip("</Version><Level>"u8) || !at.Number(ushort.MaxValue, out _)
            || !at.Skip("</Level><Task>"u8) || !at.Number(ushort.MaxValue, out _)
            || !at.Skip("</Task><Opcode>"u8) || !at.Number(ushort.MaxValue, out _)
            || !at.Skip("</Opcode><Keywords>0x"u8)) return 0;
        at.SkipHex();
        if (!at.Skip("</Keywords><TimeCreated SystemTime=\""u8)
            || !Timestamp.TryIso(text[at.Position..], out long micros, out int length)) return 0;
        int timeAt = at.Position;
        at.Position += length;
        if (!at.Skip(BeforeRecordId) || !at.Number(ulong.MaxValue, out ulong record)) return 0;
        int recordEnd = at.Position;
        if (!at.Skip("</EventRecordID><Correlation/><Execution ProcessID=\""u8) || !at.Number(int.MaxValue, out ulong pid)
            || !at.Skip("\" ThreadID=\""u8) || !at.Number(ulong.MaxValue, out _)
            || !at.Skip("\"/><Channel>Linux-Sysmon/Operational</Channel><Computer>"u8)) return 0;
        int computerAt = at.Position;
        int computer = ValueScan.Find(text, computerAt, out ValueScan.Found found) - computerAt;
        if (computer <= 0 || found != ValueScan.Found.Plain) return 0;
        at.Position += computer;
        if (!at.Skip("</Computer><Security UserId=\""u8)) return 0;
        int userAt = at.Position;
        if (!at.Number(ulong.MaxValue, out _)) return 0;
        int user = at.Position - userAt;
        if (!at.Skip("\"/></System><EventData>"u8)) return 0;

        e.EventId = (int)eventId;
        Take(e, micros, record, (int)pid, new Slice(textAt + computerAt, computer), new Slice(textAt + userAt, user));
        systems.Remember(text, e, timeAt, recordEnd, at.Position, textAt);
        return at.Position;
    }

    static void Take(SysmonEvent e, long time, ulong record, int processId, Slice computer, Slice user)
    {
        e.Time = time;
        e.HasTime = true;
        e.RecordId = record;
        e.HasRecordId = true;
        e.SysmonProcessId = processId;
        e.Computer = computer;
        e.SysmonUserId = user;
    }

    static Slice Moved(Slice slice, int by) => slice with { Start = slice.Start + by };

    /// <summary>One of its elements, whatever it looks like.</summary>
    /// <param name="text">The event.</param>
    /// <param name="e">Gets what it says.</param>
    /// <param name="name">Its name.</param>
    /// <param name="attributes">What stands behind its name up to the tag's end.</param>
    /// <param name="attributesAt">Where they start in the text.</param>
    /// <param name="next">Where its content starts; moved behind what was read of it.</param>
    /// <param name="isInside">True between the tags of the System element.</param>
    /// <param name="isEmpty">True where it has no content.</param>
    public static void ReadOne(ref EventText text, SysmonEvent e, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attributes, int attributesAt, ref int next, bool isInside, bool isEmpty)
    {
        if (name.SequenceEqual("TimeCreated"u8))
        {
            Slice time = text.Attribute(attributes, attributesAt, "SystemTime"u8);
            if (time.Length == 0 || !Timestamp.TryIso(text.Of(time), out long micros, out int length) || length != time.Length) return;
            if (e.HasTime)
            {
                Irregular(e);
                return;
            }
            e.Time = micros;
            e.HasTime = true;
            return;
        }
        if (name.SequenceEqual("Execution"u8))
        {
            Slice pid = text.Attribute(attributes, attributesAt, "ProcessID"u8);
            if (Number(text.Of(pid), int.MaxValue, out ulong number)) e.SysmonProcessId = (int)number;
            return;
        }
        if (name.SequenceEqual("Security"u8))
        {
            Slice user = text.Attribute(attributes, attributesAt, "UserId"u8);
            if (user.Length == 0) user = text.Attribute(attributes, attributesAt, "UserID"u8);
            if (user.Length > 0) e.SysmonUserId = user;
            return;
        }
        if (isEmpty) return;

        // What stands up to the next tag is whole only where there is a next tag.
        ReadOnlySpan<byte> all = text.Bytes;
        int end = all[next..].IndexOf((byte)'<');
        if (end < 0) return;
        if (next + end + 1 < all.Length && all[next + end + 1] != '/')
        {
            Irregular(e);
            return;
        }
        Slice value = text.Slice(next, end);
        ReadOnlySpan<byte> content = all.Slice(next, end);
        // Never read over a value again: once unescaped it can hold what looks like markup.
        next += end;
        if (!isInside && !EventText.IsBlank(content)) Irregular(e);
        if (name.SequenceEqual("EventID"u8))
        {
            if (!Number(content, ushort.MaxValue, out ulong id) || id == 0) Irregular(e);
            else if (e.EventId != 0) Irregular(e);
            else e.EventId = (int)id;
        }
        else if (name.SequenceEqual("EventRecordID"u8))
        {
            if (!Number(content, ulong.MaxValue, out ulong id) || e.HasRecordId)
            {
                Irregular(e);
                return;
            }
            e.RecordId = id;
            e.HasRecordId = true;
        }
        else if (name.SequenceEqual("Computer"u8))
        {
            if (e.Computer.Length > 0) Irregular(e);
            else e.Computer = text.Finish(value, ValueScan.Found.Escapes | ValueScan.Found.NotAscii);
        }
    }

    static void Irregular(SysmonEvent e) => e.Marks |= EventMarks.Irregular;

    static bool Number(ReadOnlySpan<byte> text, ulong most, out ulong number) =>
        Utf8Parser.TryParse(text, out number, out int length) && length == text.Length && Timestamp.IsDigit(text[0]) && number <= most;
}
