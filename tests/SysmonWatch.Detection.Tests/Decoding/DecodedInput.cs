using System.Text;
using System.Text.Json;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>All that a stream decodes to, copied out so that tests can look at it at leisure.</summary>
sealed class DecodedInput
{
    public List<DecodedEvent> Events { get; } = [];
    public List<(SysmonNotice Notice, string Text)> Notices { get; } = [];
    public int NotSysmon { get; private set; }
    public int Unreadable { get; private set; }
    public int Unbelieved { get; private set; }
    public List<InputDamage> Damage { get; } = [];
    public long SkippedTooLong { get; private set; }
    public long SkippedWithoutMessage { get; private set; }
    public long SkippedMalformed { get; private set; }

    public static DecodedInput Read(Stream stream)
    {
        var result = new DecodedInput();
        using RecordReader reader = RecordReader.Open(stream);
        var batch = new RecordBatch();
        var decoder = new SysmonDecoder();
        var into = new SysmonEvent();
        bool more;
        do
        {
            more = reader.TryRead(batch);
            result.SkippedTooLong += batch.SkippedTooLong;
            result.SkippedWithoutMessage += batch.SkippedWithoutMessage;
            result.SkippedMalformed += batch.SkippedMalformed;
            result.Damage.AddRange(batch.Damage);
            foreach (LogRecord record in batch.Records) result.Take(batch.Buffer, record, decoder, into);
        }
        while (more);
        return result;
    }

    public static DecodedInput Read(string text) => Read(Encoding.Latin1.GetBytes(text));

    public static DecodedInput Read(byte[] bytes) => Read(new MemoryStream(bytes));

    public static DecodedInput Message(byte[] message, RecordOrigin origin)
    {
        var result = new DecodedInput();
        result.Take([.. message], new LogRecord(new Slice(0, message.Length), origin, 0), new SysmonDecoder(), new SysmonEvent());
        return result;
    }

    void Take(byte[] buffer, LogRecord record, SysmonDecoder decoder, SysmonEvent into)
    {
        for (LogRecord? next = record; next is { } line; next = decoder.Glued) TakeOne(buffer, line, decoder, into);
    }

    void TakeOne(byte[] buffer, LogRecord record, SysmonDecoder decoder, SysmonEvent into)
    {
        byte[] raw = buffer.AsSpan(record.Text.Start, record.Text.Length).ToArray();
        DecodeOutcome outcome = decoder.Decode(buffer, record, into, out SysmonNotice notice);
        if (decoder.HasUnbelieved) Unbelieved++;
        switch (outcome)
        {
            case DecodeOutcome.Event:
                Events.Add(DecodedEvent.Of(into, raw, record));
                break;
            case DecodeOutcome.Notice:
                Notices.Add((notice, Encoding.Latin1.GetString(buffer, notice.Text.Start, notice.Text.Length)));
                break;
            case DecodeOutcome.NotSysmon:
                NotSysmon++;
                break;
            default:
                Unreadable++;
                break;
        }
    }
}

/// <summary>One event, copied. Text is Latin-1, so that every byte can be compared.</summary>
sealed record DecodedEvent(
    byte[] Raw, LogRecord Record, int EventId, ulong? RecordId, string Computer, long? Time, int SysmonProcessId, string UserId, EventMarks Marks,
    IReadOnlyList<(string Name, string Value, bool Repeated)> Fields, (string Name, string Value)? Cut, string Json)
{
    public static DecodedEvent Of(SysmonEvent e, byte[] raw, LogRecord record)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            DecodedEventJson.Write(writer, e);
        }
        List<(string, string, bool)> fields = [];
        foreach (DataField field in e.Fields)
        {
            Assert.True(!field.Id.IsKnown || field.Id.Utf8Name.SequenceEqual(e.Bytes(field.Name)));
            fields.Add((Latin(e, field.Name), Latin(e, field.Value), field.Repeated));
        }
        return new DecodedEvent(
            raw, record, e.EventId, e.HasRecordId ? e.RecordId : null, Latin(e, e.Computer), e.HasTime ? e.Time : null, e.SysmonProcessId,
            Latin(e, e.SysmonUserId), e.Marks, fields, e.CutField is { } cut ? (Latin(e, cut.Name), Latin(e, cut.Value)) : null,
            Encoding.UTF8.GetString(stream.ToArray()));
    }

    public string? this[string name] => Fields.Where(f => f.Name == name).Select(f => f.Value).FirstOrDefault();

    static string Latin(SysmonEvent e, Slice slice) => Encoding.Latin1.GetString(e.Bytes(slice));
}
