using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SysmonWatch.Detection.Sigma;

/// <summary>Finds in one pass over a value which of any number of case-folded literals stand anywhere in it. Immutable.</summary>
/// <remarks>
/// Of each literal three bytes are chosen that are rare in paths and command lines, its key. At every place of a value the three bytes there are looked up
/// in a table of bits that holds the keys of all literals; no place waits for another, as it would in an automaton. Only where the bit is set are the
/// literals with that key compared. Keys ignore the bit that tells the cases of a letter apart, the comparison knows better. Literals of two bytes have a key
/// for each third byte, those of one byte are looked for one by one.
/// </remarks>
sealed class LiteralFinder
{
    const int KeyLength = 3;

    /// <summary>Sets the bit that tells cases apart in all bytes of a key.</summary>
    const uint EitherCase = 0x00202020;

    const uint Multiplier = 0x9E3779B1;

    readonly ulong[] _marks;
    readonly int _shift;
    readonly int[] _slots;
    readonly int _slotShift;
    readonly Entry[] _entries;
    readonly bool _hasPairs;
    readonly (byte Lower, byte Upper, int Report)[] _singles;

    /// <summary>Builds the tables.</summary>
    /// <param name="literals">Folded, not empty, each with what is reported for it.</param>
    public LiteralFinder(IReadOnlyList<(byte[] Literal, int Report)> literals)
    {
        _singles = [.. literals.Where(l => l.Literal.Length == 1).Distinct().Select(l => (l.Literal[0], Upper(l.Literal[0]), l.Report))];
        var entries = new List<Entry>(literals.Count);
        var loads = new Dictionary<uint, int>();
        int marks = 0;
        // Long literals have a choice, so they come last.
        foreach ((byte[] literal, int report) in literals.Where(l => l.Literal.Length > 1).OrderBy(l => l.Literal.Length))
        {
            (uint key, int offset) = literal.Length < KeyLength ? (PairKey(literal[0] | (uint)literal[1] << 8), 0) : ChooseKey(literal, loads);
            CollectionsMarshal.GetValueRefOrAddDefault(loads, key, out _)++;
            marks += literal.Length < KeyLength ? 128 : 1;
            entries.Add(new Entry(key, literal, offset, report));
        }
        _hasPairs = entries.Exists(e => e.Literal.Length < KeyLength);
        _entries = [.. entries.OrderBy(e => e.Key)];

        // One bit in sixteen is set at most, of 2 kB at least and 256 kB at most.
        int bits = Math.Clamp(BitOperations.Log2((uint)Math.Max(1, marks)) + 5, 14, 21);
        _shift = 32 - bits;
        _marks = new ulong[1 << (bits - 6)];
        int slotBits = BitOperations.Log2((uint)Math.Max(1, loads.Count)) + 2;
        _slotShift = 32 - slotBits;
        _slots = new int[1 << slotBits];
        for (int i = 0; i < _entries.Length; i++)
        {
            uint key = _entries[i].Key;
            if (i > 0 && _entries[i - 1].Key == key) continue;
            Place(key, i);
            if (IsPair(key)) for (uint third = 0; third < 256; third++) Mark((key & 0xFFFF | third << 16) | EitherCase);
            else Mark(key);
        }
    }

    /// <summary>Reports every literal that the value has; the same one possibly several times.</summary>
    /// <param name="value">Folded, or ASCII.</param>
    /// <param name="run">Takes the reports.</param>
    public void Scan(ReadOnlySpan<byte> value, ProgramRun run)
    {
        foreach ((byte lower, byte upper, int report) in _singles)
        {
            if (value.IndexOfAny(lower, upper) >= 0) run.Hit(report);
        }
        if (_entries.Length == 0) return;
        // The table has a bit for every key that the shift leaves.
        ref ulong marks = ref MemoryMarshal.GetArrayDataReference(_marks);
        ref byte text = ref MemoryMarshal.GetReference(value);
        int shift = _shift;
        int at = 0;
        for (int last = value.Length - sizeof(uint); at <= last; at++)
        {
            uint key = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref text, at)) & 0xFFFFFF | EitherCase;
            uint mark = key * Multiplier >> shift;
            if ((Unsafe.Add(ref marks, mark >> 6) >> (int)(mark & 63) & 1) != 0) Compare(value, at, key, run);
        }
        for (; at < value.Length - 1; at++)
        {
            uint key = (value[at] | (uint)value[at + 1] << 8 | (at + 2 < value.Length ? (uint)value[at + 2] << 16 : 0)) | EitherCase;
            uint mark = key * Multiplier >> shift;
            if ((Unsafe.Add(ref marks, mark >> 6) >> (int)(mark & 63) & 1) != 0) Compare(value, at, key, run);
        }
    }

    void Compare(ReadOnlySpan<byte> value, int at, uint key, ProgramRun run)
    {
        CompareAll(value, at, key, run);
        if (_hasPairs) CompareAll(value, at, PairKey(key), run);
    }

    void CompareAll(ReadOnlySpan<byte> value, int at, uint key, ProgramRun run)
    {
        for (int i = Find(key); i < _entries.Length && _entries[i].Key == key; i++)
        {
            ref readonly Entry entry = ref _entries[i];
            int start = at - entry.Offset;
            if (start < 0 || value.Length - start < entry.Literal.Length || run.IsDecided(entry.Report)) continue;
            if (AsciiFold.StartsWith(value[start..], entry.Literal)) run.Hit(entry.Report);
        }
    }

    /// <summary>The first entry with a key; the end of all where there is none.</summary>
    int Find(uint key)
    {
        for (uint slot = key * Multiplier >> _slotShift; _slots[slot] != 0; slot = slot + 1 & (uint)_slots.Length - 1)
        {
            if (_entries[_slots[slot] - 1].Key == key) return _slots[slot] - 1;
        }
        return _entries.Length;
    }

    void Place(uint key, int first)
    {
        uint slot = key * Multiplier >> _slotShift;
        while (_slots[slot] != 0) slot = slot + 1 & (uint)_slots.Length - 1;
        _slots[slot] = first + 1;
    }

    void Mark(uint key)
    {
        uint mark = key * Multiplier >> _shift;
        _marks[mark >> 6] |= 1UL << (int)(mark & 63);
    }

    /// <summary>The rarest three bytes of a literal; among those that are as rare, ones that few literals before it have.</summary>
    static (uint Key, int Offset) ChooseKey(byte[] literal, Dictionary<uint, int> loads)
    {
        (uint Key, int Offset) best = default;
        double least = double.MaxValue;
        for (int i = 0; i + KeyLength <= literal.Length; i++)
        {
            uint key = (literal[i] | (uint)literal[i + 1] << 8 | (uint)literal[i + 2] << 16) | EitherCase;
            double cost = ByteFrequency.Of(literal.AsSpan(i, KeyLength)) * (1 + loads.GetValueOrDefault(key));
            if (cost >= least) continue;
            least = cost;
            best = (key, i);
        }
        return best;
    }

    /// <summary>The key of two bytes, which is none of three bytes.</summary>
    static uint PairKey(uint key) => key & 0xFFFF | EitherCase & 0xFFFF | 0xFF000000;

    static bool IsPair(uint key) => key >> 24 != 0;

    static byte Upper(byte b) => b is >= (byte)'a' and <= (byte)'z' ? (byte)(b & ~0x20) : b;

    /// <summary>A literal to compare where its key was met.</summary>
    /// <param name="Key">The key.</param>
    /// <param name="Literal">The whole literal.</param>
    /// <param name="Offset">Where in it the key stands.</param>
    /// <param name="Report">What is reported for it.</param>
    readonly record struct Entry(uint Key, byte[] Literal, int Offset, int Report);
}
