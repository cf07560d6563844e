using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace SysmonWatch.Detection.Correlation;

/// <summary>
/// Values as one key of bytes, compared exactly: Linux tells 'x' from 'X'. Each value is its length and its bytes; of one over 256 bytes
/// the beginning and a SHA-256 of the whole, so that an attacker's long command line costs no more than another's.
/// </summary>
static class ValueKey
{
    /// <summary>The most bytes of one value in a key.</summary>
    public const int Longest = 256;

    const ushort Cut = 0x8000;

    /// <summary>What a cut value of no length cannot be.</summary>
    const ushort Absent = Cut;

    /// <summary>The tuples of no fields: one, and it is empty.</summary>
    public static byte[][] NoTuple { get; } = [[]];

    /// <summary>Appends one value.</summary>
    public static void Append(ArrayBufferWriter<byte> key, ReadOnlySpan<byte> value)
    {
        if (value.Length <= Longest)
        {
            AppendPart(key, (ushort)value.Length, value);
            return;
        }
        Span<byte> cut = stackalloc byte[Longest];
        value[..(Longest - SHA256.HashSizeInBytes)].CopyTo(cut);
        SHA256.HashData(value, cut[^SHA256.HashSizeInBytes..]);
        AppendPart(key, Longest | Cut, cut);
    }

    /// <summary>Appends that there is no value.</summary>
    public static void AppendAbsent(ArrayBufferWriter<byte> key) => AppendPart(key, Absent, default);

    /// <summary>Appends a value of another key as it is there.</summary>
    /// <returns>False where that key has not so many values, or this one is absent.</returns>
    public static bool TryCopy(ArrayBufferWriter<byte> key, ReadOnlySpan<byte> from, int position)
    {
        for (int i = 0; TryTake(ref from, out ReadOnlySpan<byte> value, out ushort head); i++)
        {
            if (i != position) continue;
            if (head == Absent) return false;
            AppendPart(key, head, value);
            return true;
        }
        return false;
    }

    /// <summary>The values for people.</summary>
    public static List<string> Texts(ReadOnlySpan<byte> key)
    {
        var texts = new List<string>();
        while (TryTake(ref key, out ReadOnlySpan<byte> value, out ushort head))
        {
            texts.Add((head & Cut) != 0 ? Encoding.UTF8.GetString(value[..^SHA256.HashSizeInBytes]) + "…" : Encoding.UTF8.GetString(value));
        }
        return texts;
    }

    /// <summary>Whether these bytes are a key of so many values; asked of what a snapshot says.</summary>
    /// <param name="key">The bytes.</param>
    /// <param name="values">How many.</param>
    /// <param name="mayBeAbsent">True for a tuple, of which some values may not be there.</param>
    public static bool IsValid(ReadOnlySpan<byte> key, int values, bool mayBeAbsent = false)
    {
        while (TryTake(ref key, out _, out ushort head))
        {
            if (head == Absent && !mayBeAbsent) return false;
            values--;
        }
        return values == 0 && key.IsEmpty;
    }

    static void AppendPart(ArrayBufferWriter<byte> key, ushort head, ReadOnlySpan<byte> bytes)
    {
        Span<byte> into = key.GetSpan(2 + bytes.Length);
        into[0] = (byte)head;
        into[1] = (byte)(head >> 8);
        bytes.CopyTo(into[2..]);
        key.Advance(2 + bytes.Length);
    }

    static bool TryTake(ref ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value, out ushort head)
    {
        value = default;
        head = 0;
        if (key.Length < 2) return false;
        head = (ushort)(key[0] | (key[1] << 8));
        int length = head & ~Cut;
        if (length > Longest || key.Length < 2 + length) return false;
        if (head != Absent && (head & Cut) != 0 && length != Longest) return false;
        value = key.Slice(2, length);
        key = key[(2 + length)..];
        return true;
    }

    /// <summary>Compares keys; its hash has a seed of its own in each process, so that nobody can prepare collisions.</summary>
    public sealed class Comparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static Comparer Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
