using System.Buffers.Binary;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Decoding;

/// <summary>
/// A fast 64-bit hash of an event's fields under a secret key, so that nobody can write an event that passes for a copy of another. Not
/// cryptographic: it never leaves the process but in its own snapshot, and a wrong guess has no second try.
/// </summary>
/// <param name="key0">Secret.</param>
/// <param name="key1">Secret.</param>
readonly struct ContentHash(ulong key0, ulong key1)
{
    /// <summary>The hash of the first n fields for every n from 1: what a truncated copy is compared by.</summary>
    /// <returns>How many fields.</returns>
    public int Prefixes(SysmonEvent e, Span<ulong> into)
    {
        ulong hash = key1;
        ReadOnlySpan<DataField> fields = e.Fields;
        for (int i = 0; i < fields.Length; i++)
        {
            hash = Add(hash, e.Bytes(fields[i].Name));
            hash = Add(hash, e.Bytes(fields[i].Value));
            into[i] = hash;
        }
        return fields.Length;
    }

    /// <summary>The hash of some bytes.</summary>
    public ulong Of(ReadOnlySpan<byte> bytes) => Add(key1, bytes);

    ulong Add(ulong hash, ReadOnlySpan<byte> bytes)
    {
        hash = Mix(hash ^ key0, (ulong)bytes.Length + key1);
        while (bytes.Length >= 16)
        {
            hash = Mix(BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ key0, BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]) ^ key1 ^ hash);
            bytes = bytes[16..];
        }
        if (bytes.Length == 0) return hash;
        ulong low, high = 0;
        if (bytes.Length >= 8)
        {
            low = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            high = BinaryPrimitives.ReadUInt64LittleEndian(bytes[^8..]);
        }
        else if (bytes.Length >= 4)
        {
            low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) << 32);
        }
        else
        {
            low = bytes[0] | ((ulong)bytes[bytes.Length / 2] << 8) | ((ulong)bytes[^1] << 16);
        }
        return Mix(low ^ key0, high ^ key1 ^ hash);
    }

    static ulong Mix(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }
}
