using System.Buffers;
using System.Buffers.Text;
using System.Runtime.Intrinsics;
using System.Text.Unicode;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Decoding;

/// <summary>
/// Reads one <c>&lt;Event&gt;</c> in one forward pass: what Sysmon writes is matched as a whole where it stands in the order of the schema, and
/// everything else (older and newer versions, other quotes, blanks, missing pieces) goes tag by tag.
/// </summary>
ref struct EventReader
{
    const int EndTag = FieldTag.EndTag;

    /// <summary>How every event starts that Sysmon for Linux writes.</summary>
    static ReadOnlySpan<byte> Provider => "<Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}\"/><EventID>"u8;

    static ReadOnlySpan<byte> BeforeRecordId => "\"/><EventRecordID>"u8;

    static readonly SearchValues<byte> TagEnds = SearchValues.Create("<>"u8);

    /// <summary>Control bytes that rsyslog would have escaped. Not the tab: escaping it can be turned off by itself.</summary>
    static readonly SearchValues<byte> RawControls = SearchValues.Create([.. Enumerable.Range(0, 32).Where(b => b != '\t').Select(b => (byte)b)]);

    readonly byte[] _buffer;
    readonly Span<byte> _text;
    readonly int _base;
    readonly SysmonEvent _event;
    readonly bool _fromFile;
    readonly SystemMemory _systems;
    readonly ValueEnds _ends;
    readonly ValueHash _hash;
    bool? _octal;
    bool _inData;
    bool _inSystem;
    bool _sawSystem;
    bool _sawData;
    bool _forward = true;
    int _expected;
    int _restAt;
    int _soundUpTo;
    ReadOnlySpan<FieldTag> _tags;

    /// <param name="buffer">Holds the event.</param>
    /// <param name="text">From its first byte to the end of the record.</param>
    /// <param name="fromFile">True where rsyslog may have written it.</param>
    /// <param name="into">What to fill.</param>
    /// <param name="systems">What the events before looked like.</param>
    /// <param name="ends">Finds where the values end.</param>
    /// <param name="hash">Hashes the values.</param>
    public EventReader(byte[] buffer, Slice text, bool fromFile, SysmonEvent into, SystemMemory systems, ValueEnds ends, ValueHash hash)
    {
        _ends = ends;
        _systems = systems;
        _hash = hash;
        _buffer = buffer;
        _text = buffer.AsSpan(text.Start, text.Length);
        _base = text.Start;
        _event = into;
        _fromFile = fromFile;
    }

    /// <summary>What was found where reading ended.</summary>
    public Glue Glued { get; private set; }

    /// <summary>Where the line that was found begins, from the event's first byte on; meaningful with <see cref="Glue.Line"/> only.</summary>
    public readonly int GluedAt => _restAt;

    /// <summary>True where a message is an event: <c>&lt;Event&gt;</c>, or with attributes.</summary>
    public static bool IsEventStart(ReadOnlySpan<byte> text) =>
        text.Length > 6 && text.StartsWith("<Event"u8) && text[6] is (byte)'>' or (byte)' ' or (byte)'\t';

    /// <summary>Reads it all.</summary>
    public void Read()
    {
        int at = RememberedSystem();
        if (at == 0) at = CanonicalSystem();
        if (at == 0)
        {
            int end = _text[1..].IndexOfAny(TagEnds) + 1;
            if (end == 0 || _text[end] == '<')
            {
                if (end > 0) Irregular();
                Cut("<Event"u8.Length);
                return;
            }
            at = end + 1;
        }
        _soundUpTo = at;

        while (true)
        {
            if (_inData && PlainFields(at)) return;
            if (_inData && CanonicalFields(ref at, out bool cut))
            {
                if (cut) return;
                if (_text[at..].SequenceEqual("</EventData></Event>"u8)) return;
                _soundUpTo = at;
                continue;
            }
            int open = _text[at..].IndexOf((byte)'<');
            if (open < 0)
            {
                if (!_inSystem && !IsBlank(_text[at..])) Irregular();
                Truncated();
                return;
            }
            if (open > 0 && !_inSystem && !IsBlank(_text.Slice(at, open))) Irregular();
            open += at;
            int close = _text[(open + 1)..].IndexOfAny(TagEnds);
            if (close < 0)
            {
                Truncated();
                return;
            }
            close += open + 1;
            if (_text[close] == '<')
            {
                Irregular();
                Cut(_soundUpTo);
                return;
            }
            if (!Tag(open, close, out at)) return;
            // The <PRI> of a header is no tag.
            if (!Timestamp.IsDigit(_text[open + 1])) _soundUpTo = at;
        }
    }

    /// <summary>All fields of the event and its end, where they are exactly those of the schema.</summary>
    /// <returns>False where they are not, or where that cannot be told this way; then nothing has been taken.</returns>
    bool PlainFields(int at)
    {
        ReadOnlySpan<FieldTag> tags = _tags;
        ReadOnlySpan<byte> text = _text;
        if (_expected != 0 || _event.FieldCount != 0 || tags.Length == 0 || !text[at..].StartsWith(tags[0].StartTag)) return false;
        ReadOnlySpan<byte> room = _buffer.AsSpan(_base);
        if (room.Length - text.Length < ValueEnds.Overrun || !_event.TryRoom(tags.Length, out Span<DataField> fields, out Span<ulong> hashes)) return false;
        int start = at + tags[0].Length - EndTag;
        ReadOnlySpan<int> ends = _ends.Find(room, start, text.Length);
        if (ends.Length != tags.Length + 1 || !text[ends[^2]..].SequenceEqual("</Data></EventData></Event>"u8)) return false;

        Vector128<byte> special = Vector128<byte>.Zero;
        ValueHash hash = _hash;
        fields = fields[..tags.Length];
        hashes = hashes[..tags.Length];
        for (int i = 0; i < fields.Length; i++)
        {
            ref readonly FieldTag tag = ref tags[i];
            if (i > 0)
            {
                if (!tag.IsAt(text, ends[i - 1])) return false;
                start = ends[i - 1] + tag.Length;
            }
            int length = ends[i] - start;
            var name = new Slice(_base + start - tag.Length + FieldTag.NameAt, tag.Length - FieldTag.NameAt - 2);
            fields[i] = new DataField(tag.Id, name, new Slice(_base + start, length), Repeated: false);
            if (length < ValueHash.Segment)
            {
                hashes[i] = ValueScan.Hash(room, start, length, hash, out Vector128<byte> one);
                special |= one;
            }
            else
            {
                special = Vector128<byte>.AllBitsSet;
            }
        }
        _expected = tags.Length;
        Took(tags.Length, 0);
        if (special.ExtractMostSignificantBits() != 0) FinishAll(fields, hashes);
        return true;
    }

    /// <summary>Looks at every value of an event that has one which needs it or is very long.</summary>
    void FinishAll(Span<DataField> fields, Span<ulong> hashes)
    {
        for (int i = 0; i < fields.Length; i++)
        {
            Slice value = Finish(fields[i].Value, ValueScan.Found.Escapes | ValueScan.Found.NotAscii);
            fields[i] = fields[i] with { Value = value };
            hashes[i] = _hash.Of(_buffer.AsSpan(value.Start, value.Length));
        }
    }

    /// <summary>
    /// As many fields as come in the order of the schema, each with one comparison for the end of the value before and its own start tag, and
    /// one search for its end.
    /// </summary>
    /// <returns>False where the next thing is no such field, and then nothing has been taken.</returns>
    bool CanonicalFields(ref int at, out bool cut)
    {
        cut = false;
        int i = _expected;
        ReadOnlySpan<FieldTag> tags = _tags;
        ReadOnlySpan<byte> text = _text;
        if (i >= tags.Length || !text[at..].StartsWith(tags[i].StartTag)) return false;
        int first = i;
        bool fast = _forward & _event.TryRoom(tags.Length - i, out Span<DataField> fields, out Span<ulong> hashes);
        int taken = 0;
        int start = at + tags[i].Length - EndTag;
        while (true)
        {
            ref readonly FieldTag tag = ref tags[i];
            int end = ValueScan.Find(text, start, out ValueScan.Found found);
            var name = new Slice(_base + start - tag.Length + FieldTag.NameAt, tag.Length - FieldTag.NameAt - 2);
            int next = i + 1;
            bool goesOn = end >= 0 && next < tags.Length && tags[next].IsAt(text, end);
            if (!goesOn && (end < 0 || !text[end..].StartsWith("</Data>"u8)))
            {
                Took(taken, first);
                cut = !Value(start, tag.Id, name, schemaOrder: true, out at);
                return true;
            }
            var value = new Slice(_base + start, end - start);
            if (found != ValueScan.Found.Plain) value = Finish(value, found);
            if (fast)
            {
                fields[taken] = new DataField(tag.Id, name, value, Repeated: false);
                hashes[taken++] = _hash.Of(_buffer.AsSpan(value.Start, value.Length));
            }
            else
            {
                Add(tag.Id, name, value, schemaOrder: true);
            }
            _expected = i = next;
            if (goesOn)
            {
                start = end + tags[i].Length;
                continue;
            }
            Took(taken, first);
            at = end + EndTag;
            return true;
        }
    }

    readonly void Took(int fields, int first) => _event.Took(fields, first, SysmonSchema.Places(_event.EventId), _hash.Mark);

    /// <summary>Unescapes a value and looks at its bytes, where it has any that need it.</summary>
    Slice Finish(Slice value, ValueScan.Found found)
    {
        if ((found & ValueScan.Found.Escapes) != 0) value = Unescaped(value);
        if ((found & ValueScan.Found.NotAscii) != 0 && !Utf8.IsValid(_buffer.AsSpan(value.Start, value.Length))) _event.Marks |= EventMarks.InvalidUtf8;
        return value;
    }

    /// <summary>One tag, from &lt; to &gt;.</summary>
    /// <returns>False where reading ends.</returns>
    bool Tag(int open, int close, out int next)
    {
        next = close + 1;
        ReadOnlySpan<byte> tag = _text[(open + 1)..close];
        if (tag.Length > 0 && tag[0] == '/')
        {
            ReadOnlySpan<byte> ended = tag[1..].TrimEnd(" "u8);
            if (ended.SequenceEqual("Event"u8))
            {
                if (IsBlank(_text[next..])) return false;
                Irregular();
                // Behind a whole event nothing was torn but its newline.
                Look(next, latest: 1);
                return false;
            }
            if (ended.SequenceEqual("EventData"u8)) _inData = false;
            else if (ended.SequenceEqual("System"u8)) _inSystem = false;
            else if (ended.SequenceEqual("Data"u8)) Irregular();
            return true;
        }

        bool empty = tag.Length > 0 && tag[^1] == '/';
        if (empty) tag = tag[..^1];
        int nameEnd = tag.IndexOfAny(" \t\r\n"u8);
        ReadOnlySpan<byte> name = nameEnd < 0 ? tag : tag[..nameEnd];
        ReadOnlySpan<byte> attributes = nameEnd < 0 ? default : tag[nameEnd..];
        int attributesAt = open + 1 + name.Length;

        if (name.SequenceEqual("Data"u8)) return Data(attributes, attributesAt, empty, ref next);
        if (name.SequenceEqual("Event"u8))
        {
            // A second event begins before the first has ended.
            Irregular();
            Cut(_soundUpTo);
            return false;
        }
        if (name.SequenceEqual("EventData"u8))
        {
            if (_sawData) Irregular();
            _sawData = true;
            if (!empty)
            {
                _inData = true;
                ExpectFields();
            }
            return true;
        }
        if (_inData)
        {
            Irregular();
            return true;
        }
        if (name.SequenceEqual("System"u8))
        {
            if (_sawSystem || _sawData) Irregular();
            _sawSystem = true;
            _inSystem = !empty;
            return true;
        }
        if (_sawSystem) SystemElement(name, attributes, attributesAt, ref next, empty);
        else Irregular();
        return true;
    }

    void SystemElement(ReadOnlySpan<byte> name, ReadOnlySpan<byte> attributes, int attributesAt, ref int next, bool empty)
    {
        if (name.SequenceEqual("TimeCreated"u8))
        {
            Slice time = Attribute(attributes, attributesAt, "SystemTime"u8);
            if (time.Length == 0 || !Timestamp.TryIso(_buffer.AsSpan(time.Start, time.Length), out long micros, out int length) || length != time.Length) return;
            if (_event.HasTime)
            {
                Irregular();
                return;
            }
            _event.Time = micros;
            _event.HasTime = true;
            return;
        }
        if (name.SequenceEqual("Execution"u8))
        {
            Slice pid = Attribute(attributes, attributesAt, "ProcessID"u8);
            if (Number(_buffer.AsSpan(pid.Start, pid.Length), int.MaxValue, out ulong number)) _event.SysmonProcessId = (int)number;
            return;
        }
        if (name.SequenceEqual("Security"u8))
        {
            Slice user = Attribute(attributes, attributesAt, "UserId"u8);
            if (user.Length == 0) user = Attribute(attributes, attributesAt, "UserID"u8);
            if (user.Length > 0) _event.SysmonUserId = user;
            return;
        }
        if (empty) return;

        // What stands up to the next tag is whole only where there is a next tag.
        int end = _text[next..].IndexOf((byte)'<');
        if (end < 0) return;
        if (next + end + 1 < _text.Length && _text[next + end + 1] != '/')
        {
            Irregular();
            return;
        }
        var value = new Slice(_base + next, end);
        ReadOnlySpan<byte> text = _text.Slice(next, end);
        // Never read over a value again: once unescaped it can hold what looks like markup.
        next += end;
        if (!_inSystem && !IsBlank(text)) Irregular();
        if (name.SequenceEqual("EventID"u8))
        {
            if (!Number(text, ushort.MaxValue, out ulong id) || id == 0) Irregular();
            else if (_event.EventId != 0) Irregular();
            else _event.EventId = (int)id;
        }
        else if (name.SequenceEqual("EventRecordID"u8))
        {
            if (!Number(text, ulong.MaxValue, out ulong id) || _event.HasRecordId)
            {
                Irregular();
                return;
            }
            _event.RecordId = id;
            _event.HasRecordId = true;
        }
        else if (name.SequenceEqual("Computer"u8))
        {
            if (_event.Computer.Length > 0) Irregular();
            else _event.Computer = Finish(value, ValueScan.Found.Escapes | ValueScan.Found.NotAscii);
        }
    }

    /// <summary>A Data element whose start tag has been read.</summary>
    bool Data(ReadOnlySpan<byte> attributes, int attributesAt, bool empty, ref int next)
    {
        if (!_inData) Irregular();
        Slice name = Attribute(attributes, attributesAt, "Name"u8);
        if (name.Length == 0) Irregular();
        ReadOnlySpan<byte> bytes = _buffer.AsSpan(name.Start, name.Length);
        FieldId id = FieldId.TryFind(bytes);
        // Versions differ by a field more or less; the rest of the order holds.
        for (int i = 0; i < _tags.Length; i++)
        {
            if (_tags[i].Id != id || !id.IsKnown) continue;
            if (i < _expected) _forward = false;
            _expected = i + 1;
        }
        if (!empty) return Value(next, id, name, schemaOrder: false, out next);
        Add(id, name, new Slice(_base + next, 0), schemaOrder: false);
        return true;
    }

    /// <summary>The value that starts at a place, and its end tag.</summary>
    /// <returns>False where it is cut, and then reading ends.</returns>
    bool Value(int from, FieldId id, Slice name, bool schemaOrder, out int next)
    {
        int end = ValueScan.Find(_text, from, out ValueScan.Found found);
        next = from;
        if (end >= 0 && _text[end..].StartsWith("</Data>"u8))
        {
            next = end + EndTag;
            Add(id, name, Finish(new Slice(_base + from, end - from), found), schemaOrder);
            return true;
        }

        int whole = end - from;
        if (end < 0)
        {
            whole = Escapes.WholeLength(_text[from..], Octal());
        }
        else if (!"</Data>"u8.StartsWith(_text[end..]))
        {
            Irregular();
            Look(from, latest: int.MaxValue);
            if (Glued == Glue.Line && _restAt <= end) whole = Escapes.WholeLength(_text[from.._restAt], Octal());
        }
        Truncated();
        Slice cut = Finish(new Slice(_base + from, whole), found);
        _event.CutField = new DataField(id, name, cut, Repeated: false);
        return false;
    }

    readonly void Add(FieldId id, Slice name, Slice value, bool schemaOrder)
    {
        // Going forward through the schema no name can come twice.
        bool repeated = !(schemaOrder && _forward) && Repeats(id, name);
        if (repeated) _event.Marks |= EventMarks.Irregular;
        _event.Add(new DataField(id, name, value, repeated));
    }

    readonly bool Repeats(FieldId id, Slice name)
    {
        if (_event.FieldCount >= SysmonEvent.MostFields) return false;
        foreach (ref readonly DataField field in _event.Fields)
        {
            if (id.IsKnown ? field.Id == id : field.Name.Length == name.Length && _event.Bytes(field.Name).SequenceEqual(_event.Bytes(name))) return true;
        }
        return false;
    }

    Slice Unescaped(Slice value)
    {
        int length = Escapes.Undo(_buffer.AsSpan(value.Start, value.Length), Octal(), out bool ambiguous);
        if (ambiguous) _event.Marks |= EventMarks.AmbiguousEscape;
        return value with { Length = length };
    }

    /// <summary>The value of an attribute in the buffer; empty where it is missing or cut.</summary>
    readonly Slice Attribute(ReadOnlySpan<byte> attributes, int attributesAt, ReadOnlySpan<byte> name)
    {
        int at = 0;
        while (at < attributes.Length)
        {
            while (at < attributes.Length && attributes[at] <= ' ') at++;
            int equals = attributes[at..].IndexOf((byte)'=');
            if (equals < 0 || at + equals + 1 >= attributes.Length) break;
            ReadOnlySpan<byte> found = attributes.Slice(at, equals).TrimEnd(" "u8);
            int quoteAt = at + equals + 1;
            byte quote = attributes[quoteAt];
            if (quote is not ((byte)'"' or (byte)'\'')) break;
            int length = attributes[(quoteAt + 1)..].IndexOf(quote);
            if (length < 0) break;
            if (found.SequenceEqual(name)) return new Slice(_base + attributesAt + quoteAt + 1, length);
            at = quoteAt + 1 + length + 1;
        }
        return default;
    }

    /// <summary>The System element as the event before of the same id had it, but for time and number.</summary>
    /// <returns>Where EventData's first child starts; 0 where it looks otherwise, and nothing has been taken then.</returns>
    int RememberedSystem()
    {
        ReadOnlySpan<byte> text = _text;
        if (_systems.Find(text, Provider.Length) is not { } known || !Bytes.StartsWith(text, known.Head)) return 0;
        int timeAt = known.Head.Length;
        if (!_systems.TryTime(text[timeAt..], out long micros)) return 0;
        var at = new Cursor(text) { Position = timeAt + 30 };
        if (!at.Skip(BeforeRecordId) || !at.Number(ulong.MaxValue, out ulong record)) return 0;
        int tailAt = at.Position;
        if (!Bytes.StartsWith(text[tailAt..], known.Tail)) return 0;
        at.Position += known.Tail.Length;

        Slice computer = known.Computer;
        Slice user = known.UserId;
        _event.EventId = known.EventId;
        _event.ComputerMark = known.ComputerMark;
        Take(
            micros, record, known.ProcessId,
            computer with { Start = _base + tailAt + computer.Start },
            user with { Start = _base + tailAt + user.Start });
        return at.Position;
    }

    /// <summary>The System element as every released version writes it, matched in one go.</summary>
    /// <returns>Where EventData's first child starts; 0 where it looks otherwise, and nothing has been taken then.</returns>
    int CanonicalSystem()
    {
        var at = new Cursor(_text);
        if (!at.Skip(Provider)
            || !at.Number(ushort.MaxValue, out ulong eventId) || eventId == 0
            || !at.Skip("</EventID><Version>"u8) || !at.Number(ushort.MaxValue, out _)
            || !at.Skip("</Version><Level>"u8) || !at.Number(ushort.MaxValue, out _)
            || !at.Skip("</Level><Task>"u8) || !at.Number(ushort.MaxValue, out _)
            || !at.Skip("</Task><Opcode>"u8) || !at.Number(ushort.MaxValue, out _)
            || !at.Skip("</Opcode><Keywords>0x"u8)) return 0;
        at.SkipHex();
        if (!at.Skip("</Keywords><TimeCreated SystemTime=\""u8)
            || !Timestamp.TryIso(_text[at.Position..], out long micros, out int length)) return 0;
        int timeAt = at.Position;
        at.Position += length;
        if (!at.Skip(BeforeRecordId) || !at.Number(ulong.MaxValue, out ulong record)) return 0;
        int recordEnd = at.Position;
        if (!at.Skip("</EventRecordID><Correlation/><Execution ProcessID=\""u8) || !at.Number(int.MaxValue, out ulong pid)
            || !at.Skip("\" ThreadID=\""u8) || !at.Number(ulong.MaxValue, out _)
            || !at.Skip("\"/><Channel>Linux-Sysmon/Operational</Channel><Computer>"u8)) return 0;
        int computerAt = at.Position;
        int computer = ValueScan.Find(_text, computerAt, out ValueScan.Found found) - computerAt;
        if (computer <= 0 || found != ValueScan.Found.Plain) return 0;
        at.Position += computer;
        if (!at.Skip("</Computer><Security UserId=\""u8)) return 0;
        int userAt = at.Position;
        if (!at.Number(ulong.MaxValue, out _)) return 0;
        int user = at.Position - userAt;
        if (!at.Skip("\"/></System><EventData>"u8)) return 0;

        _event.EventId = (int)eventId;
        Take(micros, record, (int)pid, new Slice(_base + computerAt, computer), new Slice(_base + userAt, user));
        _systems.Remember(_text, _event, timeAt, recordEnd, at.Position, _base);
        return at.Position;
    }

    void Take(long time, ulong record, int processId, Slice computer, Slice user)
    {
        _event.Time = time;
        _event.HasTime = true;
        _event.RecordId = record;
        _event.HasRecordId = true;
        _event.SysmonProcessId = processId;
        _event.Computer = computer;
        _event.SysmonUserId = user;
        _sawSystem = true;
        _sawData = true;
        _inData = true;
        ExpectFields();
    }

    void ExpectFields()
    {
        _tags = SysmonSchema.Tags(_event.EventId);
        // Fields that came before are none of the schema's order.
        if (_event.FieldCount > 0) _forward = false;
    }

    /// <summary>
    /// True where #ooo is undone. What has raw control bytes did not come through rsyslog's escaping, so its #ooo is what the program wrote.
    /// Looked at before the first value is unescaped, which makes control bytes of its own.
    /// </summary>
    bool Octal() => _octal ??= _fromFile && _text.TrimEnd("\r\n\t \0"u8).IndexOfAny(RawControls) < 0;

    /// <summary>The event ends before its end, somewhere behind a place, and something else may follow there.</summary>
    void Cut(int from)
    {
        Truncated();
        Look(from, latest: int.MaxValue);
    }

    /// <summary>Looks for another event from a place on.</summary>
    void Look(int from, int latest)
    {
        Glued = GluedLine.Find(_text[from..], out int start, latest);
        // Only a file can have torn lines: what comes from the journal came message by message.
        if (Glued == Glue.Line && !_fromFile) Glued = Glue.NotBelieved;
        _restAt = from + start;
    }

    readonly void Irregular() => _event.Marks |= EventMarks.Irregular;

    readonly void Truncated() => _event.Marks |= EventMarks.Truncated;

    static bool IsBlank(ReadOnlySpan<byte> text) => text.IndexOfAnyExceptInRange((byte)0, (byte)' ') < 0;

    static bool Number(ReadOnlySpan<byte> text, ulong most, out ulong number) =>
        Utf8Parser.TryParse(text, out number, out int length) && length == text.Length && Timestamp.IsDigit(text[0]) && number <= most;

    /// <summary>Walks over a text that is expected to be as it is.</summary>
    ref struct Cursor(ReadOnlySpan<byte> text)
    {
        readonly ReadOnlySpan<byte> _text = text;

        public int Position;

        public bool Skip(ReadOnlySpan<byte> expected)
        {
            if (!_text[Position..].StartsWith(expected)) return false;
            Position += expected.Length;
            return true;
        }

        /// <summary>A decimal number of at most 18 digits; longer ones are left to the slow way.</summary>
        public bool Number(ulong most, out ulong number)
        {
            number = 0;
            int from = Position;
            ReadOnlySpan<byte> text = _text;
            while (Position < text.Length && Timestamp.IsDigit(text[Position]) && Position - from < 19)
            {
                number = (number * 10) + (uint)(text[Position++] - '0');
            }
            return Position - from is > 0 and < 19 && number <= most;
        }

        public void SkipHex()
        {
            while (Position < _text.Length && char.IsAsciiHexDigit((char)_text[Position])) Position++;
        }
    }
}
