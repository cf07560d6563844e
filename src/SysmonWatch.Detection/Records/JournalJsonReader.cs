using System.Text.Json;

namespace SysmonWatch.Detection.Records;

/// <summary>
/// Records from <c>journalctl -o json</c>: an object a line, where a value is a string, an array of byte numbers (not printable), an array of
/// either (the field came twice) or null (too long for it without <c>--all</c>). Lines of syslog among them are taken as such.
/// </summary>
/// <remarks>Source: systemd.io/JOURNAL_EXPORT_FORMATS.</remarks>
sealed class JournalJsonReader(Stream stream, byte[] ahead, bool fill) : RecordReader(stream, ahead, fill)
{
    readonly JournalEntry _entry = new();
    byte[] _buffer = new byte[RecordBatch.Target];
    int _at;
    int _length;
    bool _ended;

    public override InputFormat Format => InputFormat.JournalJson;

    public override bool TryRead(RecordBatch into)
    {
        into.Clear();
        while (into.Length < RecordBatch.Target)
        {
            int newline = _buffer.AsSpan(_at, _length - _at).IndexOf((byte)'\n');
            if (newline < 0 && !_ended)
            {
                // Of a pipe what is there is handed on before waiting for more.
                if (into.Records.Count > 0 && !FillsBatches) return true;
                Fill(into);
                continue;
            }
            int end = newline < 0 ? _length : _at + newline;
            long offset = GivenOut - (_length - _at);
            ReadOnlySpan<byte> line = _buffer.AsSpan(_at, end - _at).Trim(" \t\r\x1E"u8);
            _at = Math.Min(end + 1, _length);
            if (line.Length > 0) ReadObject(line, offset, into);
            if (newline < 0) break;
        }
        return into.Records.Count > 0;
    }

    void ReadObject(ReadOnlySpan<byte> line, long offset, RecordBatch into)
    {
        int start = into.Length;
        try
        {
            var json = new Utf8JsonReader(line);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject) throw new JsonException();
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                bool isMessage = json.ValueTextEquals("MESSAGE"u8) && _entry.MessageStart < 0;
                ReadOnlySpan<byte> name = json.HasValueSequence || json.ValueIsEscaped ? default : json.ValueSpan;
                json.Read();
                if (!isMessage && !JournalEntry.Wants(name))
                {
                    json.Skip();
                    continue;
                }
                int from = into.Length;
                bool there = Value(ref json, into);
                if (there && isMessage && into.Length - from > into.LongestRecord)
                {
                    _entry.MessageTooLong = true;
                    into.Length = from;
                }
                else if (there && isMessage)
                {
                    _entry.MessageStart = from;
                }
                else
                {
                    if (there) _entry.Set(name, into.Buffer.AsSpan(from, into.Length - from));
                    into.Length = from;
                }
            }
        }
        // Malformed text, or an escaped surrogate without its other half.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            into.Length = start;
            _entry.Abandon();
            // One line of JSON that somebody wrote into a syslog file must not hide all others.
            if (line.Length <= into.LongestRecord && SyslogHeader.Read(line).Program != LineProgram.None) into.Add(line, RecordOrigin.File, 0);
            else into.LeaveOut(new InputDamage(offset, InputDamageReason.NoObject));
            return;
        }
        _entry.Finish(into);
    }

    /// <summary>Appends a value's bytes to the batch. False for null and for what is no text.</summary>
    static bool Value(ref Utf8JsonReader json, RecordBatch into)
    {
        switch (json.TokenType)
        {
            case JsonTokenType.String:
                Span<byte> room = into.Room(json.ValueSpan.Length);
                into.Length += json.CopyString(room);
                return true;
            case JsonTokenType.Number:
                json.ValueSpan.CopyTo(into.Room(json.ValueSpan.Length));
                into.Length += json.ValueSpan.Length;
                return true;
            case JsonTokenType.StartArray:
                return Array(ref json, into);
            default:
                json.Skip();
                return false;
        }
    }

    static bool Array(ref Utf8JsonReader json, RecordBatch into)
    {
        int depth = json.CurrentDepth;
        bool there = false;
        json.Read();
        if (json.TokenType == JsonTokenType.Number)
        {
            there = true;
            while (json.TokenType == JsonTokenType.Number)
            {
                if (!json.TryGetByte(out byte b)) throw new JsonException();
                into.Room(1)[0] = b;
                into.Length++;
                json.Read();
            }
        }
        else if (json.TokenType is JsonTokenType.String or JsonTokenType.StartArray)
        {
            // The field came twice; the first value counts.
            there = Value(ref json, into);
            json.Read();
        }
        while (json.TokenType != JsonTokenType.EndArray || json.CurrentDepth > depth)
        {
            json.Skip();
            if (!json.Read()) break;
        }
        return there;
    }

    void Fill(RecordBatch into)
    {
        _buffer.AsSpan(_at, _length - _at).CopyTo(_buffer);
        _length -= _at;
        _at = 0;
        if (_length == _buffer.Length)
        {
            // The longest record as byte numbers ("255," or "255, " each), and its other fields.
            int longestLine = (into.LongestRecord * 5) + (64 * 1024);
            if (_buffer.Length >= longestLine)
            {
                SkipLine(into);
                return;
            }
            System.Array.Resize(ref _buffer, Math.Min(_buffer.Length * 2, longestLine));
        }
        int got = Read(_buffer.AsSpan(_length));
        _length += got;
        _ended = got == 0;
    }

    void SkipLine(RecordBatch into)
    {
        into.SkippedTooLong++;
        while (true)
        {
            _at = 0;
            _length = Read(_buffer);
            _ended = _length == 0;
            int newline = _buffer.AsSpan(0, _length).IndexOf((byte)'\n');
            if (newline >= 0) _at = newline + 1;
            if (newline >= 0 || _ended) return;
        }
    }
}
