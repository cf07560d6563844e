using System.Buffers;
using System.Runtime.InteropServices;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SlotState = SysmonWatch.Detection.Sequence.ComputerSequence.SlotState;

namespace SysmonWatch.Detection.Sequence;

/// <summary>
/// Watches EventRecordID per Computer: numbers that are missing, counts that begin anew, the same event by two ways, and two events with one
/// number. Sees events in the order they came, all of them; not thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// A copy is an event with the same Computer, EventID, EventRecordID and SystemTime whose fields, as far as both have them whole, are equal.
/// Nothing is ever dropped because of an event that was proved to be forged, so writing an event's number first hides nothing.
/// </para>
/// <para>
/// Bounds: <see cref="MostComputers"/> computers (of more, the one with the fewest events is forgotten), the last 4,096 events of each, 64
/// gaps waiting. A missing number is waited for over 64 events or 10 seconds of event time.
/// </para>
/// </remarks>
public sealed class SequenceWatch
{
    /// <summary>How many computers are watched.</summary>
    public const int MostComputers = 256;

    const int MostDisplaced = 64;

    readonly Dictionary<ulong, ComputerSequence> _computers = [];
    readonly ulong[] _prefixes = new ulong[SysmonEvent.MostFields];
    ulong _key0;
    ulong _key1;
    ContentHash _content;
    ComputerSequence? _last;
    int _lastMark;
    long _clock;

    /// <summary>A watch that has seen nothing.</summary>
    public SequenceWatch()
    {
        (_key0, _key1) = ValueHash.NewKeys();
        Hash = new ValueHash(_key0, _key1);
        _content = new ContentHash(Hash);
    }

    /// <summary>Hashes values: a decoder that has it saves <see cref="Observe"/> the work. Another one after <see cref="TryRestore"/>.</summary>
    internal ValueHash Hash { get; private set; }

    /// <summary>How many computers were forgotten because there were too many.</summary>
    public long ComputersForgotten { get; private set; }

    /// <summary>Takes the next event.</summary>
    /// <param name="e">The event. Gets <see cref="EventMarks.Conflicting"/> where it is one of two with the same number.</param>
    /// <param name="trusted">True where the source proves that Sysmon wrote it.</param>
    /// <param name="facts">Gets what this event shows. Not cleared.</param>
    public SequenceOutcome Observe(SysmonEvent e, bool trusted, List<SequenceFact> facts)
    {
        if (!e.HasRecordId || !e.HasTime || e.Computer.Length == 0) return SequenceOutcome.New;
        ComputerSequence computer = Computer(e);
        int fields = Math.Min(_content.Prefixes(e, _prefixes), 255);
        ulong hash = fields == 0 ? 0 : _prefixes[fields - 1];
        bool forged = (e.Marks & EventMarks.Forged) != 0;
        SlotState state = SlotState.Used
            | ((e.Marks & EventMarks.Truncated) != 0 ? SlotState.Truncated : 0)
            | (trusted ? SlotState.Trusted : 0)
            | (forged ? SlotState.Forged : 0);
        var mine = new ComputerSequence.Slot(e.RecordId, e.Time, hash, -1, (short)e.EventId, (byte)fields, state, computer.Epoch);

        ref ComputerSequence.Slot slot = ref computer.Slots[e.RecordId & (ulong)(computer.Slots.Length - 1)];
        if (slot.State != SlotState.Empty && slot.RecordId == e.RecordId) return ObserveAgain(e, computer, ref slot, mine, facts);
        if (slot.State != SlotState.Empty && computer.Slots.Length < ComputerSequence.Remembered)
        {
            Grow(computer);
            slot = ref computer.Slots[e.RecordId & (ulong)(computer.Slots.Length - 1)];
        }
        mine.PrefixAt = KeepPrefixes(computer, fields);
        slot = mine;
        if (!forged) computer.Follow(e, facts);
        return SequenceOutcome.New;
    }

    /// <summary>Decides what still waits for more events: at the end of a replay.</summary>
    public void Flush(List<SequenceFact> facts)
    {
        foreach (ComputerSequence computer in _computers.Values.OrderBy(c => c.Name, StringComparer.Ordinal)) computer.Flush(facts);
    }

    /// <summary>Writes all of it, for <see cref="TryRestore"/>.</summary>
    public void Save(IBufferWriter<byte> to) => SequenceSnapshot.Save(to, _key0, _key1, _clock, _computers.Values);

    /// <summary>Takes the place of what was saved.</summary>
    /// <param name="saved">What <see cref="Save"/> wrote.</param>
    /// <param name="why">What is wrong with it, where it cannot be taken; nothing has changed then.</param>
    public bool TryRestore(ReadOnlySpan<byte> saved, out string? why)
    {
        if (!SequenceSnapshot.TryRead(saved, out ulong key0, out ulong key1, out long clock, out List<ComputerSequence> computers, out why)) return false;
        (_key0, _key1, _clock, _last) = (key0, key1, clock, null);
        Hash = new ValueHash(key0, key1);
        _content = new ContentHash(Hash);
        _computers.Clear();
        foreach (ComputerSequence computer in computers) _computers[Hash.Of(computer.Utf8)] = computer;
        return true;
    }

    /// <summary>An event whose number has been before.</summary>
    SequenceOutcome ObserveAgain(SysmonEvent e, ComputerSequence computer, ref ComputerSequence.Slot slot, ComputerSequence.Slot mine, List<SequenceFact> facts)
    {
        if (IsSame(computer, slot, mine))
        {
            SequenceOutcome outcome = Same(computer, ref slot, mine);
            // A genuine event behind a forged one that says the same is the first of its number.
            if (outcome == SequenceOutcome.New && (mine.State & SlotState.Forged) == 0) computer.Follow(e, facts);
            return outcome;
        }
        foreach (ref ComputerSequence.Slot other in CollectionsMarshal.AsSpan(computer.Displaced))
        {
            if (IsSame(computer, other, mine)) return Same(computer, ref other, mine);
        }

        ComputerSequence.Slot before = slot;
        bool forged = (mine.State & SlotState.Forged) != 0;
        // What a proven forgery claims is no conflict: it has an alert of its own.
        if (forged) return SequenceOutcome.New;
        int epoch = computer.Epoch;
        if ((before.State & SlotState.Forged) == 0) Displace(computer, before);
        mine.PrefixAt = KeepPrefixes(computer, mine.FieldCount);
        slot = mine;
        if ((before.State & SlotState.Forged) != 0 || before.Epoch != epoch || e.RecordId <= 1)
        {
            computer.Follow(e, facts);
            slot.Epoch = computer.Epoch;
            if ((before.State & SlotState.Forged) != 0 || before.Epoch != computer.Epoch) return SequenceOutcome.New;
        }
        e.Marks |= EventMarks.Conflicting;
        facts.Add(new ConflictFact(computer.Name, new EventIdentity(computer.Name, before.EventId, before.RecordId, before.Time), e.Identify()));
        return SequenceOutcome.Conflict;
    }

    SequenceOutcome Same(ComputerSequence computer, ref ComputerSequence.Slot slot, ComputerSequence.Slot mine)
    {
        bool hidesNothing = (slot.State & SlotState.Forged) == 0 || (mine.State & SlotState.Forged) != 0;
        bool completes = (slot.State & SlotState.Truncated) != 0
            && ((mine.State & SlotState.Truncated) == 0 || mine.FieldCount > slot.FieldCount) && (mine.State & SlotState.Forged) == 0;
        SlotState trust = (slot.State | mine.State) & SlotState.Trusted;
        if (completes || !hidesNothing)
        {
            mine.PrefixAt = KeepPrefixes(computer, mine.FieldCount);
            slot = mine;
        }
        slot.State |= trust;
        return !hidesNothing ? SequenceOutcome.New : completes ? SequenceOutcome.Completes : SequenceOutcome.Copy;
    }

    /// <summary>Same identity, and every field that is whole in both is equal.</summary>
    bool IsSame(ComputerSequence computer, in ComputerSequence.Slot slot, in ComputerSequence.Slot mine)
    {
        if (slot.RecordId != mine.RecordId || slot.Time != mine.Time || slot.EventId != mine.EventId) return false;
        if (slot.FieldCount == mine.FieldCount) return slot.Hash == mine.Hash;
        if (mine.FieldCount < slot.FieldCount)
        {
            // Mine has fewer: they must be the first of the other's, and mine must have been cut.
            return (mine.State & SlotState.Truncated) != 0 && (mine.FieldCount == 0 || Prefix(computer, slot, mine.FieldCount) == mine.Hash);
        }
        return (slot.State & SlotState.Truncated) != 0 && (slot.FieldCount == 0 || _prefixes[slot.FieldCount - 1] == slot.Hash);
    }

    static ulong? Prefix(ComputerSequence computer, in ComputerSequence.Slot slot, int fields)
    {
        int length = computer.Prefixes.Length;
        if (length == 0 || computer.PrefixesWritten - slot.PrefixAt > length) return null;
        return computer.Prefixes[(slot.PrefixAt + fields - 1) & (length - 1)];
    }

    int KeepPrefixes(ComputerSequence computer, int fields)
    {
        if (computer.Prefixes.Length == 0) computer.Prefixes = new ulong[ComputerSequence.Remembered];
        // Positions only grow, and start again long before they overflow.
        if (computer.PrefixesWritten > int.MaxValue / 2) computer.PrefixesWritten &= computer.Prefixes.Length - 1;
        int at = computer.PrefixesWritten;
        int start = at & (computer.Prefixes.Length - 1);
        int first = Math.Min(fields, computer.Prefixes.Length - start);
        _prefixes.AsSpan(0, first).CopyTo(computer.Prefixes.AsSpan(start));
        if (first < fields) _prefixes.AsSpan(first, fields - first).CopyTo(computer.Prefixes);
        computer.PrefixesWritten = at + fields;
        return at;
    }

    static void Displace(ComputerSequence computer, in ComputerSequence.Slot slot)
    {
        if (computer.Displaced.Count >= MostDisplaced) computer.Displaced.RemoveAt(0);
        computer.Displaced.Add(slot);
    }

    static void Grow(ComputerSequence computer)
    {
        ComputerSequence.Slot[] larger = new ComputerSequence.Slot[computer.Slots.Length * 4];
        foreach (ref readonly ComputerSequence.Slot slot in computer.Slots.AsSpan())
        {
            if (slot.State != SlotState.Empty) larger[slot.RecordId & (ulong)(larger.Length - 1)] = slot;
        }
        computer.Slots = larger;
    }

    ComputerSequence Computer(SysmonEvent e)
    {
        _clock++;
        if (_last is { } last && ((e.ComputerMark != 0 && e.ComputerMark == _lastMark) || e.Bytes(e.Computer).SequenceEqual(last.Utf8)))
        {
            _lastMark = e.ComputerMark;
            last.LastUsed = _clock;
            return last;
        }
        ReadOnlySpan<byte> name = e.Bytes(e.Computer);
        ulong key = Hash.Of(name);
        if (!_computers.TryGetValue(key, out ComputerSequence? computer))
        {
            if (_computers.Count >= MostComputers)
            {
                // Made-up names have few events each, so they do not push out a computer that is there.
                KeyValuePair<ulong, ComputerSequence> least = _computers.MinBy(c => (c.Value.Seen, c.Value.LastUsed));
                _computers.Remove(least.Key);
                ComputersForgotten++;
            }
            computer = new ComputerSequence(e.Text(e.Computer), name.ToArray());
            _computers.Add(key, computer);
        }
        computer.LastUsed = _clock;
        (_last, _lastMark) = (computer, e.ComputerMark);
        return computer;
    }
}
