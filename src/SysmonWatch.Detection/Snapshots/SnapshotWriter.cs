using System.Buffers;
using System.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Snapshots;

/// <summary>
/// Writes the state of a stage as bytes: variable-length integers, length-prefixed bytes, and process nodes each once, however often they are
/// referred to. What it wrote is read by <see cref="SnapshotReader"/>. Not thread-safe.
/// </summary>
/// <param name="into">Where to.</param>
public sealed class SnapshotWriter(IBufferWriter<byte> into)
{
    readonly Dictionary<ProcessNode, int> _nodes = new(ReferenceEqualityComparer.Instance);

    /// <summary>A number from 0, 1 to 10 bytes.</summary>
    public void Number(ulong value)
    {
        Span<byte> bytes = into.GetSpan(10);
        int length = 0;
        for (; value >= 0x80; value >>= 7) bytes[length++] = (byte)(value | 0x80);
        bytes[length++] = (byte)value;
        into.Advance(length);
    }

    /// <summary>A number of either sign.</summary>
    public void EitherSign(long value) => Number((ulong)(value << 1) ^ (ulong)(value >> 63));

    /// <summary>Bytes with their length.</summary>
    public void Bytes(ReadOnlySpan<byte> value)
    {
        Number((ulong)value.Length);
        into.Write(value);
    }

    /// <summary>Text with its length, in UTF-8.</summary>
    public void Text(string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        Number((ulong)length);
        into.Advance(Encoding.UTF8.GetBytes(value, into.GetSpan(length)));
    }

    /// <summary>A process with its ancestors and family, or none.</summary>
    public void Node(ProcessNode? node)
    {
        // 0: none. 1: a new one follows. n + 2: the n-th that was written.
        if (node is null)
        {
            Number(0);
            return;
        }
        if (_nodes.TryGetValue(node, out int known))
        {
            Number((ulong)known + 2);
            return;
        }
        Number(1);
        Node(node.Parent);
        Node(node.FamilyRoot);
        Bytes(node.ProcessGuid.Span);
        EitherSign(node.ProcessId);
        Bytes(node.Image.Span);
        Bytes(node.CommandLine.Span);
        Bytes(node.User.Span);
        EitherSign(node.StartedAt);
        _nodes.Add(node, _nodes.Count);
    }

    /// <summary>What is kept of an event.</summary>
    public void Reference(EventReference reference)
    {
        Text(reference.Identity.Computer);
        EitherSign(reference.Identity.EventId);
        Number(reference.Identity.RecordId);
        EitherSign(reference.Identity.Time);
        Node(reference.Process);
        Text(reference.Subject);
        Number((ulong)reference.Marks);
    }
}
