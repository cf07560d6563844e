using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>Runs a program on one event after another, without making anything new. One for each thread and program.</summary>
/// <param name="program">The program.</param>
/// <param name="scratch">The thread's buffers.</param>
sealed class ProgramRun(RuleProgram program, MatchScratch scratch)
{
    /// <summary>States of an atom: nothing reported, something reported that needs looking at, true, false.</summary>
    const byte Silent = 0, Reported = 1, True = 2, False = 3;

    readonly byte[] _states = new byte[program.Atoms.Length];
    readonly int[] _touched = new int[program.Atoms.Length];
    readonly ulong[] _candidates = new ulong[program.Always.Length];
    readonly ulong[] _always = program.Always;
    readonly FieldScanner[] _scanners = program.Scanners;
    readonly Met[] _met = [.. program.Scanners.Select(_ => new Met())];
    readonly Met[] _lateMet = [.. program.LateScanners.Select(_ => new Met())];
    readonly bool[] _lateDone = new bool[program.LateScanners.Length];
    readonly List<int> _recorded = [];
    int _touchedCount;
    bool _repaired;
    bool _recording;
    bool _anyLateDone;

    /// <summary>The thread's buffers.</summary>
    public MatchScratch Scratch { get; } = scratch;

    /// <summary>How often each rule (as a position in the program) was looked at.</summary>
    public long[] Evaluations { get; } = new long[program.Rules.Length];

    /// <summary>How often each rule (as a position in the program) matched.</summary>
    public long[] Matches { get; } = new long[program.Rules.Length];

    /// <summary>The Program.</summary>
    public RuleProgram Program { get; } = program;

    /// <summary>Adds the positions in the rule set of all rules that match the event, ascending.</summary>
    public void Match(FieldedEvent e, List<int> matches)
    {
        Restart();
        if (e is SysmonEvent sysmon) ScanFields(sysmon);
        else ScanFields(e);
        if (Program.Keywords is { } keywords) ScanAll(keywords, e);
        for (int word = 0; word < _candidates.Length; word++)
        {
            for (ulong bits = _candidates[word]; bits != 0; bits &= bits - 1)
            {
                int rule = word * 64 + BitOperations.TrailingZeroCount(bits);
                Evaluations[rule]++;
                if (!Holds(Program.Roots[rule], e)) continue;
                Matches[rule]++;
                matches.Add(Program.Rules[rule]);
            }
        }
    }

    /// <summary>Forgets the event before; also one that a bug interrupted.</summary>
    void Restart()
    {
        for (int i = 0; i < _touchedCount; i++) _states[_touched[i]] = Silent;
        _touchedCount = 0;
        if (_anyLateDone) Array.Clear(_lateDone);
        _anyLateDone = false;
        _repaired = false;
        _recording = false;
        for (int i = 0; i < _candidates.Length; i++) _candidates[i] = _always[i];
    }

    /// <summary>The bits of the rules that the reports of the last scan alone would have looked at; for tests of that.</summary>
    public bool WasCandidate(int rule) => (_candidates[rule / 64] >> (rule % 64) & 1) != 0;

    /// <summary>Takes a scanner's report: twice the atom, plus one where the report only means that its tests must be asked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Hit(int report)
    {
        if (_recording) _recorded.Add(report);
        int atom = report >> 1;
        if (_repaired && Program.Atoms[atom].AsWritten) return;
        ref byte state = ref _states[atom];
        if (state == Silent) Touch(atom);
        if ((report & 1) == 0) state = True;
        else if (state == Silent) state = Reported;
    }

    /// <summary>True where a report would say nothing new, to whoever would have to work for it.</summary>
    public bool IsDecided(int report) => _recording ? _recorded.Contains(report) : _states[report >> 1] >= True - (report & 1);

    /// <summary>The events of one kind have their fields in the same order, so a field is first looked for where it was the last time.</summary>
    void ScanFields(SysmonEvent e)
    {
        ReadOnlySpan<DataField> fields = e.Fields;
        for (int i = 0; i < _scanners.Length; i++) ScanField(_scanners[i], _met[i], fields, e);
    }

    void ScanField(FieldScanner scanner, Met met, ReadOnlySpan<DataField> fields, SysmonEvent e)
    {
        if ((uint)met.Position < (uint)fields.Length && fields[met.Position] is { Repeated: false } field && field.Id.Value == scanner.Field.Value)
        {
            scanner.Scan(ValueKind.Text, e.Bytes(field.Value), this);
        }
        else
        {
            met.Position = PositionOf(scanner.Field, fields);
            ValueKind kind = e.Find(scanner.Field, out ReadOnlySpan<byte> value);
            if (kind > ValueKind.Null) scanner.Scan(kind, value, this);
        }
        if (scanner.HasAlternatives) ScanAlternatives(scanner, met, e);
    }

    void ScanFields(FieldedEvent e)
    {
        foreach (FieldScanner scanner in _scanners) ScanField(scanner, e);
    }

    void ScanField(FieldScanner scanner, FieldedEvent e)
    {
        ValueKind kind = e.Find(scanner.Field, out ReadOnlySpan<byte> value);
        if (kind > ValueKind.Null) scanner.Scan(kind, value, this);
        ScanEachAlternative(scanner, e);
    }

    void ScanLate(int late, FieldedEvent e)
    {
        _anyLateDone = true;
        _lateDone[late] = true;
        FieldScanner scanner = Program.LateScanners[late];
        if (e is SysmonEvent sysmon) ScanField(scanner, _lateMet[late], sysmon.Fields, sysmon);
        else ScanField(scanner, e);
    }

    static int PositionOf(FieldId id, ReadOnlySpan<DataField> fields)
    {
        int position = 0;
        while (position < fields.Length && fields[position].Id.Value != id.Value) position++;
        return position;
    }

    /// <summary>Scans the alternatives, or repeats what was reported when they were made of the same before.</summary>
    void ScanAlternatives(FieldScanner scanner, Met met, SysmonEvent e)
    {
        Span<byte> buffer = stackalloc byte[ValueMemory.LongestValue];
        ulong hash = 0;
        ReadOnlySpan<byte> origin = e.OriginOfAlternatives(scanner.Field, buffer);
        _repaired = true;
        if (!origin.IsEmpty && met.Alternatives.Recall(origin, out hash) is { } reports)
        {
            foreach (int report in reports) Hit(report);
            _repaired = false;
            return;
        }
        _repaired = false;
        _recording = hash != 0;
        _recorded.Clear();
        ScanEachAlternative(scanner, e);
        _recording = false;
        if (hash != 0) met.Alternatives.Keep(origin, hash, CollectionsMarshal.AsSpan(_recorded));
    }

    void ScanEachAlternative(FieldScanner scanner, FieldedEvent e)
    {
        for (int i = 0; e.TryAlternative(scanner.Field, i, out ReadOnlySpan<byte> alternative); i++)
        {
            _repaired = e.RepairOf(scanner.Field, i) is not null;
            scanner.Scan(ValueKind.Text, alternative, this);
            _repaired = false;
        }
    }

    void ScanAll(FieldScanner keywords, FieldedEvent e)
    {
        for (int i = 0; i < e.FieldCount; i++)
        {
            ValueKind kind = e.At(i, out _, out ReadOnlySpan<byte> value);
            if (kind > ValueKind.Null) keywords.Scan(kind, value, this);
        }
    }

    void Touch(int atom)
    {
        _touched[_touchedCount++] = atom;
        foreach (int rule in Program.Atoms[atom].Triggers) _candidates[rule >> 6] |= 1UL << rule;
    }

    bool Holds(int index, FieldedEvent e)
    {
        ProgramNode node = Program.Nodes[index];
        if (node.Kind == NodeKind.Atom) return AtomHolds(node.First, e);
        ReadOnlySpan<int> children = Program.Children.AsSpan(node.First, node.Count);
        switch (node.Kind)
        {
            case NodeKind.Not:
                return !Holds(children[0], e);
            case NodeKind.All:
                foreach (int child in children)
                {
                    if (!Holds(child, e)) return false;
                }
                return true;
            default:
                foreach (int child in children)
                {
                    if (Holds(child, e)) return true;
                }
                return false;
        }
    }

    bool AtomHolds(int index, FieldedEvent e)
    {
        byte state = _states[index];
        if (state >= True) return state == True;
        Atom atom = Program.Atoms[index];
        if (atom.Late >= 0 && !_lateDone[atom.Late])
        {
            ScanLate(atom.Late, e);
            state = _states[index];
            if (state >= True) return state == True;
        }
        if (state == Silent && atom.Ungated.Length == 0) return false;
        bool holds = (state == Reported && AnyHolds(atom.Gated, atom, e)) || AnyHolds(atom.Ungated, atom, e);
        if (state == Silent) _touched[_touchedCount++] = index; // to be forgotten after this event; its rules are being looked at already
        _states[index] = holds ? True : False;
        return holds;
    }

    bool AnyHolds(ValueTest[] tests, Atom atom, FieldedEvent e)
    {
        Scratch.AsWritten = atom.AsWritten;
        foreach (ValueTest test in tests)
        {
            int which = atom.Field.IsKnown ? ItemTest.Find(e, atom.Field, test, Scratch) : ItemTest.FindKeyword(e, test, Scratch);
            if (which != ItemTest.None) return true;
        }
        return false;
    }

    /// <summary>What is remembered of the field of one scanner.</summary>
    sealed class Met
    {
        /// <summary>Where the field stood in the last event.</summary>
        public int Position;

        /// <summary>What its alternatives made the scanner report, by what they are made of.</summary>
        public ValueMemory Alternatives { get; } = new();
    }
}
