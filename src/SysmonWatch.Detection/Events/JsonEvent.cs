using System.Runtime.InteropServices;
using System.Text.Json;

namespace SysmonWatch.Detection.Events;

/// <summary>
/// An event from one JSON object: nested objects become fields with dotted names, an array of values becomes one field of which any value may
/// match. The keys <c>_t</c> and <c>_logsource</c> are about the event and no fields.
/// </summary>
/// <remarks>Can be filled again and again. Not thread-safe while it is filled.</remarks>
public sealed class JsonEvent : FieldedEvent
{
    /// <summary>The most values kept of one event.</summary>
    public const int MostFields = 10_000;

    readonly List<Entry> _entries = [];
    readonly List<byte> _path = [];
    byte[] _buffer = new byte[1024];
    int _used;

    readonly record struct Entry(Slice Name, Slice Value, ValueKind Kind);

    /// <summary>True where the event has a <c>_logsource</c>.</summary>
    public bool HasLogSource { get; private set; }

    /// <summary>The category of its <c>_logsource</c>; null where it has none.</summary>
    public string? Category { get; private set; }

    /// <summary>The product of its <c>_logsource</c>; null where it has none.</summary>
    public string? Product { get; private set; }

    /// <summary>The service of its <c>_logsource</c>; null where it has none.</summary>
    public string? Service { get; private set; }

    /// <summary>True where the event has a <c>_t</c>, whose microseconds are then <see cref="FieldedEvent.Time"/>.</summary>
    public bool HasTime { get; private set; }

    /// <inheritdoc/>
    public override int FieldCount => _entries.Count;

    /// <summary>Fills the event from one JSON object.</summary>
    /// <param name="json">UTF-8. What in its texts is no Unicode (invalid bytes, half a surrogate pair) is read as U+FFFD.</param>
    /// <param name="reason">What is wrong with it; null where nothing is.</param>
    public bool TryRead(ReadOnlySpan<byte> json, out string? reason)
    {
        try
        {
            reason = Read(json);
        }
        catch (InvalidOperationException) // a text that is not Unicode
        {
            reason = Read(UnicodeRepair.Repair(json));
        }
        return reason is null;
    }

    string? Read(ReadOnlySpan<byte> json)
    {
        Clear();
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 64 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return "an event must be a JSON object";
            if (ReadObject(ref reader, top: true) is { } reason) return reason;
            return reader.Read() ? "something follows the JSON object" : null;
        }
        catch (JsonException wrong)
        {
            return $"not JSON: {wrong.Message}";
        }
    }

    /// <inheritdoc/>
    /// <remarks>Of an array it is the first value that is not null.</remarks>
    public override ValueKind Find(FieldId field, out ReadOnlySpan<byte> value)
    {
        value = default;
        ValueKind kind = ValueKind.Absent;
        if (!field.IsKnown) return kind;
        foreach (Entry entry in _entries)
        {
            if (kind > ValueKind.Null || !Bytes(entry.Name).SequenceEqual(field.Utf8Name)) continue;
            kind = entry.Kind;
            value = Bytes(entry.Value);
        }
        return kind;
    }

    /// <inheritdoc/>
    /// <remarks>The further values of an array.</remarks>
    public override bool TryAlternative(FieldId field, int number, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!field.IsKnown) return false;
        int seen = -1;
        foreach (Entry entry in _entries)
        {
            if (entry.Kind <= ValueKind.Null || !Bytes(entry.Name).SequenceEqual(field.Utf8Name) || ++seen <= number) continue;
            value = Bytes(entry.Value);
            return true;
        }
        return false;
    }

    /// <inheritdoc/>
    public override ValueKind At(int position, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        Entry entry = _entries[position];
        name = Bytes(entry.Name);
        value = Bytes(entry.Value);
        return entry.Kind;
    }

    void Clear()
    {
        _entries.Clear();
        _path.Clear();
        _used = 0;
        HasLogSource = HasTime = false;
        Category = Product = Service = null;
        Time = 0;
    }

    string? ReadObject(ref Utf8JsonReader reader, bool top)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            int mark = _path.Count;
            if (top && reader.ValueTextEquals("_logsource"u8))
            {
                reader.Read();
                if (ReadLogSource(ref reader) is { } wrongSource) return wrongSource;
                continue;
            }
            if (top && reader.ValueTextEquals("_t"u8))
            {
                reader.Read();
                if (ReadTime(ref reader) is { } wrongTime) return wrongTime;
                continue;
            }
            if (!top) _path.Add((byte)'.');
            byte[] name = new byte[reader.ValueSpan.Length];
            _path.AddRange(name.AsSpan(0, reader.CopyString(name)));
            reader.Read();
            if (ReadValue(ref reader) is { } wrong) return wrong;
            _path.RemoveRange(mark, _path.Count - mark);
        }
        return null;
    }

    string? ReadValue(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.StartObject) return ReadObject(ref reader, top: false);
        if (reader.TokenType != JsonTokenType.StartArray) return Add(ref reader);
        bool empty = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            empty = false;
            if (ReadValue(ref reader) is { } wrong) return wrong;
        }
        if (empty) _entries.Add(new Entry(Keep(CollectionsMarshal.AsSpan(_path)), default, ValueKind.Null));
        return null;
    }

    string? Add(ref Utf8JsonReader reader)
    {
        if (_entries.Count >= MostFields) return $"the event has more than {MostFields} values";
        Slice name = Keep(CollectionsMarshal.AsSpan(_path));
        ValueKind kind = reader.TokenType switch
        {
            JsonTokenType.String => ValueKind.Text,
            JsonTokenType.Number => ValueKind.Number,
            JsonTokenType.Null => ValueKind.Null,
            _ => ValueKind.Boolean,
        };
        Slice value = default;
        if (kind == ValueKind.Text)
        {
            Reserve(reader.ValueSpan.Length);
            int length = reader.CopyString(_buffer.AsSpan(_used));
            value = new Slice(_used, length);
            _used += length;
        }
        else if (kind != ValueKind.Null)
        {
            value = Keep(reader.ValueSpan);
        }
        _entries.Add(new Entry(name, value, kind));
        return null;
    }

    string? ReadTime(ref Utf8JsonReader reader)
    {
        const decimal Most = 9_000_000_000_000m; // seconds; as microseconds they fit in 64 bits
        if (reader.TokenType == JsonTokenType.Null) return null;
        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetDecimal(out decimal seconds) || Math.Abs(seconds) > Most)
        {
            return "'_t' must be a number of seconds";
        }
        Time = (long)Math.Round(seconds * 1_000_000m);
        HasTime = true;
        return null;
    }

    string? ReadLogSource(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null) return null;
        if (reader.TokenType != JsonTokenType.StartObject) return "'_logsource' must be an object";
        HasLogSource = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null)) return $"'_logsource.{key}' must be a text";
            string? text = reader.GetString();
            if (key == "category") Category = text;
            else if (key == "product") Product = text;
            else if (key == "service") Service = text;
        }
        return null;
    }

    ReadOnlySpan<byte> Bytes(Slice slice) => _buffer.AsSpan(slice.Start, slice.Length);

    Slice Keep(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_used));
        var slice = new Slice(_used, bytes.Length);
        _used += bytes.Length;
        return slice;
    }

    void Reserve(int bytes)
    {
        if (_buffer.Length - _used < bytes) Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _used + bytes));
    }
}
