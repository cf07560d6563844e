using System.Buffers;
using System.Buffers.Binary;
using SysmonWatch.Detection.Snapshots;

namespace SysmonWatch.Detection.Processes;

/// <summary>The process tree as bytes, from the least to the most recently seen process.</summary>
static class ProcessTreeSnapshot
{
    const ulong Version = 2;

    public static void Write(ProcessTable table, IBufferWriter<byte> into)
    {
        var writer = new SnapshotWriter(into);
        writer.Number(Version);
        writer.Number((ulong)table.Count);
        Span<byte> guid = stackalloc byte[16];
        foreach (ProcessTable.Remembered process in table.OldestFirst)
        {
            writer.Number(process.Key.Computer);
            BinaryPrimitives.WriteUInt128LittleEndian(guid, process.Key.Guid);
            writer.Bytes(guid);
            writer.EitherSign(process.Key.ProcessId);
            writer.Number(process.ForkedAt);
            writer.Number(
                (process.Ended ? 1UL : 0) | (table.IsCurrent(process) ? 2UL : 0) | (table.IsLastOfGuid(process) ? 4UL : 0)
                | (table.IsLastOfAddress(process) ? 8UL : 0) | (process.SharesAddress ? 16UL : 0) | (process.SharesGuid ? 32UL : 0));
            writer.Node(process.Node);
        }
    }

    public static bool TryRead(ReadOnlySpan<byte> snapshot, ProcessTable into)
    {
        var reader = new SnapshotReader(snapshot);
        if (reader.Number() != Version) return false;
        int count = reader.Count();
        for (int i = 0; i < count && !reader.IsDamaged; i++)
        {
            ulong computer = reader.Number();
            ReadOnlySpan<byte> guid = reader.Bytes();
            if (guid.Length != 16) return false;
            var key = new ProcessKey(computer, BinaryPrimitives.ReadUInt128LittleEndian(guid), (int)reader.EitherSign());
            ulong forkedAt = reader.Number();
            ulong flags = reader.Number();
            if (reader.Node() is not { } node) return false;
            into.Put(new ProcessTable.Remembered(key, node, forkedAt, (flags & 1) != 0, (flags & 16) != 0, (flags & 32) != 0), (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0);
        }
        return reader.IsAtEnd;
    }
}
