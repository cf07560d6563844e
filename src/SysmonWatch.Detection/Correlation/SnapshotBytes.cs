using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace SysmonWatch.Detection.Correlation;

/// <summary>Writes numbers, bytes and texts one after the other.</summary>
sealed class SnapshotWriter
{
    readonly ArrayBufferWriter<byte> _bytes = new();

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public void Number(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_bytes.GetSpan(sizeof(long)), value);
        _bytes.Advance(sizeof(long));
    }

    /// <summary>A count or an index: seven bits a byte, low ones first.</summary>
    public void Count(int value)
    {
        uint rest = (uint)value;
        Span<byte> into = _bytes.GetSpan(5);
        int length = 0;
        for (; rest >= 0x80; rest >>= 7) into[length++] = (byte)(rest | 0x80);
        into[length++] = (byte)rest;
        _bytes.Advance(length);
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Count(value.Length);
        _bytes.Write(value);
    }

    public void Raw(ReadOnlySpan<byte> value) => _bytes.Write(value);

    public void Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));
}

/// <summary>
/// Reads what <see cref="SnapshotWriter"/> wrote, from bytes that may hold anything: past the end, or after a value that cannot be, it
/// has <see cref="Failed"/> and gives zeros.
/// </summary>
ref struct SnapshotReader(ReadOnlySpan<byte> bytes)
{
    ReadOnlySpan<byte> _rest = bytes;

    public bool Failed { get; private set; }

    public readonly bool AtEnd => _rest.IsEmpty;

    public long Number()
    {
        ReadOnlySpan<byte> value = Take(sizeof(long));
        return value.IsEmpty ? 0 : BinaryPrimitives.ReadInt64LittleEndian(value);
    }

    /// <summary>A count of things that take at least so many bytes each, so that no count can ask for more memory than there are bytes.</summary>
    public int Count(int bytesEach = 1)
    {
        int value = Index();
        if ((long)value * bytesEach <= _rest.Length) return value;
        Fail();
        return 0;
    }

    /// <summary>A number from 0.</summary>
    public int Index()
    {
        ulong value = 0;
        for (int shift = 0; shift < 35; shift += 7)
        {
            ReadOnlySpan<byte> one = Take(1);
            if (one.IsEmpty) return 0;
            value |= (ulong)(one[0] & 0x7F) << shift;
            if ((one[0] & 0x80) != 0) continue;
            if (value <= int.MaxValue) return (int)value;
            break;
        }
        Fail();
        return 0;
    }

    public ReadOnlySpan<byte> Bytes() => Take(Count());

    public string Text() => Encoding.UTF8.GetString(Bytes());

    public ReadOnlySpan<byte> Take(int length)
    {
        if (Failed || length > _rest.Length)
        {
            Fail();
            return default;
        }
        ReadOnlySpan<byte> taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    public void Fail()
    {
        Failed = true;
        _rest = default;
    }
}
