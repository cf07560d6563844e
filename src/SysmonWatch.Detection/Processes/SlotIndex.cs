using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SysmonWatch.Detection.Processes;

/// <summary>
/// Finds slots of a table by a hash of what is in them. Whoever asks compares what the slot holds: this knows hashes only. Not thread-safe.
/// </summary>
/// <remarks>Open addressing with linear probing; removing moves back what comes after, so nothing has to be cleaned up and nothing is allocated but to grow.</remarks>
sealed class SlotIndex
{
    /// <summary>Not found.</summary>
    public const int None = -1;

    // A cell is 0 where empty, else the upper half of the hash and, below it, the slot plus one.
    ulong[] _cells = new ulong[64];
    int _count;

    /// <summary>Where to start looking for a hash.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Start(ulong hash) => (int)(hash >> 32) & (_cells.Length - 1);

    /// <summary>Lets the processor fetch what looking for a hash will need.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void Expect(ulong hash)
    {
        // The cells may have been moved by the time they are fetched; a wrong address does no harm.
        if (Sse.IsSupported) Sse.Prefetch0(Unsafe.AsPointer(ref _cells[Start(hash)]));
    }

    /// <summary>The next slot that may be the one with a hash, from a position on; <see cref="None"/> where there is none.</summary>
    /// <param name="hash">The hash.</param>
    /// <param name="position">From <see cref="Start"/>; behind what was found afterwards.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Next(ulong hash, ref int position)
    {
        ulong[] cells = _cells;
        while (true)
        {
            ulong cell = cells[position & (cells.Length - 1)];
            if (cell == 0) return None;
            position = (position + 1) & (cells.Length - 1);
            if (((cell ^ hash) >> 32) == 0) return (int)(uint)cell - 1;
        }
    }

    /// <summary>Puts another slot where <see cref="Next"/> found one.</summary>
    /// <param name="position">The position it left behind.</param>
    /// <param name="slot">The slot.</param>
    public void Replace(int position, int slot)
    {
        ref ulong cell = ref _cells[(position - 1) & (_cells.Length - 1)];
        cell = (cell & 0xFFFF_FFFF_0000_0000) | (uint)(slot + 1);
    }

    /// <summary>Adds a slot under a hash.</summary>
    public void Add(ulong hash, int slot)
    {
        if (++_count > _cells.Length - (_cells.Length >> 2)) Grow();
        Insert(_cells, (hash & 0xFFFF_FFFF_0000_0000) | (uint)(slot + 1));
    }

    /// <summary>Takes out what <see cref="Next"/> found.</summary>
    /// <param name="position">The position it left behind.</param>
    public void Remove(int position)
    {
        int mask = _cells.Length - 1;
        int hole = (position - 1) & mask;
        for (int at = (hole + 1) & mask; _cells[at] != 0; at = (at + 1) & mask)
        {
            int home = Start(_cells[at]);
            // What is at home behind the hole, as seen from where it stands, stays.
            if (((at - home) & mask) < ((at - hole) & mask)) continue;
            _cells[hole] = _cells[at];
            hole = at;
        }
        _cells[hole] = 0;
        _count--;
    }

    static void Insert(ulong[] cells, ulong cell)
    {
        int at = (int)(cell >> 32) & (cells.Length - 1);
        while (cells[at] != 0) at = (at + 1) & (cells.Length - 1);
        cells[at] = cell;
    }

    void Grow()
    {
        ulong[] larger = new ulong[BitOperations.RoundUpToPowerOf2((uint)_cells.Length + 1)];
        foreach (ulong cell in _cells)
        {
            if (cell != 0) Insert(larger, cell);
        }
        _cells = larger;
    }
}
