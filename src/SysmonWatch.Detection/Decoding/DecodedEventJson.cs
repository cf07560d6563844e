using System.Globalization;
using System.Text;
using System.Text.Json;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Decoding;

/// <summary>Writes an event as <c>sysmonwatch decode</c> prints it. The names are a contract: more may come, none goes.</summary>
/// <remarks>
/// Always: event_id, record_id, computer, time, truncated, fields. Where it applies: cut_field, duplicate_fields, forged, and ours:
/// <c>marks</c> (ambiguous_escape, invalid_utf8, irregular, future_dated, conflicting, doubtful) and fields_left_out. record_id and time are null where
/// the event has none that can be read.
/// </remarks>
public static class DecodedEventJson
{
    static readonly JsonEncodedText EventId = JsonEncodedText.Encode("event_id");
    static readonly JsonEncodedText RecordId = JsonEncodedText.Encode("record_id");
    static readonly JsonEncodedText Computer = JsonEncodedText.Encode("computer");
    static readonly JsonEncodedText Time = JsonEncodedText.Encode("time");
    static readonly JsonEncodedText Truncated = JsonEncodedText.Encode("truncated");
    static readonly JsonEncodedText Forged = JsonEncodedText.Encode("forged");
    static readonly JsonEncodedText Fields = JsonEncodedText.Encode("fields");
    static readonly JsonEncodedText CutField = JsonEncodedText.Encode("cut_field");
    static readonly JsonEncodedText DuplicateFields = JsonEncodedText.Encode("duplicate_fields");
    static readonly JsonEncodedText FieldsLeftOut = JsonEncodedText.Encode("fields_left_out");
    static readonly JsonEncodedText Marks = JsonEncodedText.Encode("marks");
    static readonly JsonEncodedText NameText = JsonEncodedText.Encode("name");
    static readonly JsonEncodedText ValueText = JsonEncodedText.Encode("value");

    /// <summary>Writes one event as one object.</summary>
    /// <param name="writer">Where to; its encoder decides what stays readable.</param>
    /// <param name="decoded">The event.</param>
    public static void Write(Utf8JsonWriter writer, SysmonEvent decoded)
    {
        writer.WriteStartObject();
        writer.WriteNumber(EventId, decoded.EventId);
        if (decoded.HasRecordId) writer.WriteNumber(RecordId, decoded.RecordId);
        else writer.WriteNull(RecordId);
        Text(writer, Computer, decoded.Bytes(decoded.Computer));
        if (decoded.HasTime) WriteTime(writer, decoded.Time);
        else writer.WriteNull(Time);
        writer.WriteBoolean(Truncated, (decoded.Marks & EventMarks.Truncated) != 0);
        if ((decoded.Marks & EventMarks.Forged) != 0) writer.WriteBoolean(Forged, true);

        bool repeats = false;
        writer.WriteStartObject(Fields);
        foreach (ref readonly DataField field in decoded.Fields)
        {
            repeats |= field.Repeated;
            if (!field.Repeated) Text(writer, decoded.Bytes(field.Name), decoded.Bytes(field.Value));
        }
        writer.WriteEndObject();

        if (decoded.CutField is { } cut) Pair(writer, CutField, decoded, cut);
        if (repeats)
        {
            writer.WriteStartArray(DuplicateFields);
            foreach (ref readonly DataField field in decoded.Fields)
            {
                if (field.Repeated) Pair(writer, null, decoded, field);
            }
            writer.WriteEndArray();
        }
        if (decoded.FieldsLeftOut > 0) writer.WriteNumber(FieldsLeftOut, decoded.FieldsLeftOut);
        WriteMarks(writer, decoded.Marks);
        writer.WriteEndObject();
    }

    static void WriteMarks(Utf8JsonWriter writer, EventMarks marks)
    {
        // Truncated and forged have places of their own.
        marks &= ~(EventMarks.Truncated | EventMarks.Forged);
        if (marks == EventMarks.None) return;
        writer.WriteStartArray(Marks);
        if ((marks & EventMarks.FutureDated) != 0) writer.WriteStringValue("future_dated"u8);
        if ((marks & EventMarks.AmbiguousEscape) != 0) writer.WriteStringValue("ambiguous_escape"u8);
        if ((marks & EventMarks.InvalidUtf8) != 0) writer.WriteStringValue("invalid_utf8"u8);
        if ((marks & EventMarks.Irregular) != 0) writer.WriteStringValue("irregular"u8);
        if ((marks & EventMarks.Conflicting) != 0) writer.WriteStringValue("conflicting"u8);
        if ((marks & EventMarks.Doubtful) != 0) writer.WriteStringValue("doubtful"u8);
        writer.WriteEndArray();
    }

    static void WriteTime(Utf8JsonWriter writer, long micros)
    {
        Span<byte> text = stackalloc byte[32];
        DateTime time = DateTime.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond);
        time.TryFormat(text, out int length, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        writer.WriteString(Time, text[..length]);
    }

    static void Pair(Utf8JsonWriter writer, JsonEncodedText? name, SysmonEvent decoded, in DataField field)
    {
        if (name is { } named) writer.WriteStartObject(named);
        else writer.WriteStartObject();
        Text(writer, NameText, decoded.Bytes(field.Name));
        Text(writer, ValueText, decoded.Bytes(field.Value));
        writer.WriteEndObject();
    }

    // A string is only made where the writer could not take the bytes.
    static void Text(Utf8JsonWriter writer, JsonEncodedText name, ReadOnlySpan<byte> value)
    {
        if (System.Text.Unicode.Utf8.IsValid(value)) writer.WriteString(name, value);
        else writer.WriteString(name, Encoding.UTF8.GetString(value));
    }

    static void Text(Utf8JsonWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (System.Text.Unicode.Utf8.IsValid(name)) writer.WritePropertyName(name);
        else writer.WritePropertyName(Encoding.UTF8.GetString(name));
        if (System.Text.Unicode.Utf8.IsValid(value)) writer.WriteStringValue(value);
        else writer.WriteStringValue(Encoding.UTF8.GetString(value));
    }
}
