using System.Text;

namespace SysmonWatch.Detection.Events;

/// <summary>
/// Fields that Sysmon does not write as <c>Data</c> and rules can use all the same: the event's own header, its process's ancestors and family,
/// and a file name freed of the ways to spell it. docs/fields.md lists them for rule authors.
/// </summary>
/// <remarks>A <c>Data</c> element of the same name wins, so nothing here can hide what Sysmon wrote.</remarks>
static class DerivedFields
{
    static readonly FieldId EventId = FieldId.Of("EventID");
    static readonly FieldId Computer = FieldId.Of("Computer");
    static readonly FieldId Truncated = FieldId.Of("Truncated");
    static readonly FieldId TargetPath = FieldId.Of("TargetPath");
    static readonly FieldId ProcessCommandLine = FieldId.Of("ProcessCommandLine");
    static readonly FieldId ProcessUser = FieldId.Of("ProcessUser");
    static readonly FieldId GrandparentImage = FieldId.Of("GrandparentImage");
    static readonly FieldId GrandparentCommandLine = FieldId.Of("GrandparentCommandLine");
    static readonly FieldId AncestorImage = FieldId.Of("AncestorImage");
    static readonly FieldId FamilyGuid = FieldId.Of("FamilyGuid");
    static readonly FieldId FamilyImage = FieldId.Of("FamilyImage");
    static readonly FieldId FamilyCommandLine = FieldId.Of("FamilyCommandLine");
    static readonly FieldId FamilyUser = FieldId.Of("FamilyUser");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<FieldId> Names => All;

    // Rules may have been read, and have given some of these names their ids, long before.
    static readonly FieldId[] All =
    [
        EventId, Computer, Truncated, TargetPath, ProcessCommandLine, ProcessUser, GrandparentImage, GrandparentCommandLine, AncestorImage, FamilyGuid,
        FamilyImage, FamilyCommandLine, FamilyUser,
    ];

    static readonly bool[] IsDerived = [.. Enumerable.Range(0, All.Max(field => field.Value) + 1).Select(id => All.Contains(new FieldId(id)))];

    static readonly byte[][] EventIds = [.. Enumerable.Range(0, 256).Select(id => Encoding.UTF8.GetBytes(id.ToString(System.Globalization.CultureInfo.InvariantCulture)))];

    /// <summary>The value of a derived field of an event.</summary>
    public static ValueKind Find(SysmonEvent e, FieldId field, out ReadOnlySpan<byte> value)
    {
        value = default;
        if ((uint)field.Value >= (uint)IsDerived.Length || !IsDerived[field.Value]) return ValueKind.Absent;

        if (field == EventId) return Text(EventIds[e.EventId & 255], out value);
        if (field == Computer) return Text(e.Bytes(e.Computer), out value);
        if (field == Truncated) return Text((e.Marks & EventMarks.Truncated) != 0 ? "true"u8 : "false"u8, out value);
        if (field == TargetPath)
        {
            return e.TargetPath is { } path ? Text(path.Span, out value) : e.Find(KnownFields.TargetFilename, out value);
        }

        ProcessNode? process = e.Process;
        if (process is null) return ValueKind.Absent;
        if (field == FamilyGuid) return Known(process.Family.ProcessGuid, out value);
        if (field == FamilyImage) return Known(process.Family.Image, out value);
        if (field == FamilyCommandLine) return Known(process.Family.CommandLine, out value);
        if (field == FamilyUser) return Known(process.Family.User, out value);
        if (field == ProcessCommandLine) return Known(process.CommandLine, out value);
        if (field == ProcessUser) return Known(process.User, out value);
        if (field == GrandparentImage) return Known(process.Parent?.Parent?.Image ?? default, out value);
        if (field == GrandparentCommandLine) return Known(process.Parent?.Parent?.CommandLine ?? default, out value);
        if (field == AncestorImage) return Known(process.Parent?.Image ?? default, out value);
        return ValueKind.Absent;
    }

    /// <summary>True for a field that may have several values.</summary>
    public static bool HasAlternatives(FieldId field) => field == AncestorImage;

    /// <summary>The further values of a field that has several: AncestorImage is that of any ancestor.</summary>
    public static bool TryAlternative(SysmonEvent e, FieldId field, int number, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (field != AncestorImage) return false;
        ProcessNode? ancestor = e.Process?.Parent?.Parent;
        for (; number > 0 && ancestor is not null; number--) ancestor = ancestor.Parent;
        if (ancestor is null) return false;
        value = ancestor.Image.Span;
        return true;
    }

    static ValueKind Text(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> value)
    {
        value = text;
        return ValueKind.Text;
    }

    static ValueKind Known(ReadOnlyMemory<byte> text, out ReadOnlySpan<byte> value)
    {
        value = text.Span;
        return value.IsEmpty ? ValueKind.Absent : ValueKind.Text;
    }
}
