using System.Numerics;
using System.Runtime.CompilerServices;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Sigma;

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
    int _touchedCount;
    bool _repaired;

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
        Program.Always.CopyTo(_candidates, 0);
        if (e is SysmonEvent sysmon) ScanFields(sysmon);
        else foreach (FieldScanner scanner in Program.Scanners) scanner.Scan(e, this);
        Program.Keywords?.ScanAll(e, this);
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
        for (int i = 0; i < _touchedCount; i++) _states[_touched[i]] = Silent;
        _touchedCount = 0;
    }

    /// <summary>The bits of the rules that the reports of the last scan alone would have looked at; for tests of that.</summary>
    public bool WasCandidate(int rule) => (_candidates[rule / 64] >> (rule % 64) & 1) != 0;

    /// <summary>Takes a scanner's report: twice the atom, plus one where the report only means that its tests must be asked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Hit(int report)
    {
        int atom = report >> 1;
        if (_repaired && Program.Atoms[atom].AsWritten) return;
        ref byte state = ref _states[atom];
        if (state == Silent) Touch(atom);
        if ((report & 1) == 0) state = True;
        else if (state == Silent) state = Reported;
    }

    /// <summary>Says whether what is scanned from now on was brought by a repair.</summary>
    public void Scanning(bool repaired) => _repaired = repaired;

    /// <summary>Goes over the event's fields once, instead of looking for each scanner's field among them.</summary>
    void ScanFields(SysmonEvent e)
    {
        sbyte[] byField = Program.ScannerByField;
        ulong met = 0;
        foreach (ref readonly DataField field in e.Fields)
        {
            uint id = (uint)field.Id.Value;
            if (id >= (uint)byField.Length || byField[id] < 0 || field.Repeated) continue;
            met |= 1UL << byField[id];
            Program.Scanners[byField[id]].Scan(ValueKind.Text, e.Bytes(field.Value), this);
        }
        for (int i = 0; i < Program.Scanners.Length; i++)
        {
            if (i < 64 && (met >> i & 1) != 0) Program.Scanners[i].ScanAlternatives(e, this);
            else Program.Scanners[i].Scan(e, this);
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
}
