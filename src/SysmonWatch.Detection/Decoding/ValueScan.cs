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

    /// <summary>The hash of a value, and whether it needs more than being looked at.</summary>
    /// <param name="room">Holds the value, and as many bytes behind it as <see cref="ValueHash.Block"/> says.</param>
    /// <param name="start">Where it starts.</param>
    /// <param name="length">How long it is; shorter than <see cref="ValueHash.Segment"/>.</param>
    /// <param name="hash">Makes the hash.</param>
    /// <param name="special">The upper bit of some byte is set where the value has a &amp;, a # or a byte above 0x7F.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Hash(ReadOnlySpan<byte> room, int start, int length, ValueHash hash, out Vector128<byte> special)
    {
        ref byte at = ref Unsafe.Add(ref MemoryMarshal.GetReference(room), start);
        Vector128<byte> seen = Vector128<byte>.Zero;
        Vector128<ulong> sum = Vector128<ulong>.Zero;
        Vector128<byte> low, high;
        int number = 0;
        for (int left = length; left >= ValueHash.Block; left -= ValueHash.Block, at = ref Unsafe.Add(ref at, ValueHash.Block))
        {
            low = Vector128.LoadUnsafe(ref at);
            high = Vector128.LoadUnsafe(ref at, 16);
            seen |= low | high | Escapes(low) | Escapes(high);
            sum += hash.Products(number++, low, high);
        }
        low = Vector128.LoadUnsafe(ref at);
        high = Vector128.LoadUnsafe(ref at, 16);
        ValueHash.Cut(length & (ValueHash.Block - 1), ref low, ref high);
        special = seen | low | high | Escapes(low) | Escapes(high);
        return hash.Finish(sum + hash.Products(number, low, high), length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<byte> Escapes(Vector128<byte> bytes) =>
        Vector128.Equals(bytes, Vector128.Create((byte)'&')) | Vector128.Equals(bytes, Vector128.Create((byte)'#'));
}
