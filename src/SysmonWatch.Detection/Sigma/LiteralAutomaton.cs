using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SysmonWatch.Detection.Sigma;

/// <summary>How an automaton looks for its literals.</summary>
enum LiteralPlace
{
    /// <summary>Anywhere (Aho and Corasick's automaton, all failures resolved).</summary>
    Anywhere,

    /// <summary>At the start: a trie.</summary>
    Start,

    /// <summary>At the end: a trie of the literals written backwards, walked backwards.</summary>
    End,
}

/// <summary>Finds any number of case-folded literals in one pass over a value. Immutable.</summary>
/// <remarks>
/// Only bytes that occur in literals have a column of their own in the table, ASCII letters one for both cases, so that ASCII needs no folding.
/// States that report something have the highest numbers, so that one comparison a byte is enough. Where the literals are so many that the table would
/// not fit into a processor's cache, it only has their first bytes, and the rest of a literal is compared where those were found.
/// </remarks>
sealed class LiteralAutomaton
{
    const int Dead = 0;

    /// <summary>Values from this length on are read at four places at once. Shorter ones gain nothing by it.</summary>
    const int ShortestInFour = 48;

    readonly byte[] _columns = new byte[256];
    readonly int _shift;
    readonly ushort[] _narrow = [];
    readonly int[] _wide = [];
    readonly int _root;
    readonly int _firstReport;
    readonly int[] _reportStart;
    readonly int[] _reports;
    readonly byte[]?[] _tails;
    readonly int[] _suffixReport;
    readonly LiteralPlace _place;
    readonly int[] _wholeStart = [];
    readonly int[] _wholes = [];
    readonly int[] _depths;

    LiteralAutomaton(LiteralAutomatonBuilder built)
    {
        _place = built.Place;
        _columns = built.Columns;
        _shift = built.Shift;
        _root = built.Root;
        _firstReport = built.FirstReport;
        _reportStart = built.ReportStart;
        _reports = built.Reports;
        _tails = built.Tails;
        _suffixReport = built.SuffixReport;
        _wholeStart = built.WholeStart;
        _wholes = built.Wholes;
        _depths = built.Depths;
        States = built.States;
        if (built.States <= ushort.MaxValue) _narrow = Array.ConvertAll(built.Table, t => (ushort)t);
        else _wide = built.Table;
    }

    /// <summary>How many states it has.</summary>
    public int States { get; }

    /// <summary>An automaton of these literals.</summary>
    /// <param name="place">Where they are looked for.</param>
    /// <param name="literals">Folded, not empty, each with what is reported for it.</param>
    /// <param name="wholes">With <see cref="LiteralPlace.Start"/>: literals that must be the whole value.</param>
    public static LiteralAutomaton Build(
        LiteralPlace place, IReadOnlyList<(byte[] Literal, int Report)> literals, IReadOnlyList<(byte[] Literal, int Report)> wholes) =>
        new(new LiteralAutomatonBuilder(place, literals, wholes));

    /// <summary>Reports every literal that the value has in the right place; the same one possibly several times.</summary>
    /// <param name="value">Folded, or ASCII.</param>
    /// <param name="run">Takes the reports.</param>
    public void Scan(ReadOnlySpan<byte> value, ProgramRun run)
    {
        switch (_place)
        {
            case LiteralPlace.Anywhere when _narrow.Length > 0: ScanAnywhereNarrow(value, run); break;
            case LiteralPlace.Anywhere: ScanAnywhereWide(value, run); break;
            case LiteralPlace.Start: ScanStart(value, run); break;
            default: ScanEnd(value, run); break;
        }
    }

    /// <summary>
    /// One step waits for the one before it, so a long value is read at four places at once. At a seam the reading before it goes on until all it
    /// has of a literal lies behind the seam: from there on the reading after it finds the same.
    /// </summary>
    void ScanAnywhereNarrow(ReadOnlySpan<byte> value, ProgramRun run)
    {
        // The table has a row for every state and a column for every class, so these are in range by construction.
        ref byte columns = ref MemoryMarshal.GetArrayDataReference(_columns);
        ref ushort table = ref MemoryMarshal.GetArrayDataReference(_narrow);
        int shift = _shift;
        nuint firstReport = (nuint)_firstReport;
        nuint root = (nuint)_root;
        int at = 0;
        nuint state = root;
        if (value.Length >= ShortestInFour)
        {
            int quarter = value.Length / 4;
            ref byte text = ref MemoryMarshal.GetReference(value);
            nuint a = root, b = root, c = root, d = root;
            for (int i = 0; i < quarter; i++)
            {
                a = Unsafe.Add(ref table, (a << shift) + Unsafe.Add(ref columns, Unsafe.Add(ref text, i)));
                b = Unsafe.Add(ref table, (b << shift) + Unsafe.Add(ref columns, Unsafe.Add(ref text, i + quarter)));
                c = Unsafe.Add(ref table, (c << shift) + Unsafe.Add(ref columns, Unsafe.Add(ref text, i + 2 * quarter)));
                d = Unsafe.Add(ref table, (d << shift) + Unsafe.Add(ref columns, Unsafe.Add(ref text, i + 3 * quarter)));
                if (a >= firstReport) Report((int)a, value, i + 1, run);
                if (b >= firstReport) Report((int)b, value, i + quarter + 1, run);
                if (c >= firstReport) Report((int)c, value, i + 2 * quarter + 1, run);
                if (d >= firstReport) Report((int)d, value, i + 3 * quarter + 1, run);
            }
            CrossSeam(value, quarter, (int)a, run);
            CrossSeam(value, 2 * quarter, (int)b, run);
            CrossSeam(value, 3 * quarter, (int)c, run);
            state = d;
            at = 4 * quarter;
        }
        for (; at < value.Length; at++)
        {
            state = Unsafe.Add(ref table, (state << shift) + Unsafe.Add(ref columns, value[at]));
            if (state >= firstReport) Report((int)state, value, at + 1, run);
        }
    }

    void CrossSeam(ReadOnlySpan<byte> value, int seam, int state, ProgramRun run)
    {
        for (int i = seam; i < value.Length && _depths[state] > i - seam; i++)
        {
            state = _narrow[(state << _shift) + _columns[value[i]]];
            if (state >= _firstReport) Report(state, value, i + 1, run);
        }
    }

    void ScanAnywhereWide(ReadOnlySpan<byte> value, ProgramRun run)
    {
        int state = _root;
        for (int i = 0; i < value.Length; i++)
        {
            state = _wide[(state << _shift) + _columns[value[i]]];
            if (state >= _firstReport) Report(state, value, i + 1, run);
        }
    }

    void ScanStart(ReadOnlySpan<byte> value, ProgramRun run)
    {
        int state = _root;
        if (_narrow.Length > 0)
        {
            ref byte columns = ref MemoryMarshal.GetArrayDataReference(_columns);
            ref ushort table = ref MemoryMarshal.GetArrayDataReference(_narrow);
            foreach (byte b in value)
            {
                state = Unsafe.Add(ref table, (nint)(uint)((state << _shift) + Unsafe.Add(ref columns, b)));
                if (state == Dead) return;
                if (state >= _firstReport) Report(state, default, 0, run);
            }
        }
        else
        {
            foreach (byte b in value)
            {
                state = _wide[(state << _shift) + _columns[b]];
                if (state == Dead) return;
                if (state >= _firstReport) Report(state, default, 0, run);
            }
        }
        for (int i = _wholeStart[state]; i < _wholeStart[state + 1]; i++) run.Hit(_wholes[i]);
    }

    void ScanEnd(ReadOnlySpan<byte> value, ProgramRun run)
    {
        int state = _root;
        if (_narrow.Length > 0)
        {
            ref byte columns = ref MemoryMarshal.GetArrayDataReference(_columns);
            ref ushort table = ref MemoryMarshal.GetArrayDataReference(_narrow);
            for (int i = value.Length - 1; i >= 0; i--)
            {
                state = Unsafe.Add(ref table, (nint)(uint)((state << _shift) + Unsafe.Add(ref columns, value[i])));
                if (state == Dead) return;
                if (state >= _firstReport) Report(state, default, 0, run);
            }
            return;
        }
        for (int i = value.Length - 1; i >= 0; i--)
        {
            state = _wide[(state << _shift) + _columns[value[i]]];
            if (state == Dead) return;
            if (state >= _firstReport) Report(state, default, 0, run);
        }
    }

    /// <summary>Reports the literals that end before a place, or go on there as they must.</summary>
    void Report(int state, ReadOnlySpan<byte> value, int end, ProgramRun run)
    {
        for (int report = state - _firstReport; report >= 0; report = _suffixReport[report])
        {
            for (int i = _reportStart[report]; i < _reportStart[report + 1]; i++)
            {
                if (_tails[i] is not { } tail || GoesOn(value[end..], tail)) run.Hit(_reports[i]);
            }
        }
    }

    /// <summary>Two bytes are the same to the automaton where their columns are.</summary>
    bool GoesOn(ReadOnlySpan<byte> value, byte[] tail)
    {
        if (value.Length < tail.Length) return false;
        for (int i = 0; i < tail.Length; i++)
        {
            if (_columns[value[i]] != _columns[tail[i]]) return false;
        }
        return true;
    }
}

/// <summary>Makes the tables of a <see cref="LiteralAutomaton"/>.</summary>
sealed class LiteralAutomatonBuilder
{
    /// <summary>The bytes that a table of an automaton may have before it is cut to the first bytes of its literals: about a second-level cache.</summary>
    const int LargestTable = 2 << 20;

    /// <summary>The fewest bytes of a literal that are in the table.</summary>
    const int ShortestCut = 3;

    readonly List<List<(int Report, byte[]? Tail)>?> _own = [];
    readonly List<List<(int Report, byte[]? Tail)>?> _wholeOf = [];
    readonly List<int> _depthOf = [];
    readonly int _stride;
    int[] _next;

    /// <summary>Builds the tables.</summary>
    public LiteralAutomatonBuilder(LiteralPlace place, IReadOnlyList<(byte[] Literal, int Report)> literals, IReadOnlyList<(byte[] Literal, int Report)> wholes)
    {
        Place = place;
        int columns = AssignColumns(literals.Concat(wholes));
        Shift = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)Math.Max(2, columns)));
        _stride = 1 << Shift;
        _next = new int[_stride * 64];
        if (place != LiteralPlace.Anywhere) AddState(0); // the dead one
        int root = AddState(0);
        int cut = place == LiteralPlace.Anywhere ? CutFor(literals) : int.MaxValue;
        foreach ((byte[] literal, int report) in literals)
        {
            if (literal.Length <= cut) Add(root, literal, _own, report, null);
            else Add(root, literal.AsSpan(0, cut), _own, report, literal[cut..]);
        }
        foreach ((byte[] literal, int report) in wholes) Add(root, literal, _wholeOf, report, null);
        int[] suffix = place == LiteralPlace.Anywhere ? ResolveFailures() : [.. Enumerable.Repeat(-1, _own.Count)];
        Renumber(root, suffix);
    }

    /// <summary>Where the literals are looked for.</summary>
    public LiteralPlace Place { get; }

    /// <summary>The column of every byte; 0 for those that no literal has.</summary>
    public byte[] Columns { get; } = new byte[256];

    /// <summary>Log2 of the columns in a row.</summary>
    public int Shift { get; }

    /// <summary>How many states there are.</summary>
    public int States => _own.Count;

    /// <summary>The first state.</summary>
    public int Root { get; private set; }

    /// <summary>The states from here on report something.</summary>
    public int FirstReport { get; private set; }

    /// <summary>Next state by state and column.</summary>
    public int[] Table { get; private set; } = [];

    /// <summary>By reporting state: where its reports start.</summary>
    public int[] ReportStart { get; private set; } = [];

    /// <summary>The reports.</summary>
    public int[] Reports { get; private set; } = [];

    /// <summary>By report: what must follow; null where all of the literal has been seen.</summary>
    public byte[]?[] Tails { get; private set; } = [];

    /// <summary>By reporting state: the one whose literals end here too; -1 for none.</summary>
    public int[] SuffixReport { get; private set; } = [];

    /// <summary>By state: where the reports start for a value that ends here.</summary>
    public int[] WholeStart { get; private set; } = [];

    /// <summary>Those reports.</summary>
    public int[] Wholes { get; private set; } = [];

    /// <summary>By state: how many bytes lead to it.</summary>
    public int[] Depths { get; private set; } = [];

    int AssignColumns(IEnumerable<(byte[] Literal, int Report)> literals)
    {
        int count = 1;
        foreach ((byte[] literal, int _) in literals)
        {
            foreach (byte b in literal)
            {
                // Folded literals have no capital letters, so there are at most 230 different bytes.
                if (Columns[b] == 0) Columns[b] = (byte)count++;
            }
        }
        for (int b = 'A'; b <= 'Z'; b++) Columns[b] = Columns[b | 0x20];
        return count;
    }

    int AddState(int depth)
    {
        int state = _own.Count;
        _own.Add(null);
        _wholeOf.Add(null);
        _depthOf.Add(depth);
        if ((state + 1) * _stride > _next.Length) Array.Resize(ref _next, _next.Length * 2);
        return state;
    }

    /// <summary>How many bytes of each literal the table may have; all of them where they fit.</summary>
    int CutFor(IReadOnlyList<(byte[] Literal, int Report)> literals)
    {
        int most = LargestTable / sizeof(ushort) / _stride;
        if (literals.Sum(l => (long)l.Literal.Length) < most) return int.MaxValue;
        // Sorted, a literal makes as many new states as it has bytes beyond what it shares with the one before it.
        byte[][] sorted = [.. literals.Select(l => l.Literal)];
        Array.Sort(sorted, static (a, b) => a.AsSpan().SequenceCompareTo(b));
        int[] added = new int[sorted.Max(l => l.Length) + 1];
        ReadOnlySpan<byte> before = default;
        foreach (byte[] literal in sorted)
        {
            for (int depth = before.CommonPrefixLength(literal); depth < literal.Length; depth++) added[depth]++;
            before = literal;
        }
        int states = 1;
        for (int cut = 0; cut < added.Length; cut++)
        {
            states += added[cut];
            if (states > most) return Math.Max(cut, ShortestCut);
        }
        return int.MaxValue;
    }

    void Add(int root, ReadOnlySpan<byte> literal, List<List<(int Report, byte[]? Tail)>?> reports, int report, byte[]? tail)
    {
        int state = root;
        for (int i = 0; i < literal.Length; i++)
        {
            byte b = Place == LiteralPlace.End ? literal[literal.Length - 1 - i] : literal[i];
            int at = state * _stride + Columns[b];
            int next = _next[at];
            if (next == 0)
            {
                next = AddState(i + 1);
                _next[at] = next;
            }
            state = next;
        }
        List<(int Report, byte[]? Tail)> list = reports[state] ??= [];
        if (tail is not null || !list.Contains((report, null))) list.Add((report, tail));
    }

    /// <summary>For each state the nearest shorter one that reports; the table is completed on the way.</summary>
    int[] ResolveFailures()
    {
        int[] failure = new int[States];
        int[] suffix = new int[States];
        Array.Fill(suffix, -1);
        var queue = new Queue<int>();
        queue.Enqueue(0);
        while (queue.TryDequeue(out int state))
        {
            for (int column = 0; column < _stride; column++)
            {
                int at = state * _stride + column;
                int next = _next[at];
                int otherwise = state == 0 ? 0 : _next[failure[state] * _stride + column];
                if (next == 0)
                {
                    _next[at] = otherwise;
                    continue;
                }
                failure[next] = otherwise;
                suffix[next] = _own[otherwise] is not null ? otherwise : suffix[otherwise];
                queue.Enqueue(next);
            }
        }
        return suffix;
    }

    void Renumber(int root, int[] suffix)
    {
        int count = States;
        bool Says(int state) => _own[state] is not null || suffix[state] >= 0;
        // States near the root are the ones that most values visit: side by side they stay in the processor's cache.
        int[] near = [.. Enumerable.Range(0, count).OrderBy(s => _depthOf[s])];
        int[] order = [.. near.Where(s => !Says(s)), .. near.Where(Says)];
        int[] renamed = new int[count];
        for (int i = 0; i < count; i++) renamed[order[i]] = i;
        Depths = [.. order.Select(s => _depthOf[s])];
        FirstReport = Enumerable.Range(0, count).Count(s => !Says(s));
        Root = renamed[root];
        Table = new int[count * _stride];
        var reports = new List<int>();
        var tails = new List<byte[]?>();
        var wholes = new List<int>();
        ReportStart = new int[count - FirstReport + 1];
        SuffixReport = new int[count - FirstReport];
        WholeStart = new int[count + 1];
        for (int i = 0; i < count; i++)
        {
            int old = order[i];
            for (int column = 0; column < _stride; column++) Table[i * _stride + column] = renamed[_next[old * _stride + column]];
            WholeStart[i] = wholes.Count;
            if (_wholeOf[old] is { } whole) wholes.AddRange(whole.Select(w => w.Report));
            if (i < FirstReport) continue;
            ReportStart[i - FirstReport] = reports.Count;
            foreach ((int report, byte[]? tail) in _own[old] ?? [])
            {
                reports.Add(report);
                tails.Add(tail);
            }
            SuffixReport[i - FirstReport] = suffix[old] < 0 ? -1 : renamed[suffix[old]] - FirstReport;
        }
        ReportStart[^1] = reports.Count;
        WholeStart[^1] = wholes.Count;
        Reports = [.. reports];
        Tails = [.. tails];
        Wholes = [.. wholes];
    }
}
