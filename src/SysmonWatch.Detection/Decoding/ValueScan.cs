using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SysmonWatch.Detection.Decoding;

/// <summary>Finds a value's end, and says on the way whether it needs more than being looked at.</summary>
static class ValueScan
{
    /// <summary>What a value holds.</summary>
    [Flags]
    public enum Found
    {
        /// <summary>Nothing but plain ASCII.</summary>
        Plain = 0,

        /// <summary>A &amp; or a #.</summary>
        Escapes = 1,

        /// <summary>A byte above 0x7F.</summary>
        NotAscii = 2,
    }

    /// <summary>The first &lt; from a place on.</summary>
    /// <returns>Its place in the text; -1 where there is none, and then <paramref name="found"/> speaks for all of the rest.</returns>
    /// <remarks>
    /// One pass instead of one for each question, because most values are shorter than two vectors and three calls each would cost more than
    /// the search.
    /// </remarks>
    public static int Find(ReadOnlySpan<byte> text, int from, out Found found)
    {
        ref byte start = ref MemoryMarshal.GetReference(text);
        Vector128<byte> special = Vector128<byte>.Zero;
        Vector128<byte> all = Vector128<byte>.Zero;
        int at = from;
        for (; at <= text.Length - Vector128<byte>.Count; at += Vector128<byte>.Count)
        {
            Vector128<byte> bytes = Vector128.LoadUnsafe(ref start, (nuint)at);
            Vector128<byte> marks = Vector128.Equals(bytes, Vector128.Create((byte)'&')) | Vector128.Equals(bytes, Vector128.Create((byte)'#'));
            uint ends = Vector128.Equals(bytes, Vector128.Create((byte)'<')).ExtractMostSignificantBits();
            if (ends == 0)
            {
                special |= marks;
                all |= bytes;
                continue;
            }
            int position = BitOperations.TrailingZeroCount(ends);
            uint before = (1u << position) - 1;
            bool escapes = special != Vector128<byte>.Zero || (marks.ExtractMostSignificantBits() & before) != 0;
            bool notAscii = ((all.ExtractMostSignificantBits() != 0 ? uint.MaxValue : bytes.ExtractMostSignificantBits() & before)) != 0;
            found = (escapes ? Found.Escapes : 0) | (notAscii ? Found.NotAscii : 0);
            return at + position;
        }

        found = (special != Vector128<byte>.Zero ? Found.Escapes : 0) | (all.ExtractMostSignificantBits() != 0 ? Found.NotAscii : 0);
        for (; at < text.Length; at++)
        {
            byte b = Unsafe.Add(ref start, at);
            if (b == '<') return at;
            if (b is (byte)'&' or (byte)'#') found |= Found.Escapes;
            else if (b > 0x7F) found |= Found.NotAscii;
        }
        return -1;
    }

    /// <summary>The same, and the value's hash on the way.</summary>
    /// <param name="room">The text and whatever follows it in the same memory: a place behind the text means that there was none in it.</param>
    /// <param name="from">Where the value starts.</param>
    /// <param name="hash">Makes the hash.</param>
    /// <param name="found">What the value holds.</param>
    /// <param name="hashed">The hash of the value as it stands here.</param>
    /// <returns>Its place; -1 where there is none near enough: then look with <see cref="Find"/>.</returns>
    /// <remarks>
    /// Two vectors a step without a branch between them: five of six values end in the first step, and a branch for each vector would be wrong for half of
    /// them.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FindAndHash(ReadOnlySpan<byte> room, int from, ValueHash hash, out Found found, out ulong hashed)
    {
        ref byte start = ref MemoryMarshal.GetReference(room);
        Vector128<byte> end = Vector128.Create((byte)'<');
        Vector128<byte> special = Vector128<byte>.Zero;
        Vector128<ulong> sum = Vector128<ulong>.Zero;
        int last = Math.Min(room.Length, from + ValueHash.Segment) - ValueHash.Block;
        int number = 0;
        for (int at = from; at <= last; at += ValueHash.Block, number++)
        {
            Vector128<byte> low = Vector128.LoadUnsafe(ref start, (nuint)at);
            Vector128<byte> high = Vector128.LoadUnsafe(ref start, (nuint)at + 16);
            uint ends = Vector128.Equals(low, end).ExtractMostSignificantBits() | (Vector128.Equals(high, end).ExtractMostSignificantBits() << 16);
            int position = BitOperations.TrailingZeroCount(ends);
            if (ends != 0) ValueHash.Cut(position, ref low, ref high);
            // The upper bit of a byte says the same as the upper bit of a comparison that holds: look closer.
            special |= low | high | Escapes(low) | Escapes(high);
            sum += hash.Products(number, low, high);
            if (ends == 0) continue;
            found = special.ExtractMostSignificantBits() == 0 ? Found.Plain : Found.Escapes | Found.NotAscii;
            hashed = hash.Finish(sum, at + position - from);
            return at + position;
        }
        found = Found.Plain;
        hashed = 0;
        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<byte> Escapes(Vector128<byte> bytes) =>
        Vector128.Equals(bytes, Vector128.Create((byte)'&')) | Vector128.Equals(bytes, Vector128.Create((byte)'#'));
}
