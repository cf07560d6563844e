using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>
/// Remembers what a scanner reported for what it met last: images are the same few thousands of times, and so are the names that repairs give them. Holds at
/// most <see cref="Slots"/> values of at most <see cref="LongestValue"/> bytes. One for each thread and scanner.
/// </summary>
/// <remarks>What is remembered is compared byte by byte, so a value can at worst displace another; it cannot be taken for it.</remarks>
sealed class ValueMemory
{
    /// <summary>The longest value that is remembered, in bytes.</summary>
    public const int LongestValue = 64;

    /// <summary>How many values are remembered.</summary>
    const int Slots = 256;

    /// <summary>After how many values it is decided whether remembering is worth it.</summary>
    const int Trial = 1024;

    /// <summary>How many trials are left out where it was not.</summary>
    const int Rest = 31;

    byte[] _values = [];
    readonly ulong[] _hashes = new ulong[Slots];
    readonly int[][] _reports = new int[Slots][];
    int _asked;
    int _known;
    int _resting;

    /// <summary>What was reported for a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="hash">Its hash for <see cref="Keep"/>; 0 where it is not to be kept.</param>
    /// <returns>The reports; null where the value is not known.</returns>
    public int[]? Recall(ReadOnlySpan<byte> value, out ulong hash)
    {
        hash = 0;
        if (value.Length > LongestValue) return null;
        if (_resting > 0)
        {
            _resting--;
            return null;
        }
        if (++_asked > Trial)
        {
            if (_known < Trial / 2) _resting = Rest * Trial;
            _asked = 0;
            _known = 0;
        }
        hash = Hash(value);
        int slot = SlotOf(hash);
        if (_hashes[slot] != hash || !value.SequenceEqual(_values.AsSpan(slot * LongestValue, value.Length))) return null;
        _known++;
        return _reports[slot];
    }

    /// <summary>Remembers a value.</summary>
    /// <param name="value">The value that was asked for.</param>
    /// <param name="hash">Its hash; not 0.</param>
    /// <param name="reports">What was reported for it.</param>
    public void Keep(ReadOnlySpan<byte> value, ulong hash, ReadOnlySpan<int> reports)
    {
        if (_values.Length == 0) _values = new byte[Slots * LongestValue];
        int slot = SlotOf(hash);
        value.CopyTo(_values.AsSpan(slot * LongestValue));
        _hashes[slot] = hash;
        if (_reports[slot] is not { } before || !reports.SequenceEqual(before)) _reports[slot] = reports.IsEmpty ? [] : reports.ToArray();
    }

    static int SlotOf(ulong hash) => (int)(hash >> 48) & Slots - 1;

    /// <summary>Never 0; the length of the value is in it, so that values of other lengths have other hashes.</summary>
    static ulong Hash(ReadOnlySpan<byte> value)
    {
        const ulong Multiplier = 0x9E3779B97F4A7C15;
        ref byte text = ref MemoryMarshal.GetReference(value);
        int length = value.Length;
        ulong mixed = 0;
        if (length >= 8)
        {
            for (int at = 0; at < length - 8; at += 8) mixed = BitOperations.RotateLeft((mixed ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref text, at))) * Multiplier, 29);
            mixed ^= Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref text, length - 8));
        }
        else if (length >= 4)
        {
            mixed = Unsafe.ReadUnaligned<uint>(ref text) | (ulong)Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref text, length - 4)) << 32;
        }
        else
        {
            foreach (byte b in value) mixed = mixed << 8 | b;
        }
        // The highest bits of a product depend on all bits of its factors, so they choose the slot.
        return (mixed ^ (ulong)length) * Multiplier >> 8 | (ulong)(length + 1) << 56;
    }
}
