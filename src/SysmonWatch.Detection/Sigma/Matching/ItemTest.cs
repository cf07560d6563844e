using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>Asks a test of a field of an event, with what stands beside the field's value.</summary>
static class ItemTest
{
    /// <summary>Which value matched: none.</summary>
    public const int None = -2;

    /// <summary>Which value matched: the field's own, or its being absent.</summary>
    public const int Own = -1;

    /// <summary>Which value matches: <see cref="Own"/>, the number of an alternative, or <see cref="None"/>.</summary>
    /// <remarks>With <see cref="MatchScratch.AsWritten"/> the values that repairs brought are passed over.</remarks>
    public static int Find(FieldedEvent e, FieldId field, ValueTest test, MatchScratch scratch)
    {
        ValueKind kind = e.Find(field, out ReadOnlySpan<byte> value);
        if (test is ExistsTest exists) return exists.Expected == (kind != ValueKind.Absent) ? Own : None;
        if (test is NullTest) return IsNull(e, field, kind, value, scratch) ? Own : None;
        if (kind > ValueKind.Null && test.Matches(e, kind, value, scratch)) return Own;
        for (int i = 0; e.TryAlternative(field, i, out ReadOnlySpan<byte> alternative); i++)
        {
            if (scratch.AsWritten && e.RepairOf(field, i) is not null) continue;
            if (test.Matches(e, ValueKind.Text, alternative, scratch)) return i;
        }
        return None;
    }

    /// <summary>The position of the first field of the event whose value matches, for keywords; <see cref="None"/> where there is none.</summary>
    public static int FindKeyword(FieldedEvent e, ValueTest test, MatchScratch scratch)
    {
        for (int i = 0; i < e.FieldCount; i++)
        {
            ValueKind kind = e.At(i, out _, out ReadOnlySpan<byte> value);
            if (kind > ValueKind.Null && test.Matches(e, kind, value, scratch)) return i;
        }
        return None;
    }

    /// <summary>A field is null where Sysmon wrote nothing; what a repair filled in changes nothing about that.</summary>
    static bool IsNull(FieldedEvent e, FieldId field, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch) =>
        (kind <= ValueKind.Null || (scratch.DashIsNull && kind == ValueKind.Text && value is [(byte)'-']))
        && (!e.TryAlternative(field, 0, out _) || e.RepairOf(field, 0) is not null);
}
