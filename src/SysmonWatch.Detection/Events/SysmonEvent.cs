using System.Runtime.CompilerServices;
using System.Text;

namespace SysmonWatch.Detection.Events;

/// <summary>
/// One event that Sysmon wrote. Pooled: its values are slices of a buffer that is used again once the event's batch has been dealt with,
/// so whoever wants to keep something makes a copy.
/// </summary>
/// <remarks>
/// Filled by the decoder on one thread, then handed from stage to stage: one thread reads it at a time. The buffer holds the line; values that were escaped
/// are unescaped where they stand, which always makes them shorter.
/// </remarks>
public sealed class SysmonEvent : FieldedEvent
{
    /// <summary>The most fields kept of one event; the widest real event (1) has 23. Those beyond are counted in <see cref="FieldsLeftOut"/>.</summary>
    public const int MostFields = 128;

    // Arrays, not lists: this is filled for every line. Grown up to MostFields when an event needs it.
    int[] _ids = new int[32];
    DataField[] _fields = new DataField[32];
    ulong[] _hashes = new ulong[32];
    readonly RepairedValues _repaired = new();
    int _count;

    // The first fields may be the schema's in its order: then where they are is known, and their ids are not written for every event.
    byte[] _places = [];
    int _inOrder;

    byte[] _targetPath = [];

    /// <summary>The bytes that every slice of this event points into.</summary>
    public byte[] Buffer { get; set; } = [];

    /// <summary>Sysmon's event id; 0 where a truncated event does not say.</summary>
    public int EventId { get; set; }

    /// <summary>EventRecordID: Sysmon's counter, incremented before writing.</summary>
    public ulong RecordId { get; set; }

    /// <summary>False where the event has no readable EventRecordID.</summary>
    public bool HasRecordId { get; set; }

    /// <summary>False where the event has no readable TimeCreated; <see cref="FieldedEvent.Time"/> is then that of its header or predecessor.</summary>
    public bool HasTime { get; set; }

    /// <summary>Execution/@ProcessID: Sysmon's own process id; 0 where it is missing.</summary>
    public int SysmonProcessId { get; set; }

    /// <summary>The Computer element's place in <see cref="Buffer"/>.</summary>
    public Slice Computer { get; set; }

    /// <summary>Two events with the same mark have the same Computer; 0 says nothing, and so do different marks.</summary>
    internal int ComputerMark { get; set; }

    /// <summary>Security/@UserId's place in <see cref="Buffer"/>: Sysmon's own effective user id.</summary>
    public Slice SysmonUserId { get; set; }

    /// <summary>What is remarkable about this event.</summary>
    public EventMarks Marks { get; set; }

    /// <summary>The value that a truncated event was cut in; meaningful with <see cref="EventMarks.Truncated"/> only.</summary>
    public DataField? CutField { get; set; }

    /// <summary>How many fields were beyond <see cref="MostFields"/>.</summary>
    public int FieldsLeftOut { get; set; }

    /// <summary>The process this event is about, as it was known at this event; null where there is none or before it is observed.</summary>
    public ProcessNode? Process { get; set; }

    /// <summary>TargetFilename freed of <c>//</c>, <c>/./</c> and <c>/../</c>; null where it has none of them.</summary>
    public ReadOnlyMemory<byte>? TargetPath { get; private set; }

    /// <summary>Which repairs the event answers rules with. Set by whoever matches rules; none in a new event.</summary>
    public Repairs Repairs
    {
        get;
        set
        {
            if (field == value) return;
            field = value;
            _repaired.Clear();
        }
    }

    /// <summary>The fields in the order written, repeated names included.</summary>
    public ReadOnlySpan<DataField> Fields => _fields.AsSpan(0, _count);

    /// <inheritdoc/>
    public override int FieldCount => _count;

    /// <summary>Sets <see cref="TargetPath"/>, into memory that is used again for the next event.</summary>
    internal void PutTargetPath(ReadOnlySpan<byte> path)
    {
        if (_targetPath.Length < path.Length) _targetPath = new byte[Math.Max(256, path.Length * 2)];
        path.CopyTo(_targetPath);
        TargetPath = _targetPath.AsMemory(0, path.Length);
    }

    /// <summary>Makes the event new again. Keeps its memory, and the buffer until it gets another one.</summary>
    public void Clear()
    {
        _count = 0;
        _inOrder = 0;
        HashedFields = 0;
        Time = 0;
        EventId = 0;
        RecordId = 0;
        HasRecordId = false;
        HasTime = false;
        SysmonProcessId = 0;
        Computer = default;
        ComputerMark = 0;
        SysmonUserId = default;
        Marks = EventMarks.None;
        CutField = null;
        FieldsLeftOut = 0;
        Process = null;
        TargetPath = null;
        // Without repairs nothing was repaired; where there were some, this forgets what.
        Repairs = Repairs.None;
    }

    /// <summary>Adds a field as the decoder meets it.</summary>
    public void Add(in DataField field)
    {
        if (_count == _ids.Length && !Grow())
        {
            FieldsLeftOut++;
            return;
        }
        _ids[_count] = field.Id.Value;
        _fields[_count++] = field;
    }

    /// <summary>Room for fields that the decoder fills by itself, from a position on; false where it would have to grow beyond what is allowed.</summary>
    /// <param name="most">How many at most.</param>
    /// <param name="fields">Gets the fields.</param>
    /// <param name="hashes">Gets the hashes of their values.</param>
    internal bool TryRoom(int most, out Span<DataField> fields, out Span<ulong> hashes)
    {
        while (_ids.Length - _count < most && _ids.Length < MostFields) Grow();
        fields = _fields.AsSpan(_count);
        hashes = _hashes.AsSpan(_count, fields.Length);
        return fields.Length >= most;
    }

    /// <summary>Counts what was put into <see cref="TryRoom"/>.</summary>
    /// <param name="fields">How many.</param>
    /// <param name="from">Which field of the schema the first one is.</param>
    /// <param name="places">Where the schema has each field, by its id; 255 where it has not.</param>
    /// <param name="hashedBy">The mark of what made the hashes.</param>
    internal void Took(int fields, int from, byte[] places, int hashedBy)
    {
        bool inOrder = _inOrder == _count && from == _count;
        if (HashedFields == _count)
        {
            HashedFields += fields;
            HashedBy = hashedBy;
        }
        int first = _count;
        _count += fields;
        if (inOrder)
        {
            _inOrder = _count;
            if (_places != places) _places = places;
            return;
        }
        for (int i = first; i < _count; i++) _ids[i] = _fields[i].Id.Value;
    }

    /// <summary>True where all fields are the first ones of the schema's, in its order.</summary>
    internal bool IsInOrder => _count > 0 && _inOrder == _count;

    /// <summary>How many of the first fields have a hash of their value.</summary>
    internal int HashedFields { get; private set; }

    /// <summary>The mark of what made the hashes.</summary>
    internal int HashedBy { get; private set; }

    /// <summary>Hashes of the first <see cref="HashedFields"/> values.</summary>
    internal ReadOnlySpan<ulong> Hashes => _hashes.AsSpan(0, HashedFields);

    /// <summary>The position of the first field with an id; -1 where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    int IndexOf(FieldId field)
    {
        byte[] places = _places;
        if ((uint)field.Value < (uint)places.Length && places[field.Value] < _inOrder) return places[field.Value];
        return _inOrder == _count || !field.IsKnown ? -1 : IndexBehindOrder(field);
    }

    int IndexBehindOrder(FieldId field)
    {
        int at = _ids.AsSpan(_inOrder, _count - _inOrder).IndexOf(field.Value);
        return at < 0 ? -1 : _inOrder + at;
    }

    bool Grow()
    {
        if (_ids.Length >= MostFields) return false;
        Array.Resize(ref _ids, Math.Min(_ids.Length * 2, MostFields));
        Array.Resize(ref _fields, _ids.Length);
        Array.Resize(ref _hashes, _ids.Length);
        return true;
    }

    /// <summary>The bytes of a slice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Bytes(Slice slice) => Buffer.AsSpan(slice.Start, slice.Length);

    /// <summary>The text of a slice; invalid UTF-8 becomes U+FFFD.</summary>
    public string Text(Slice slice) => Encoding.UTF8.GetString(Bytes(slice));

    /// <inheritdoc/>
    /// <remarks>Of a name that comes twice the first counts. What Sysmon does not write comes from <see cref="DerivedFields"/>.</remarks>
    public override ValueKind Find(FieldId field, out ReadOnlySpan<byte> value)
    {
        int at = IndexOf(field);
        if (at >= 0)
        {
            value = Bytes(_fields[at].Value);
            return ValueKind.Text;
        }
        return DerivedFields.Find(this, field, out value);
    }

    /// <summary>The value of a field that Sysmon wrote; false, and empty, where it did not. Of a name that comes twice the first counts.</summary>
    public bool TryWritten(FieldId field, out ReadOnlySpan<byte> value)
    {
        int at = IndexOf(field);
        value = at < 0 ? default : Bytes(_fields[at].Value);
        return at >= 0;
    }

    /// <inheritdoc/>
    public override bool TryAlternative(FieldId field, int number, out ReadOnlySpan<byte> value)
    {
        if (Repairs == Repairs.None || !RepairedValues.Concern(field)) return DerivedFields.TryAlternative(this, field, number, out value);
        ReadOnlySpan<(ReadOnlyMemory<byte> Value, string Repair)> repaired = _repaired.Of(this, field);
        value = number < repaired.Length ? repaired[number].Value.Span : default;
        return number < repaired.Length;
    }

    /// <summary>What the alternatives of a field are made of: <see cref="RepairedValues.Origin"/>; empty where that is not known.</summary>
    internal ReadOnlySpan<byte> OriginOfAlternatives(FieldId field, Span<byte> buffer) => Repairs == Repairs.None ? default : RepairedValues.Origin(this, field, buffer);

    /// <inheritdoc/>
    public override string? RepairOf(FieldId field, int number)
    {
        ReadOnlySpan<(ReadOnlyMemory<byte> Value, string Repair)> repaired = Repairs == Repairs.None ? default : _repaired.Of(this, field);
        return number < repaired.Length ? repaired[number].Repair : null;
    }

    /// <summary>The text of a field, or null where the event has no such field.</summary>
    public string? Text(FieldId field) => Find(field, out ReadOnlySpan<byte> value) == ValueKind.Absent ? null : Encoding.UTF8.GetString(value);

    /// <inheritdoc/>
    public override ValueKind At(int position, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        ref readonly DataField field = ref _fields.AsSpan(0, _count)[position];
        name = Bytes(field.Name);
        value = Bytes(field.Value);
        return ValueKind.Text;
    }

    /// <summary>The identity; makes a string, so only for events that matter.</summary>
    public EventIdentity Identify() => new(Text(Computer), EventId, RecordId, Time);
}
