using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SysmonWatch.Detection.Decoding;

/// <summary>
/// Where the values of an event end, all found before the first is looked at: so no value has to wait for the end of the one before it. Not thread-safe.
/// </summary>
/// <remarks>
/// Every &lt; is taken but those that stand 7 bytes behind another one: that is how the start tag of a field follows the end tag of the one before. Whoever uses
/// the places looks whether the tags are there, so what this finds in other texts does not matter.
/// </remarks>
sealed class ValueEnds
{
    /// <summary>How many bytes behind the text are read (and not used).</summary>
    public const int Overrun = Step;

    const int Width = 16;
    const int Step = 4 * Width;

    /// <summary>More than twice as many as the widest event has fields.</summary>
    const int Most = 64;

    readonly int[] _places = new int[Most + Step];

    /// <summary>Finds them.</summary>
    /// <param name="room">The text, and <see cref="Overrun"/> bytes behind it at least.</param>
    /// <param name="from">Where to start: behind the first start tag.</param>
    /// <param name="end">Where the text ends.</param>
    /// <returns>The places in the order of the text; the first of them where there are very many.</returns>
    public ReadOnlySpan<int> Find(ReadOnlySpan<byte> room, int from, int end)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(end, room.Length - Overrun);
        ref byte start = ref MemoryMarshal.GetReference(room);
        ref int places = ref MemoryMarshal.GetArrayDataReference(_places);
        Vector128<byte> open = Vector128.Create((byte)'<');
        int count = 0;
        ulong before = 0;
        for (int at = from; at < end && count < Most; at += Step)
        {
            ref byte block = ref Unsafe.Add(ref start, at);
            ulong opens = Vector128.Equals(Vector128.LoadUnsafe(ref block), open).ExtractMostSignificantBits()
                | ((ulong)Vector128.Equals(Vector128.LoadUnsafe(ref block, Width), open).ExtractMostSignificantBits() << 16)
                | ((ulong)Vector128.Equals(Vector128.LoadUnsafe(ref block, 2 * Width), open).ExtractMostSignificantBits() << 32)
                | ((ulong)Vector128.Equals(Vector128.LoadUnsafe(ref block, 3 * Width), open).ExtractMostSignificantBits() << 48);
            ulong ends = opens & ~((opens << FieldTag.EndTag) | (before >> (Step - FieldTag.EndTag)));
            before = opens;
            if (end - at < Step) ends &= (1ul << (end - at)) - 1;
            int found = BitOperations.PopCount(ends);
            ref int next = ref Unsafe.Add(ref places, count);
            count += found;
            // Three are written whether there are as many or not: a branch for each would be wrong too often.
            next = at + Lowest(ends);
            ends &= ends - 1;
            Unsafe.Add(ref next, 1) = at + Lowest(ends);
            ends &= ends - 1;
            Unsafe.Add(ref next, 2) = at + Lowest(ends);
            for (int i = 3; i < found; i++)
            {
                ends &= ends - 1;
                Unsafe.Add(ref next, i) = at + Lowest(ends);
            }
        }
        return _places.AsSpan(0, count);
    }

    /// <summary>Which is the lowest bit that is set; 64 where none is.</summary>
    /// <remarks>The binary that ships takes no instruction for granted that knows a 0, and a branch for it is what this is to be spared.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Lowest(ulong bits) => BitOperations.PopCount(~bits & (bits - 1));
}
