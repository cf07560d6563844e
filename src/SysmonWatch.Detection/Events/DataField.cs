namespace SysmonWatch.Detection.Events;

/// <summary>A piece of an event's buffer.</summary>
/// <param name="Start">Offset of the first byte.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct Slice(int Start, int Length)
{
    /// <summary>Offset of the first byte that is not in it any more.</summary>
    public int End => Start + Length;
}

/// <summary>One <c>Data</c> element.</summary>
/// <param name="Id">Its name as an id; <see cref="FieldId.Unknown"/> where neither the schema nor a rule has that name.</param>
/// <param name="Name">Its name in the buffer.</param>
/// <param name="Value">Its value in the buffer, unescaped.</param>
/// <param name="Repeated">True where an earlier field of the event has the same name; the first one counts.</param>
public readonly record struct DataField(FieldId Id, Slice Name, Slice Value, bool Repeated);
