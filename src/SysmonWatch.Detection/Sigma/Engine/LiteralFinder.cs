using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>Finds in one pass over a value which of any number of case-folded literals stand anywhere in it. Immutable.</summary>
/// <remarks>
/// Of each literal three bytes are chosen that are rare in paths and command lines, its key. At every place of a value the three bytes there lead to a row
/// of a table, and the row says which next bytes the literals with such a key go on with. No place waits for another, as it would in an automaton, and
/// only where the next byte fits are literals compared. Keys ignore the bit that tells the cases of a letter apart; the comparison knows better. Literals of
/// two bytes have a table of their own, those of one byte are looked for one by one.
/// </remarks>
sealed class LiteralFinder
{
    const int KeyLength = 3;

    /// <summary>Sets the bit that tells the cases of a letter apart, in every byte.</summary>
    const uint EitherCase = 0x20202020;

    const uint Multiplier = 0x9E3779B1;

    /// <summary>A row where any byte may be next.</summary>
    const ushort AnyNext = 0xFFFF;

    /// <summary>By byte: its bit in a row.</summary>
    static readonly ushort[] NextBits = [.. Enumerable.Range(0, 256).Select(b => (ushort)(1 << (b & 15)))];

    readonly FewLiterals? _few;
    readonly ushort[] _rows;
    readonly int[] _rowStart;
    readonly Entry[] _entries;
    readonly int _shift;
    readonly ulong[] _pairMarks = [];
    readonly Dictionary<uint, (byte[] Literal, int Report)[]> _pairs;
    readonly (byte Lower, byte Upper, int Report)[] _singles;

    /// <summary>Builds the tables.</summary>
    /// <param name="literals">Folded, not empty, each with what is reported for it.</param>
    public LiteralFinder(IReadOnlyList<(byte[] Literal, int Report)> literals)
    {
        _singles = [.. literals.Where(l => l.Literal.Length == 1).Distinct().Select(l => (l.Literal[0], Upper(l.Literal[0]), l.Report))];
        _pairs = literals.Where(l => l.Literal.Length == 2).GroupBy(l => PairKey(l.Literal)).ToDictionary(g => g.Key, g => g.ToArray());
        if (_pairs.Count > 0) _pairMarks = new ulong[(ushort.MaxValue + 1) / 64];
        foreach (uint pair in _pairs.Keys) _pairMarks[pair >> 6] |= 1UL << (int)(pair & 63);

        // Long literals have a choice of keys, so they come last.
        (byte[] Literal, int Report)[] longer = [.. literals.Where(l => l.Literal.Length >= KeyLength).OrderBy(l => l.Literal.Length)];
        int bits = Math.Clamp(BitOperations.Log2((uint)Math.Max(1, longer.Length)) + 3, 8, 18);
        _shift = 32 - bits;
        _rows = new ushort[1 << bits];
        _rowStart = new int[_rows.Length + 1];
        var rows = new int[longer.Length];
        var offsets = new int[longer.Length];
        for (int i = 0; i < longer.Length; i++)
        {
            offsets[i] = ChooseKey(longer[i].Literal, out rows[i]);
            _rows[rows[i]] |= NextOf(longer[i].Literal, offsets[i]);
            _rowStart[rows[i] + 1]++;
        }
        for (int row = 0; row < _rows.Length; row++) _rowStart[row + 1] += _rowStart[row];
        _entries = new Entry[longer.Length];
        var filled = new int[_rows.Length];
        for (int i = 0; i < longer.Length; i++)
        {
            _entries[_rowStart[rows[i]] + filled[rows[i]]++] = Entry.Of(longer[i].Literal, offsets[i], longer[i].Report);
        }
        if (longer.Length is > 0 and <= FewLiterals.Most) _few = new FewLiterals([.. longer.Select((l, i) => l.Literal[offsets[i]..(offsets[i] + KeyLength)])]);
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
        if (_pairMarks.Length > 0) ScanPairs(value, run);
        if (_entries.Length > 0) ScanKeys(value, run);
    }

    void ScanKeys(ReadOnlySpan<byte> value, ProgramRun run)
    {
        int whole = value.Length - KeyLength; // places with a next byte
        if (whole < 0) return;
        if (_few is not null && value.Length >= FewLiterals.ShortestValue)
        {
            _few.Scan(value, this, run);
            return;
        }
        // There is a row for every number that the shift leaves.
        ref ushort rows = ref MemoryMarshal.GetArrayDataReference(_rows);
        ref ushort nextBits = ref MemoryMarshal.GetArrayDataReference(NextBits);
        ref byte text = ref MemoryMarshal.GetReference(value);
        int shift = _shift;
        for (int block = 0; block < whole; block += 64)
        {
            // First where something may be, without a branch that depends on the text; then what it is.
            int places = Math.Min(64, whole - block);
            ulong hits = 0;
            for (int i = 0; i < places; i++)
            {
                uint four = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref text, block + i)) | EitherCase;
                uint row = (four << 8) * Multiplier >> shift;
                uint fits = (uint)Unsafe.Add(ref rows, row) & Unsafe.Add(ref nextBits, four >> 24);
                hits = hits >> 1 | (ulong)(0 - fits >> 31) << 63;
            }
            hits >>= 64 - places;
            for (; hits != 0; hits &= hits - 1) CompareAt(value, block + BitOperations.TrailingZeroCount(hits), run);
        }
        CompareAt(value, whole, run);
    }

    /// <summary>Compares the literals whose key stands at a place with the value there.</summary>
    public void CompareAt(ReadOnlySpan<byte> value, int at, ProgramRun run)
    {
        int row = RowOf(value[at..]);
        if (_rows[row] != 0) Compare(value, at, row, run);
    }

    void Compare(ReadOnlySpan<byte> value, int at, int row, ProgramRun run)
    {
        for (int i = _rowStart[row]; i < _rowStart[row + 1]; i++)
        {
            ref readonly Entry entry = ref _entries[i];
            int start = at - entry.Offset;
            if (start < 0 || value.Length - start < entry.Length) continue;
            if (value.Length - start >= sizeof(ulong))
            {
                ulong found = BinaryPrimitives.ReadUInt64LittleEndian(value[start..]) | 0x2020202020202020;
                if (((found ^ entry.Beginning) & entry.Mask) != 0) continue;
            }
            if (!run.IsDecided(entry.Report) && AsciiFold.StartsWith(value[start..], entry.Literal)) run.Hit(entry.Report);
        }
    }

    void ScanPairs(ReadOnlySpan<byte> value, ProgramRun run)
    {
        ref ulong marks = ref MemoryMarshal.GetArrayDataReference(_pairMarks);
        ref byte text = ref MemoryMarshal.GetReference(value);
        for (int at = 0; at < value.Length - 1; at++)
        {
            uint pair = (uint)Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref text, at)) | EitherCase & 0xFFFF;
            if ((Unsafe.Add(ref marks, pair >> 6) >> (int)(pair & 63) & 1) == 0) continue;
            foreach ((byte[] literal, int report) in _pairs[pair])
            {
                if (!run.IsDecided(report) && AsciiFold.StartsWith(value[at..], literal)) run.Hit(report);
            }
        }
    }

    /// <summary>Chooses the three bytes of a literal that are least likely to be met, and least crowded.</summary>
    int ChooseKey(byte[] literal, out int row)
    {
        (int offset, row) = (0, 0);
        double least = double.MaxValue;
        for (int i = 0; i + KeyLength <= literal.Length; i++)
        {
            int candidate = RowOf(literal.AsSpan(i));
            double cost = ByteFrequency.Of(literal.AsSpan(i, KeyLength)) * (1 + _rowStart[candidate + 1]);
            if (i + KeyLength < literal.Length) cost *= ByteFrequency.Of(literal[i + KeyLength]) * 0.5;
            if (cost >= least) continue;
            (least, offset, row) = (cost, i, candidate);
        }
        return offset;
    }

    /// <summary>The bit of the byte after a literal's key; all bits where the literal ends with its key.</summary>
    static ushort NextOf(byte[] literal, int offset) =>
        offset + KeyLength < literal.Length ? (ushort)(1 << (literal[offset + KeyLength] & 15)) : AnyNext;

    int RowOf(ReadOnlySpan<byte> key)
    {
        uint three = (key[0] | (uint)key[1] << 8 | (uint)key[2] << 16) | EitherCase;
        return (int)((three << 8) * Multiplier >> _shift);
    }

    static uint PairKey(byte[] pair) => (pair[0] | (uint)pair[1] << 8) | EitherCase & 0xFFFF;

    static byte Upper(byte b) => b is >= (byte)'a' and <= (byte)'z' ? (byte)(b & ~0x20) : b;

    /// <summary>A literal to compare where its key was met.</summary>
    /// <param name="Beginning">Its first eight bytes, cases alike.</param>
    /// <param name="Mask">Which bits of <paramref name="Beginning"/> it has.</param>
    /// <param name="Offset">Where in it the key stands.</param>
    /// <param name="Length">Its length.</param>
    /// <param name="Report">What is reported for it.</param>
    /// <param name="Literal">All of it.</param>
    readonly record struct Entry(ulong Beginning, ulong Mask, int Offset, int Length, int Report, byte[] Literal)
    {
        public static Entry Of(byte[] literal, int offset, int report)
        {
            Span<byte> beginning = stackalloc byte[sizeof(ulong)];
            beginning.Clear();
            int length = Math.Min(literal.Length, beginning.Length);
            literal.AsSpan(0, length).CopyTo(beginning);
            ulong mask = length == sizeof(ulong) ? ulong.MaxValue : (1UL << 8 * length) - 1;
            return new Entry((BinaryPrimitives.ReadUInt64LittleEndian(beginning) | 0x2020202020202020) & mask, mask, offset, literal.Length, report, literal);
        }
    }
}
