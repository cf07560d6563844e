using System.Buffers;
using System.Numerics;
using System.Runtime.Intrinsics;
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

    static readonly SearchValues<byte> TagEnds = SearchValues.Create("<>"u8);

    readonly ReadOnlySpan<byte> _text;
    readonly SysmonEvent _event;
    readonly SystemMemory _systems;
    readonly ValueEnds _ends;
    readonly ValueHash _hash;
    EventText _source;
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
        _source = new EventText(buffer, text, fromFile, into);
        _text = _source.Bytes;
        _event = into;
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
        int at = SystemElement.Read(_text, _source.Start, _event, _systems);
        if (at > 0)
        {
            _sawSystem = true;
            _sawData = true;
            BeginData();
        }
        else
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
                if (!_inSystem && !EventText.IsBlank(_text[at..])) Irregular();
                Truncated();
                return;
            }
            if (open > 0 && !_inSystem && !EventText.IsBlank(_text.Slice(at, open))) Irregular();
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
        ReadOnlySpan<byte> room = _source.WithRoom;
        if (room.Length - text.Length < ValueEnds.Overrun || !_event.TryRoom(tags.Length, out Span<DataField> fields, out Span<ulong> hashes)) return false;
        int start = at + tags[0].Length - EndTag;
        ReadOnlySpan<int> ends = _ends.Find(room, start, text.Length);
        if (ends.Length != tags.Length + 1 || !text[ends[^2]..].SequenceEqual("</Data></EventData></Event>"u8)) return false;

        // Which values need to be looked at again: that waits until all tags have been found to be there, as unescaping changes the text.
        ulong special = 0;
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
            Slice name = _source.Slice(start - tag.Length + FieldTag.NameAt, tag.Length - FieldTag.NameAt - 2);
            fields[i] = new DataField(tag.Id, name, _source.Slice(start, length), Repeated: false);
            if (length < ValueHash.Segment)
            {
                hashes[i] = ValueScan.Hash(room, start, length, hash, out Vector128<byte> found);
                if (found.ExtractMostSignificantBits() != 0) special |= 1ul << i;
            }
            else
            {
                special |= 1ul << i;
            }
        }
        _expected = tags.Length;
        Took(tags.Length, 0);
        if (special != 0) FinishSpecial(special, fields, hashes);
        return true;
    }

    /// <summary>Unescapes and hashes again the values whose bits are set: those that have an escape or a byte above 0x7F, or are very long.</summary>
    void FinishSpecial(ulong special, Span<DataField> fields, Span<ulong> hashes)
    {
        for (; special != 0; special &= special - 1)
        {
            int i = BitOperations.TrailingZeroCount(special);
            Slice value = _source.Finish(fields[i].Value, ValueScan.Found.Escapes | ValueScan.Found.NotAscii);
            fields[i] = fields[i] with { Value = value };
            hashes[i] = _hash.Of(_source.Of(value));
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
            Slice name = _source.Slice(start - tag.Length + FieldTag.NameAt, tag.Length - FieldTag.NameAt - 2);
            int next = i + 1;
            bool goesOn = end >= 0 && next < tags.Length && tags[next].IsAt(text, end);
            if (!goesOn && (end < 0 || !text[end..].StartsWith("</Data>"u8)))
            {
                Took(taken, first);
                cut = !Value(start, tag.Id, name, schemaOrder: true, out at);
                return true;
            }
            Slice value = _source.Slice(start, end - start);
            if (found != ValueScan.Found.Plain) value = _source.Finish(value, found);
            if (fast)
            {
                fields[taken] = new DataField(tag.Id, name, value, Repeated: false);
                hashes[taken++] = _hash.Of(_source.Of(value));
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
                if (EventText.IsBlank(_text[next..])) return false;
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
            if (!empty) BeginData();
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
        if (!_sawSystem) Irregular();
        else SystemElement.ReadOne(ref _source, _event, name, attributes, attributesAt, ref next, _inSystem, empty);
        return true;
    }

    /// <summary>A Data element whose start tag has been read.</summary>
    bool Data(ReadOnlySpan<byte> attributes, int attributesAt, bool empty, ref int next)
    {
        if (!_inData) Irregular();
        Slice name = _source.Attribute(attributes, attributesAt, "Name"u8);
        if (name.Length == 0) Irregular();
        ReadOnlySpan<byte> bytes = _source.Of(name);
        FieldId id = FieldId.TryFind(bytes);
        // Versions differ by a field more or less; the rest of the order holds.
        for (int i = 0; i < _tags.Length; i++)
        {
            if (_tags[i].Id != id || !id.IsKnown) continue;
            if (i < _expected) _forward = false;
            _expected = i + 1;
        }
        if (!empty) return Value(next, id, name, schemaOrder: false, out next);
        Add(id, name, _source.Slice(next, 0), schemaOrder: false);
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
            Add(id, name, _source.Finish(_source.Slice(from, end - from), found), schemaOrder);
            return true;
        }

        int whole = end - from;
        if (end < 0)
        {
            whole = Escapes.WholeLength(_text[from..], _source.Octal());
        }
        else if (!"</Data>"u8.StartsWith(_text[end..]))
        {
            Irregular();
            Look(from, latest: int.MaxValue);
            if (Glued == Glue.Line && _restAt <= end) whole = Escapes.WholeLength(_text[from.._restAt], _source.Octal());
        }
        Truncated();
        Slice cut = _source.Finish(_source.Slice(from, whole), found);
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

    void BeginData()
    {
        _inData = true;
        _tags = SysmonSchema.Tags(_event.EventId);
        // Fields that came before are none of the schema's order.
        if (_event.FieldCount > 0) _forward = false;
    }

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
        if (Glued == Glue.Line && !_source.IsFromFile) Glued = Glue.NotBelieved;
        _restAt = from + start;
    }

    readonly void Irregular() => _event.Marks |= EventMarks.Irregular;

    readonly void Truncated() => _event.Marks |= EventMarks.Truncated;
}
