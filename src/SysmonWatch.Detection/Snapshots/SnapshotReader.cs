using System.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Snapshots;

/// <summary>
/// Reads what <see cref="SnapshotWriter"/> wrote. Whatever the bytes are, it neither throws nor allocates more than they could hold: from the first
/// thing that does not fit on, <see cref="IsDamaged"/> is true and everything reads as zero or empty. Not thread-safe.
/// </summary>
/// <param name="snapshot">The bytes.</param>
public ref struct SnapshotReader(ReadOnlySpan<byte> snapshot)
{
    /// <summary>Deeper than any chain of ancestors that is written; stops a forged snapshot from exhausting the stack.</summary>
    const int Deepest = 64;

    readonly List<ProcessNode> _nodes = [];
    ReadOnlySpan<byte> _rest = snapshot;

    /// <summary>True once something did not fit.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>True where all has been read and nothing was damaged.</summary>
    public readonly bool IsAtEnd => !IsDamaged && _rest.IsEmpty;

    /// <summary>How many bytes are left: no count that is read can be larger than this.</summary>
    public readonly int Remaining => _rest.Length;

    /// <summary>A number from 0.</summary>
    public ulong Number()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (_rest.IsEmpty) break;
            byte next = _rest[0];
            _rest = _rest[1..];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
        return Damaged(0UL);
    }

    /// <summary>A number of either sign.</summary>
    public long EitherSign()
    {
        ulong value = Number();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>A number of things that follow, each at least one byte long.</summary>
    public int Count()
    {
        ulong count = Number();
        return count <= (ulong)_rest.Length ? (int)count : Damaged(0);
    }

    /// <summary>Bytes with their length.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        ulong length = Number();
        if (length > (ulong)_rest.Length)
        {
            IsDamaged = true;
            _rest = default;
            return default;
        }
        ReadOnlySpan<byte> bytes = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return bytes;
    }

    /// <summary>Text with its length.</summary>
    public string Text() => Encoding.UTF8.GetString(Bytes());

    /// <summary>A process with its ancestors and family, or none.</summary>
    public ProcessNode? Node() => Node(0);

    /// <summary>What is kept of an event.</summary>
    public EventReference Reference()
    {
        var identity = new EventIdentity(Text(), (int)EitherSign(), Number(), EitherSign());
        return new EventReference(identity, Node(), Text(), (EventMarks)Number());
    }

    ProcessNode? Node(int depth)
    {
        ulong kind = Number();
        if (IsDamaged || kind == 0) return null;
        if (kind >= 2)
        {
            if (kind - 2 < (ulong)_nodes.Count) return _nodes[(int)(kind - 2)];
            return Damaged<ProcessNode?>(null);
        }
        if (depth >= Deepest) return Damaged<ProcessNode?>(null);
        ProcessNode? parent = Node(depth + 1);
        ProcessNode? family = Node(depth + 1);
        if (parent is { Depth: > ProcessNode.MostAncestors }) return Damaged<ProcessNode?>(null);
        var node = new ProcessNode(Bytes(), (int)EitherSign(), Bytes(), Bytes(), Bytes(), EitherSign(), parent, family);
        if (IsDamaged) return null;
        _nodes.Add(node);
        return node;
    }

    T Damaged<T>(T nothing)
    {
        IsDamaged = true;
        _rest = default;
        return nothing;
    }
}
