namespace SysmonWatch.Detection.Events;

/// <summary>
/// What rules can ask of an event: fields by id, and all fields in order for keywords. Values are UTF-8 and valid only as long as the
/// event's batch is; invalid UTF-8 is possible.
/// </summary>
/// <remarks>Not thread-safe for writing; any number of readers once it is filled.</remarks>
public abstract class FieldedEvent
{
    /// <summary>When it happened, in microseconds since 1970-01-01T00:00:00Z (Sysmon: TimeCreated/SystemTime).</summary>
    public long Time { get; set; }

    /// <summary>How many fields the event has in itself.</summary>
    public abstract int FieldCount { get; }

    /// <summary>The field with this id, with its value.</summary>
    /// <returns>What kind of value it is; <see cref="ValueKind.Absent"/> where the event has no such field, and then the value is empty.</returns>
    public abstract ValueKind Find(FieldId field, out ReadOnlySpan<byte> value);

    /// <summary>The field at a position from 0 up to <see cref="FieldCount"/>, in the order the event had it.</summary>
    public abstract ValueKind At(int position, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value);

    /// <summary>
    /// Another value that stands for the same field, for the repairs of what Sysmon for Linux writes (the name a program was called by,
    /// beside the resolved path in Image), and for fields with several values. A rule's item matches where any of them matches; under a
    /// negation those that a repair brought do not count. Most events have none.
    /// </summary>
    /// <param name="field">The field.</param>
    /// <param name="number">Which one, from 0.</param>
    /// <param name="value">The value; empty where there is none.</param>
    /// <returns>False where there are not that many.</returns>
    public virtual bool TryAlternative(FieldId field, int number, out ReadOnlySpan<byte> value)
    {
        value = default;
        return false;
    }

    /// <summary>The name of the repair that brought an alternative of <see cref="TryAlternative"/>, for the evidence; null where it is no repair.</summary>
    /// <param name="field">The field.</param>
    /// <param name="number">Which alternative, from 0.</param>
    public virtual string? RepairOf(FieldId field, int number) => null;
}
