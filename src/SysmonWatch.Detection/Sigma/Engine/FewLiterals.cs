using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>
/// Finds the places of a value where one of a few keys of three bytes may stand, sixteen places at once. Immutable.
/// </summary>
/// <remarks>
/// Keys are dealt out to eight groups. For each byte of a key and each half of that byte, a table of sixteen entries has a bit for every group with such a
/// half; where the six bits of a group are all set at a place, one of its keys is probably there.
/// </remarks>
sealed class FewLiterals
{
    /// <summary>The most keys that are worth it.</summary>
    public const int Most = 32;

    /// <summary>The shortest value that has sixteen places.</summary>
    public const int ShortestValue = 18;

    const int Groups = 8;

    readonly Vector128<byte>[] _halves = new Vector128<byte>[6];

    /// <param name="keys">Three bytes each.</param>
    public FewLiterals(byte[][] keys)
    {
        var tables = new byte[6, 16];
        for (int i = 0; i < keys.Length; i++)
        {
            for (int at = 0; at < 3; at++)
            {
                int b = keys[i][at] | 0x20;
                tables[2 * at, b & 15] |= (byte)(1 << i % Groups);
                tables[2 * at + 1, b >> 4] |= (byte)(1 << i % Groups);
            }
        }
        for (int i = 0; i < 6; i++) _halves[i] = Vector128.Create([.. Enumerable.Range(0, 16).Select(half => tables[i, half])]);
    }

    /// <summary>Has the finder compare wherever a key may stand; at some places twice.</summary>
    /// <param name="value">At least <see cref="ShortestValue"/> bytes.</param>
    /// <param name="finder">Knows the literals.</param>
    /// <param name="run">Takes the reports.</param>
    public void Scan(ReadOnlySpan<byte> value, LiteralFinder finder, ProgramRun run)
    {
        Vector128<byte>[] halves = _halves;
        (Vector128<byte> low0, Vector128<byte> high0) = (halves[0], halves[1]);
        (Vector128<byte> low1, Vector128<byte> high1) = (halves[2], halves[3]);
        (Vector128<byte> low2, Vector128<byte> high2) = (halves[4], halves[5]);
        ref byte text = ref MemoryMarshal.GetReference(value);
        int last = value.Length - ShortestValue;
        for (int block = 0; ; block += Vector128<byte>.Count)
        {
            // The last sixteen places overlap with those before them.
            if (block > last) block = last;
            Vector128<byte> groups = Of(ref text, block, low0, high0) & Of(ref text, block + 1, low1, high1) & Of(ref text, block + 2, low2, high2);
            if (groups != Vector128<byte>.Zero)
            {
                for (uint hits = ~Vector128.Equals(groups, Vector128<byte>.Zero).ExtractMostSignificantBits() & 0xFFFF; hits != 0; hits &= hits - 1)
                {
                    finder.CompareAt(value, block + System.Numerics.BitOperations.TrailingZeroCount(hits), run);
                }
            }
            if (block == last) return;
        }
    }

    static Vector128<byte> Of(ref byte text, int at, Vector128<byte> low, Vector128<byte> high)
    {
        Vector128<byte> bytes = Vector128.LoadUnsafe(ref text, (nuint)at) | Vector128.Create((byte)0x20);
        return Vector128.Shuffle(low, bytes & Vector128.Create((byte)15)) & Vector128.Shuffle(high, Vector128.ShiftRightLogical(bytes, 4));
    }
}
