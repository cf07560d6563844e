using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Correlation;

/// <summary>One event in one group's window.</summary>
/// <param name="time">Its place in time: the event's own, or the stream's where the event is future-dated. Microseconds since 1970.</param>
/// <param name="reference">Which event.</param>
/// <param name="rules">Bits of the references (positions in the correlation's rules) that it matched.</param>
sealed class CorrelationEntry(long time, EventReference reference, ulong rules)
{
    public long Time { get; } = time;

    public EventReference Reference { get; } = reference;

    public ulong Rules { get; set; } = rules;

    /// <summary>The hit that this entry stands for, where a correlation feeds this one.</summary>
    public CorrelationHit? Child { get; init; }

    /// <summary>The value that is counted (value_count), encoded as <see cref="ValueKey"/> does; shared with the window's table.</summary>
    public byte[] Value { get; init; } = [];

    /// <summary>The number that is computed with, in 10^-9 (value_sum and the like).</summary>
    public Int128 Number { get; init; }

    /// <summary>
    /// The values of the fields that other correlations ask of this one, as <see cref="ValueKey"/> encodes them: of an event one tuple, of a hit those of its
    /// events that differ.
    /// </summary>
    public byte[][] Inherited { get; init; } = ValueKey.NoTuple;

    /// <summary>How many events it stands for: more than one after redundant ones were folded into it.</summary>
    public long Weight { get; set; } = 1;

    /// <summary>A hit that this entry completed has been told.</summary>
    public bool Fired { get; set; }

    /// <summary>What it costs of the correlation's bound: the events it keeps.</summary>
    public int Cost => 1 + (Child?.Events.Count ?? 0);

    public long EventCount => Child is null ? Weight : Child.Count;

    /// <summary>The order of events: time, computer, record id. Equal ones stay in order of arrival.</summary>
    public bool IsBefore(CorrelationEntry other)
    {
        if (Time != other.Time) return Time < other.Time;
        int computers = string.CompareOrdinal(Reference.Identity.Computer, other.Reference.Identity.Computer);
        return computers != 0 ? computers < 0 : Reference.Identity.RecordId < other.Reference.Identity.RecordId;
    }
}
