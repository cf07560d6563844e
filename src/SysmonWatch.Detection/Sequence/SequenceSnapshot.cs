using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace SysmonWatch.Detection.Sequence;

/// <summary>The sequence watch as bytes: little-endian, of this version only.</summary>
static class SequenceSnapshot
{
    const uint Version = 0x53_51_00_03;

    /// <summary>Writes everything.</summary>
    public static void Save(IBufferWriter<byte> to, ulong key0, ulong key1, long clock, ICollection<ComputerSequence> computers)
    {
        Put(to, Version);
        Put(to, key0);
        Put(to, key1);
        Put(to, clock);
        Put(to, computers.Count);
        foreach (ComputerSequence c in computers)
        {
            Put<byte>(to, c.Utf8);
            Put(to, new Head(
                c.PrefixesWritten, c.Seen, c.LastUsed, c.Highest, c.HighestTime, c.Epoch, c.EpochStart, c.PreviousHighest, c.HasPrevious ? 1 : 0, c.Slots.Length));
            Put(to, c.Reset);
            Put<ComputerSequence.Slot>(to, [.. c.Slots.Where(s => s.State != ComputerSequence.SlotState.Empty)]);
            Put<ComputerSequence.Slot>(to, CollectionsMarshal.AsSpan(c.Displaced));
            Put<ComputerSequence.Missing>(to, CollectionsMarshal.AsSpan(c.Ranges));
            Put<ulong>(to, c.Prefixes);
        }
    }

    /// <summary>Reads it back.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> from, out ulong key0, out ulong key1, out long clock, out List<ComputerSequence> computers, out string? why)
    {
        computers = [];
        (key0, key1, clock) = (0, 0, 0);
        why = "it is of another version";
        if (!Take(ref from, out uint version) || version != Version) return false;
        why = "it ends too early";
        if (!Take(ref from, out key0) || !Take(ref from, out key1) || !Take(ref from, out clock) || !Take(ref from, out int count)) return false;
        for (int i = 0; i < count; i++)
        {
            if (!Take(ref from, out byte[] name) || !Take(ref from, out Head head) || !Take(ref from, out ComputerSequence.Candidate reset)
                || !Take(ref from, out ComputerSequence.Slot[] slots) || !Take(ref from, out ComputerSequence.Slot[] displaced)
                || !Take(ref from, out ComputerSequence.Missing[] ranges) || !Take(ref from, out ulong[] prefixes)) return false;
            if (head.Slots is < 1 or > ComputerSequence.Remembered || (head.Slots & (head.Slots - 1)) != 0 || (prefixes.Length & (prefixes.Length - 1)) != 0)
            {
                why = "its sizes make no sense";
                return false;
            }
            var c = new ComputerSequence(Encoding.UTF8.GetString(name), name)
            {
                Slots = new ComputerSequence.Slot[head.Slots],
                Prefixes = prefixes,
                PrefixesWritten = head.PrefixesWritten,
                Seen = head.Seen,
                LastUsed = head.LastUsed,
                Highest = head.Highest,
                HighestTime = head.HighestTime,
                Epoch = head.Epoch,
                EpochStart = head.EpochStart,
                PreviousHighest = head.PreviousHighest,
                HasPrevious = head.HasPrevious != 0,
                Reset = reset,
            };
            foreach (ComputerSequence.Slot slot in slots) c.Slots[slot.RecordId & (ulong)(head.Slots - 1)] = slot;
            c.Displaced.AddRange(displaced);
            c.Ranges.AddRange(ranges);
            computers.Add(c);
        }
        if (from.Length > 0)
        {
            why = "something follows its end";
            return false;
        }
        why = null;
        return true;
    }

    readonly record struct Head(
        int PrefixesWritten, long Seen, long LastUsed, ulong Highest, long HighestTime, int Epoch, long EpochStart, ulong PreviousHighest, int HasPrevious, int Slots);

    static void Put<T>(IBufferWriter<byte> to, T value)
        where T : unmanaged => to.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    static void Put<T>(IBufferWriter<byte> to, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        Put(to, values.Length);
        to.Write(MemoryMarshal.AsBytes(values));
    }

    static bool Take<T>(ref ReadOnlySpan<byte> from, out T value)
        where T : unmanaged
    {
        if (!MemoryMarshal.TryRead(from, out value)) return false;
        from = from[System.Runtime.CompilerServices.Unsafe.SizeOf<T>()..];
        return true;
    }

    static bool Take<T>(ref ReadOnlySpan<byte> from, out T[] values)
        where T : unmanaged
    {
        values = [];
        int size = System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
        if (!Take(ref from, out int count) || count < 0 || count > from.Length / size) return false;
        values = MemoryMarshal.Cast<byte, T>(from[..(count * size)]).ToArray();
        from = from[(count * size)..];
        return true;
    }
}
