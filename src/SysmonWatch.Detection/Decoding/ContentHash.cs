using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Decoding;

/// <summary>
/// A fast 64-bit hash of an event's fields under a secret key, so that nobody can write an event that passes for a copy of another. Not
/// cryptographic: it never leaves the process but in its own snapshot, and a wrong guess has no second try. Not thread-safe.
/// </summary>
/// <remarks>
/// The same name has the same hash whether the table of names knows it or not, so that rules which come and go change nothing. Every 16 bytes are one
/// multiplication of 64 by 64 bits whose halves are folded; fields do not wait for each other.
/// </remarks>
/// <param name="key0">Secret.</param>
/// <param name="key1">Secret.</param>
sealed class ContentHash(ulong key0, ulong key1)
{
    readonly ulong _chain = Fold(key0 ^ 0x9e3779b97f4a7c15, key1) | 1;
    readonly ulong _perByte = Fold(key1 ^ 0xd6e8feb86659fd93, key0) | 1;

    /// <summary>The hashes of known names, and of each with the value "-", by the name's id; 0 where not asked for yet.</summary>
    (ulong Name, ulong WithDash)[] _known = new (ulong, ulong)[128];

    /// <summary>The hash of the first n fields for every n from 1: what a truncated copy is compared by.</summary>
    /// <returns>How many fields.</returns>
    public int Prefixes(SysmonEvent e, Span<ulong> into)
    {
        ulong hash = key1;
        ulong chain = _chain;
        ReadOnlySpan<DataField> fields = e.Fields;
        byte[] buffer = e.Buffer;
        (ulong Name, ulong WithDash)[] known = _known;
        for (int i = 0; i < fields.Length; i++)
        {
            ref readonly DataField field = ref fields[i];
            var value = new ReadOnlySpan<byte>(buffer, field.Value.Start, field.Value.Length);
            ulong one;
            if ((uint)field.Id.Value < (uint)known.Length && known[field.Id.Value].Name != 0)
            {
                // A third of all values is Sysmon's "-".
                one = value is [(byte)'-'] ? known[field.Id.Value].WithDash : Add(known[field.Id.Value].Name, value);
            }
            else
            {
                one = Add(Name(e, field), value);
                known = _known;
            }
            hash = (hash ^ one) * chain;
            hash ^= hash >> 32;
            into[i] = hash;
        }
        return fields.Length;
    }

    /// <summary>The hash of some bytes.</summary>
    /// <remarks>Not under key1, which Add brings in: the two would cancel each other.</remarks>
    public ulong Of(ReadOnlySpan<byte> bytes) => Add(_chain, bytes);

    ulong Name(SysmonEvent e, in DataField field)
    {
        ulong hash = Of(e.Bytes(field.Name)) | 1;
        int id = field.Id.Value;
        if (id < 0) return hash;
        if (id >= _known.Length) Array.Resize(ref _known, Math.Max(_known.Length * 2, id + 1));
        _known[id] = (hash, Add(hash, "-"u8));
        return hash;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    ulong Add(ulong hash, ReadOnlySpan<byte> bytes)
    {
        ref byte at = ref MemoryMarshal.GetReference(bytes);
        int left = bytes.Length;
        ulong key = key0 ^ ((ulong)left * _perByte);
        for (; left > 16; left -= 16, at = ref Unsafe.Add(ref at, 16))
        {
            hash = Fold(Unsafe.ReadUnaligned<ulong>(ref at) ^ key, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, 8)) ^ key1 ^ hash);
        }
        ulong low = 0, high = 0;
        if (left >= 8)
        {
            low = Unsafe.ReadUnaligned<ulong>(ref at);
            high = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, left - 8));
        }
        else if (left >= 4)
        {
            low = Unsafe.ReadUnaligned<uint>(ref at);
            high = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref at, left - 4));
        }
        else if (left > 0)
        {
            low = at | ((ulong)Unsafe.Add(ref at, left / 2) << 8) | ((ulong)Unsafe.Add(ref at, left - 1) << 16);
        }
        return Fold(low ^ key, high ^ key1 ^ hash);
    }

    /// <summary>The halves of the 128-bit product, put together.</summary>
    /// <remarks>Written out: <c>Math.BigMul</c> is a call of its own where the processor's long multiplication is not taken for granted, as in the binary that ships.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Fold(ulong a, ulong b)
    {
        ulong lowLow = (ulong)(uint)a * (uint)b;
        ulong highLow = (a >> 32) * (uint)b;
        ulong lowHigh = (uint)a * (b >> 32);
        ulong middle = (lowLow >> 32) + (uint)highLow + (uint)lowHigh;
        ulong high = ((a >> 32) * (b >> 32)) + (highLow >> 32) + (lowHigh >> 32) + (middle >> 32);
        return high ^ (a * b);
    }
}
