using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;

namespace SysmonWatch.Detection.Decoding;

/// <summary>
/// A fast 64-bit hash of a value under a secret key, so that nobody can write a value that passes for another. Not cryptographic: it never leaves the
/// process but in its own snapshot, and a wrong guess has no second try. Immutable, so any number of threads may use it.
/// </summary>
/// <remarks>
/// Each pair of 32-bit words is added to a pair of key words of its own and multiplied, and the products are added (NH): for any two values of one
/// length the chance that they come out equal is 2^-32, over the keys. Blocks do not wait for each other and what lies behind the end counts as zeros,
/// so hashing has no branches but for values that are longer than a block (<see cref="ValueScan.Hash"/>).
/// Source: Black, Halevi, Krawczyk, Krovetz, Rogaway, "UMAC: Fast and Secure Message Authentication", 1999, section 4.
/// </remarks>
sealed class ValueHash
{
    /// <summary>Bytes that are taken in one step.</summary>
    public const int Block = 2 * Width;

    /// <summary>So many bytes have keys of their own; what comes behind them is another segment, with the same keys under a factor.</summary>
    public const int Segment = Blocks * Block;

    const int Width = 16;
    const int Blocks = 32;

    static int _lastMark;

    readonly Vector128<uint>[] _keys = new Vector128<uint>[2 * Blocks];
    readonly ulong _perSegment;
    readonly ulong _perByte;

    /// <param name="key0">Secret.</param>
    /// <param name="key1">Secret.</param>
    public ValueHash(ulong key0, ulong key1)
    {
        // SplitMix64 over one half of the secret, with the other half in its output.
        ulong state = key0;
        foreach (ref ulong key in MemoryMarshal.Cast<Vector128<uint>, ulong>(_keys.AsSpan())) key = Next(ref state, key1);
        _perSegment = Next(ref state, key1) | 1;
        _perByte = Next(ref state, key1) | 1;
        Mark = Interlocked.Increment(ref _lastMark);
    }

    /// <summary>A hash with secret keys of its own.</summary>
    public static ValueHash New()
    {
        (ulong key0, ulong key1) = NewKeys();
        return new ValueHash(key0, key1);
    }

    /// <summary>Keys that nobody can guess.</summary>
    public static (ulong Key0, ulong Key1) NewKeys()
    {
        Span<byte> key = stackalloc byte[16];
        RandomNumberGenerator.Fill(key);
        return (BitConverter.ToUInt64(key), BitConverter.ToUInt64(key[8..]));
    }

    /// <summary>Tells this one from others, of other keys: what was hashed by one says nothing to another. Never 0.</summary>
    public int Mark { get; }

    /// <summary>All bits of the first n bytes of a block, where n bytes are counted back from <see cref="Block"/>.</summary>
    static ReadOnlySpan<byte> Masks =>
    [
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// <summary>The hash of a value.</summary>
    [SkipLocalsInit]
    public ulong Of(ReadOnlySpan<byte> value)
    {
        Span<byte> last = stackalloc byte[Block];
        ulong segments = 0;
        Vector128<ulong> sum = default;
        ReadOnlySpan<byte> rest = value;
        int number = 0;
        for (; rest.Length >= Block; rest = rest[Block..])
        {
            if (number == Blocks) (segments, sum, number) = ((segments + Sum(sum)) * _perSegment, default, 0);
            ref byte block = ref MemoryMarshal.GetReference(rest);
            sum += Products(number++, Vector128.LoadUnsafe(ref block), Vector128.LoadUnsafe(ref block, Width));
        }
        if (number == Blocks) (segments, sum, number) = ((segments + Sum(sum)) * _perSegment, default, 0);
        last.Clear();
        rest.CopyTo(last);
        sum += Products(number, Vector128.Create(last[..Width]), Vector128.Create(last[Width..]));
        return segments + Finish(sum, value.Length);
    }

    /// <summary>What a block adds to the sum of a value. Blocks in order; the last one is cut, and at least one byte of it is.</summary>
    /// <param name="number">Which block of the value's segment, from 0.</param>
    /// <param name="low">The block's first half.</param>
    /// <param name="high">Its second.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<ulong> Products(int number, Vector128<byte> low, Vector128<byte> high)
    {
        ref Vector128<uint> keys = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_keys), 2 * number);
        return Products(low.AsUInt32() + keys) + Products(high.AsUInt32() + Unsafe.Add(ref keys, 1));
    }

    /// <summary>The hash of a value that ends within its first segment.</summary>
    /// <param name="sum">What its blocks have added.</param>
    /// <param name="length">Bytes of the value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Finish(Vector128<ulong> sum, int length) => Sum(sum) + ((ulong)length * _perByte);

    /// <summary>Makes zeros of what lies behind the first bytes of a block.</summary>
    /// <param name="kept">How many bytes stay; less than <see cref="Block"/>.</param>
    /// <param name="low">The block's first half.</param>
    /// <param name="high">Its second.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Cut(int kept, ref Vector128<byte> low, ref Vector128<byte> high)
    {
        ref byte masks = ref Unsafe.Add(ref MemoryMarshal.GetReference(Masks), Block - kept);
        low &= Vector128.LoadUnsafe(ref masks);
        high &= Vector128.LoadUnsafe(ref masks, Width);
    }

    static ulong Next(ref ulong state, ulong with)
    {
        ulong next = (state += 0x9e3779b97f4a7c15) ^ with;
        next = (next ^ (next >> 30)) * 0xbf58476d1ce4e5b9;
        next = (next ^ (next >> 27)) * 0x94d049bb133111eb;
        return next ^ (next >> 31);
    }

    static ulong Sum(Vector128<ulong> sum) => sum.ToScalar() + sum.GetElement(1);

    /// <summary>The product of the two words of each half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<ulong> Products(Vector128<uint> words)
    {
        Vector128<ulong> pairs = words.AsUInt64();
        return Sse2.IsSupported
            ? Sse2.Multiply(words, (pairs >> 32).AsUInt32())
            : (pairs & Vector128.Create((ulong)uint.MaxValue)) * (pairs >> 32);
    }
}
