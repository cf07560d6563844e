using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SysmonWatch.Detection.Records;

/// <summary>Searches that go over every byte of a log, four vectors a step.</summary>
/// <remarks>
/// The binary that ships takes SSE4.2 for granted and no more, so the runtime's own searches go over one vector of 16 bytes a step there, and comparing
/// and branching for each is most of what they cost.
/// </remarks>
static class Bytes
{
    const int Width = 16;
    const int Step = 4 * Width;

    /// <summary>The first newline; -1 where there is none.</summary>
    public static int IndexOfNewline(ReadOnlySpan<byte> text)
    {
        ref byte start = ref MemoryMarshal.GetReference(text);
        Vector128<byte> newline = Vector128.Create((byte)'\n');
        nuint at = 0;
        for (; at + Step <= (nuint)text.Length; at += Step)
        {
            Vector128<byte> a = Vector128.Equals(Vector128.LoadUnsafe(ref start, at), newline);
            Vector128<byte> b = Vector128.Equals(Vector128.LoadUnsafe(ref start, at + Width), newline);
            Vector128<byte> c = Vector128.Equals(Vector128.LoadUnsafe(ref start, at + 2 * Width), newline);
            Vector128<byte> d = Vector128.Equals(Vector128.LoadUnsafe(ref start, at + 3 * Width), newline);
            if ((a | b | c | d).ExtractMostSignificantBits() == 0) continue;
            ulong found = a.ExtractMostSignificantBits() | ((ulong)b.ExtractMostSignificantBits() << 16)
                | ((ulong)c.ExtractMostSignificantBits() << 32) | ((ulong)d.ExtractMostSignificantBits() << 48);
            return (int)at + BitOperations.TrailingZeroCount(found);
        }
        int rest = text[(int)at..].IndexOf((byte)'\n');
        return rest < 0 ? -1 : (int)at + rest;
    }

    /// <summary>True where a text starts with another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool StartsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> expected)
    {
        if (text.Length < expected.Length) return false;
        if (expected.Length < Step) return text.StartsWith(expected);
        ref byte one = ref MemoryMarshal.GetReference(text);
        ref byte other = ref MemoryMarshal.GetReference(expected);
        nuint last = (nuint)expected.Length - Step;
        Vector128<byte> different = Different(ref one, ref other, last);
        for (nuint at = 0; at < last; at += Step) different |= Different(ref one, ref other, at);
        return different == Vector128<byte>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<byte> Different(ref byte one, ref byte other, nuint at) =>
        (Vector128.LoadUnsafe(ref one, at) ^ Vector128.LoadUnsafe(ref other, at))
        | (Vector128.LoadUnsafe(ref one, at + Width) ^ Vector128.LoadUnsafe(ref other, at + Width))
        | (Vector128.LoadUnsafe(ref one, at + 2 * Width) ^ Vector128.LoadUnsafe(ref other, at + 2 * Width))
        | (Vector128.LoadUnsafe(ref one, at + 3 * Width) ^ Vector128.LoadUnsafe(ref other, at + 3 * Width));
}
