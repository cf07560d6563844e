using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SysmonWatch.Detection.Records;

/// <summary>
/// Reads the headers of a file's lines. The header of the next line is that of the line before but for the seconds: where it is, only those are read.
/// Finds what <see cref="SyslogHeader.Read"/> finds, always. Not thread-safe.
/// </summary>
sealed class HeaderMemory
{
    const int Longest = 512;

    const int Width = 16;

    /// <summary>How many bytes of an ISO time stand before its seconds.</summary>
    const int UpToMinute = 17;

    /// <summary>How many bytes of an ISO time stand before its zone, with microseconds.</summary>
    const int UpToZone = 26;

    /// <summary>How many bytes of a traditional time stand before its seconds, and up to their end.</summary>
    const int UpToSeconds = 13, UpToEnd = 15;

    readonly byte[] _remembered = new byte[Longest + Width];

    /// <summary>All bits of every byte that must be as remembered: the header's but for the seconds, and the one behind it.</summary>
    readonly byte[] _same = new byte[Longest + Width];
    SyslogHeader _header;
    long _minute;
    int _timeAt = -1;
    bool _isTraditional;

    /// <summary>Reads the header at the start of a line.</summary>
    public SyslogHeader Read(ReadOnlySpan<byte> line)
    {
        if (IsRemembered(line))
        {
            if (_isTraditional)
            {
                if (Timestamp.IsSeconds(line[(_timeAt + UpToSeconds)..])) return _header;
            }
            else if (Timestamp.TrySecondAndMicroseconds(line[(_timeAt + UpToMinute)..], out long microseconds))
            {
                return _header with { Time = _minute + microseconds };
            }
        }
        SyslogHeader header = SyslogHeader.Read(line);
        Remember(line, header);
        return header;
    }

    /// <summary>True where all but the seconds is as remembered, where anything is. Of a line that is hardly longer than its header it says no.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsRemembered(ReadOnlySpan<byte> line)
    {
        int length = _header.MessageStart + 1;
        if (_timeAt < 0 || line.Length < length + Width) return false;
        ref byte text = ref MemoryMarshal.GetReference(line);
        ref byte remembered = ref MemoryMarshal.GetArrayDataReference(_remembered);
        ref byte same = ref MemoryMarshal.GetArrayDataReference(_same);
        Vector128<byte> different = Vector128<byte>.Zero;
        for (nuint at = 0; at < (nuint)length; at += Width)
        {
            different |= (Vector128.LoadUnsafe(ref text, at) ^ Vector128.LoadUnsafe(ref remembered, at)) & Vector128.LoadUnsafe(ref same, at);
        }
        return different == Vector128<byte>.Zero;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void Remember(ReadOnlySpan<byte> line, SyslogHeader header)
    {
        // Lines of other programs stand between those of Sysmon's and need not be fast.
        int start = header.MessageStart;
        if (header.Program != LineProgram.Sysmon || start >= line.Length || start >= Longest || line[start] != (byte)'<') return;
        int at = line[0] == (byte)'<' ? line.IndexOf((byte)'>') + 1 : 0;
        if (at > 0 && line[at..].StartsWith("1 "u8)) at += 2;
        bool traditional = header.Time == 0;
        long minute = 0;
        if (traditional)
        {
            if (Timestamp.TraditionalLength(line[at..start]) == 0) return;
        }
        else
        {
            if (start - at < UpToZone
                || !Timestamp.TryIso(line[at..], out long time, out _)
                || time != header.Time
                || !Timestamp.TrySecondAndMicroseconds(line[(at + UpToMinute)..], out long microseconds)
                || Timestamp.IsDigit(line[at + UpToZone])) return;
            minute = time - microseconds;
        }
        (_header, _minute, _timeAt, _isTraditional) = (header, minute, at, traditional);
        line[..(start + 1)].CopyTo(_remembered);
        _same.AsSpan(0, start + 1).Fill(0xFF);
        _same.AsSpan(start + 1).Clear();
        if (traditional) _same.AsSpan(at + UpToSeconds, UpToEnd - UpToSeconds).Clear();
        else _same.AsSpan(at + UpToMinute, UpToZone - UpToMinute).Clear();
    }
}
