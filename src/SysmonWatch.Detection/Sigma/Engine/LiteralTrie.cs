using System.Numerics;
using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>
/// Finds which of any number of case-folded literals a value starts with, or ends with, or is: a trie of the literals, or of the literals written
/// backwards. Most values leave it after a few bytes. Immutable once it is built.
/// </summary>
sealed class LiteralTrie
{
    const int None = -1;

    const int Multiplier = unchecked((int)0x9E3779B1);

    readonly bool _backwards;
    readonly bool _hasSingles;
    readonly (ushort[] Pairs, int[] Nodes, int Shift) _seconds;
    readonly int[] _first = new int[256];
    readonly List<(int Report, int Next)> _reports = [];
    Node[] _nodes = new Node[64];
    int _count;
    readonly int _empty = None;

    /// <summary>Builds it.</summary>
    /// <param name="backwards">True: values must end with the literals. False: start.</param>
    /// <param name="literals">Folded, not empty, each with what is reported for it.</param>
    /// <param name="wholes">Literals that must be the whole value; the empty one is allowed.</param>
    public LiteralTrie(bool backwards, IReadOnlyList<(byte[] Literal, int Report)> literals, IReadOnlyList<(byte[] Literal, int Report)> wholes)
    {
        _backwards = backwards;
        Array.Fill(_first, None);
        foreach ((byte[] literal, int report) in literals)
        {
            int end = Add(literal);
            Report(ref _nodes[end].Reports, report);
        }
        foreach ((byte[] literal, int report) in wholes)
        {
            if (literal.Length == 0)
            {
                Report(ref _empty, report);
                continue;
            }
            int end = Add(literal);
            Report(ref _nodes[end].Wholes, report);
        }
        _hasSingles = literals.Any(l => l.Literal.Length == 1);
        _seconds = Seconds();
    }

    /// <summary>Reports every literal that the value has in the right place.</summary>
    /// <param name="value">Folded, or ASCII.</param>
    /// <param name="run">Takes the reports.</param>
    public void Scan(ReadOnlySpan<byte> value, ProgramRun run)
    {
        if (value.IsEmpty)
        {
            Tell(_empty, run);
            return;
        }
        Node[] nodes = _nodes;
        ReadOnlySpan<byte> fold = AsciiFold.Table;
        byte first = fold[_backwards ? value[^1] : value[0]];
        int node = _first[first];
        if (node < 0) return;
        int at = 1;
        if (value.Length > 1 && !_hasSingles)
        {
            // Two bytes at once: among those that a first byte leads to, the second is looked for in a table.
            at = 2;
            node = Second(first, fold[_backwards ? value[^2] : value[1]]);
        }
        for (int i = at; node >= 0; i++)
        {
            Tell(nodes[node].Reports, run);
            if (i == value.Length)
            {
                Tell(nodes[node].Wholes, run);
                return;
            }
            byte next = fold[value[_backwards ? value.Length - 1 - i : i]];
            for (node = nodes[node].Child; node >= 0 && nodes[node].Byte != next; node = nodes[node].Sibling) ;
        }
    }

    int Second(byte first, byte second)
    {
        int pair = first << 8 | second;
        for (int slot = pair * Multiplier >>> _seconds.Shift; ; slot = slot + 1 & _seconds.Nodes.Length - 1)
        {
            int node = _seconds.Nodes[slot];
            if (node < 0 || _seconds.Pairs[slot] == pair) return node;
        }
    }

    /// <summary>A table of the nodes that two bytes lead to.</summary>
    (ushort[] Pairs, int[] Nodes, int Shift) Seconds()
    {
        var seconds = new List<(ushort Pair, int Node)>();
        for (int first = 0; first < 256; first++)
        {
            if (_first[first] < 0) continue;
            for (int node = _nodes[_first[first]].Child; node >= 0; node = _nodes[node].Sibling) seconds.Add(((ushort)(first << 8 | _nodes[node].Byte), node));
        }
        int bits = BitOperations.Log2((uint)seconds.Count + 1) + 2;
        var (pairs, nodes) = (new ushort[1 << bits], new int[1 << bits]);
        Array.Fill(nodes, None);
        foreach ((ushort pair, int node) in seconds)
        {
            int slot = pair * Multiplier >>> 32 - bits;
            while (nodes[slot] >= 0) slot = slot + 1 & nodes.Length - 1;
            (pairs[slot], nodes[slot]) = (pair, node);
        }
        return (pairs, nodes, 32 - bits);
    }

    void Tell(int reports, ProgramRun run)
    {
        for (; reports >= 0; reports = _reports[reports].Next) run.Hit(_reports[reports].Report);
    }

    void Report(ref int list, int report)
    {
        for (int at = list; at >= 0; at = _reports[at].Next)
        {
            if (_reports[at].Report == report) return;
        }
        _reports.Add((report, list));
        list = _reports.Count - 1;
    }

    /// <summary>The node where a literal ends; it and those that lead to it are made where they are missing.</summary>
    int Add(byte[] literal)
    {
        int node = None;
        for (int i = 0; i < literal.Length; i++)
        {
            byte next = literal[_backwards ? literal.Length - 1 - i : i];
            int child = i == 0 ? _first[next] : _nodes[node].Child;
            while (i > 0 && child >= 0 && _nodes[child].Byte != next) child = _nodes[child].Sibling;
            if (child < 0)
            {
                child = _count++;
                if (child == _nodes.Length) Array.Resize(ref _nodes, child * 2);
                _nodes[child] = new Node { Byte = next, Child = None, Reports = None, Wholes = None, Sibling = i == 0 ? None : _nodes[node].Child };
                if (i == 0) _first[next] = child;
                else _nodes[node].Child = child;
            }
            node = child;
        }
        return node;
    }

    struct Node
    {
        public byte Byte;

        /// <summary>The first of the nodes that a further byte leads to.</summary>
        public int Child;

        /// <summary>The next node that another byte in place of this one's leads to.</summary>
        public int Sibling;

        /// <summary>The first report for values that go on here, and for those that end here.</summary>
        public int Reports, Wholes;
    }
}
