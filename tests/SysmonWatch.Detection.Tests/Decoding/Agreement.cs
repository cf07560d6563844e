using System.Text;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>Holds the fast decoder against the reference, field by field.</summary>
static class Agreement
{
    /// <summary>Behind a record that is not the last of its batch there are others; some ways to read are only taken there.</summary>
    static readonly byte[] Following = [0xAA, .. Enumerable.Repeat("\n<Data &#"u8.ToArray(), 12).SelectMany(b => b)];

    /// <summary>Decodes a record both ways, alone in a buffer and with others behind it, and fails where they differ. Returns what it is.</summary>
    public static DecodeOutcome Check(byte[] raw, RecordOrigin origin, SysmonDecoder decoder, SysmonEvent e)
    {
        Check(raw, [0xAA], origin, decoder, e);
        return Check(raw, Following, origin, decoder, e);
    }

    static DecodeOutcome Check(byte[] raw, byte[] following, RecordOrigin origin, SysmonDecoder decoder, SysmonEvent e)
    {
        byte[] buffer = [0xAA, .. raw, .. following];
        DecodeOutcome outcome = decoder.Decode(buffer, new LogRecord(new Slice(1, raw.Length), origin, 0), e, out _);
        var reference = new ReferenceDecoder(raw, origin);
        string? difference = Difference(outcome, e, reference);
        int? gluedAt = decoder.Glued?.Text.Start - 1;
        if (gluedAt != reference.GluedAt) difference ??= $"another line at {gluedAt}, reference {reference.GluedAt}";
        if (decoder.HasUnbelieved != reference.HasUnbelieved) difference ??= $"another event {decoder.HasUnbelieved}, reference {reference.HasUnbelieved}";
        if (outcome == DecodeOutcome.Event) difference ??= InconsistencyOf(e, decoder.Hash);
        if (difference is not null) Assert.Fail($"{difference}\n{origin}: {Encoding.Latin1.GetString(raw)}");
        Assert.Equal(0xAA, buffer[0]);
        Assert.True(buffer.AsSpan(1 + raw.Length).SequenceEqual(following), "what follows the record has changed");
        return outcome;
    }

    static string? Difference(DecodeOutcome outcome, SysmonEvent e, ReferenceDecoder r)
    {
        if (outcome != r.Outcome) return $"outcome {outcome}, reference {r.Outcome}";
        if (outcome != DecodeOutcome.Event) return null;
        if (e.EventId != r.EventId) return $"event id {e.EventId}, reference {r.EventId}";
        if (e.HasRecordId != r.RecordId.HasValue || (e.HasRecordId && e.RecordId != r.RecordId)) return $"record id {e.RecordId}, reference {r.RecordId}";
        if (e.HasTime != r.Time.HasValue || (e.HasTime && e.Time != r.Time)) return $"time {e.Time}, reference {r.Time}";
        if (Latin(e, e.Computer) != r.Computer) return $"computer {Latin(e, e.Computer)}, reference {r.Computer}";
        if (e.SysmonProcessId != r.SysmonProcessId) return $"process {e.SysmonProcessId}, reference {r.SysmonProcessId}";
        if (Latin(e, e.SysmonUserId) != r.UserId) return $"user {Latin(e, e.SysmonUserId)}, reference {r.UserId}";
        if (e.Marks != r.Marks) return $"marks {e.Marks}, reference {r.Marks}";
        int kept = Math.Min(r.Fields.Count, SysmonEvent.MostFields);
        if (e.FieldCount != kept || e.FieldsLeftOut != r.Fields.Count - kept) return $"{e.FieldCount} fields, reference {r.Fields.Count}";
        for (int i = 0; i < kept; i++)
        {
            DataField field = e.Fields[i];
            (string Name, string Value, bool Repeated) mine = (Latin(e, field.Name), Latin(e, field.Value), field.Repeated);
            if (mine != r.Fields[i]) return $"field {i} {mine}, reference {r.Fields[i]}";
            if (field.Id != FieldId.TryFind(e.Bytes(field.Name))) return $"field {i} {mine} has id {field.Id}";
        }
        (string, string)? cut = e.CutField is { } c ? (Latin(e, c.Name), Latin(e, c.Value)) : null;
        return cut == r.Cut ? null : $"cut {cut}, reference {r.Cut}";
    }

    /// <summary>What the event knows of its fields beyond their bytes must be what anybody would find by looking at them.</summary>
    static string? InconsistencyOf(SysmonEvent e, ValueHash hash)
    {
        for (int i = 0; i < e.FieldCount; i++)
        {
            DataField field = e.Fields[i];
            if (!field.Id.IsKnown) continue;
            DataField first = e.Fields.ToArray().First(f => f.Id == field.Id);
            if (!e.TryWritten(field.Id, out ReadOnlySpan<byte> value) || !value.SequenceEqual(e.Bytes(first.Value))) return $"field {i} is not found by its id";
            if (e.Find(field.Id, out value) != ValueKind.Text || !value.SequenceEqual(e.Bytes(first.Value))) return $"field {i} is not found by a rule";
        }
        foreach (FieldId other in KnownFieldIds)
        {
            if (!e.Fields.ToArray().Any(f => f.Id == other) && e.TryWritten(other, out _)) return $"{other} is found and is not there";
        }
        if (e.HashedFields > 0 && e.HashedBy != hash.Mark) return "the hashes are another's";
        for (int i = 0; i < e.HashedFields; i++)
        {
            if (e.Hashes[i] != hash.Of(e.Bytes(e.Fields[i].Value))) return $"field {i} has the hash of something else";
        }
        return null;
    }

    static readonly FieldId[] KnownFieldIds = [.. SysmonSchema.All.SelectMany(e => e.Fields.Select(f => f.Id)).Distinct()];

    static string Latin(SysmonEvent e, Slice slice) => Encoding.Latin1.GetString(e.Bytes(slice));
}
