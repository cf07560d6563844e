using System.Buffers.Text;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;

namespace SysmonWatch.Detection.Testing;

/// <summary>Reads one event for explaining and testing rules: a flat JSON object, or log lines of which the last event counts.</summary>
/// <remarks>The events before it only fill the process tree, so that what a rule learns from a process's parent can be tried out too.</remarks>
public static class SingleEvent
{
    static readonly FieldId EventId = FieldId.Of("EventID");
    static readonly FieldId DecodedEventId = FieldId.Of("event_id");

    /// <summary>Reads the event.</summary>
    /// <param name="text">
    /// A JSON object without journald's MESSAGE, or anything that log files are made of. Where the object has an EventID, or is one that
    /// decode printed, the event counts as Sysmon's: its log source and the repairs are as in earnest.
    /// </param>
    /// <param name="reason">Why there is none; null otherwise.</param>
    public static FieldedEvent? Read(ReadOnlySpan<byte> text, out string? reason)
    {
        if (text.StartsWith("\uFEFF"u8)) text = text[3..];
        ReadOnlySpan<byte> trimmed = text.Trim(" \t\r\n"u8);
        if (trimmed is [(byte)'{', ..] && trimmed.IndexOf("\"MESSAGE\""u8) < 0)
        {
            var json = new JsonEvent();
            if (!json.TryRead(trimmed, out reason)) return null;
            return IsOfSysmon(json, out int id, out bool isDecoded) ? OfSysmon(json, id, isDecoded) : json;
        }
        // The batch must stay as it is: the event's values stand in it. So each batch is a new one.
        var decoder = new BatchDecoder(new SequenceWatch(), new ProcessTree(), new ArrivalClock(TimeSpan.FromMinutes(5)), new DetectionCounters());
        using RecordReader reader = RecordReader.Open(new MemoryStream([.. trimmed, (byte)'\n']));
        SysmonEvent? last = null;
        while (true)
        {
            var batch = new EventBatch();
            if (!reader.TryRead(batch.Records)) break;
            decoder.Decode(batch);
            if (batch.Count > 0) last = batch[batch.Count - 1];
        }
        reason = last is null ? "there is no event in it: neither a JSON object nor a line that Sysmon for Linux wrote" : null;
        return last;
    }

    static bool IsOfSysmon(JsonEvent e, out int id, out bool isDecoded)
    {
        id = 0;
        isDecoded = e.Find(DecodedEventId, out ReadOnlySpan<byte> text) == ValueKind.Number;
        if (!isDecoded) e.Find(EventId, out text);
        return !e.HasLogSource && Utf8Parser.TryParse(text, out id, out int used) && used == text.Length && id is > 0 and < 256;
    }

    static SysmonEvent OfSysmon(JsonEvent json, int id, bool isDecoded)
    {
        var buffer = new List<byte>();
        var e = new SysmonEvent { EventId = id };
        // Names of the schema have their ids once the first of them was asked for.
        _ = KnownFields.TargetFilename;
        for (int i = 0; i < json.FieldCount; i++)
        {
            if (json.At(i, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value) <= ValueKind.Null || name.SequenceEqual("EventID"u8)) continue;
            if (isDecoded && !name.StartsWith("fields."u8)) continue;
            if (isDecoded) name = name["fields.".Length..];
            Slice named = Put(name);
            e.Add(new DataField(FieldId.TryFind(name), named, Put(value), Repeated: false));
        }
        e.Buffer = [.. buffer];
        // Gives it its process and the normal form of its file name, as a line would get.
        new ProcessTree().Observe(e);
        return e;

        Slice Put(ReadOnlySpan<byte> bytes)
        {
            buffer.AddRange(bytes);
            return new Slice(buffer.Count - bytes.Length, bytes.Length);
        }
    }
}
