using System.Runtime.CompilerServices;

namespace SysmonWatch.Detection.Decoding;

/// <summary>
/// Reads the headers of a file's lines. The header of the next line is that of the line before but for the seconds: where it is, only those are read.
/// Finds what <see cref="SyslogHeader.Read"/> finds, always. Not thread-safe.
/// </summary>
sealed class HeaderMemory
{
    const int Longest = 512;

    /// <summary>How many bytes of an ISO time stand before its seconds.</summary>
    const int UpToMinute = 17;

    /// <summary>How many bytes of an ISO time stand before its zone, with microseconds.</summary>
    const int UpToZone = 26;

    readonly byte[] _remembered = new byte[Longest];
    SyslogHeader _header;
    long _minute;
    int _timeAt = -1;

    /// <summary>Reads the header at the start of a line.</summary>
    public SyslogHeader Read(ReadOnlySpan<byte> line)
    {
        int start = _header.MessageStart;
        if (_timeAt >= 0
            && line.Length > start
            && line[start] == (byte)'<'
            && line[.._timeAt].SequenceEqual(_remembered.AsSpan(0, _timeAt))
            && line.Slice(_timeAt, UpToMinute).SequenceEqual(_remembered.AsSpan(_timeAt, UpToMinute))
            && Timestamp.TrySecondAndMicroseconds(line[(_timeAt + UpToMinute)..], out long microseconds)
            && line[(_timeAt + UpToZone)..start].SequenceEqual(_remembered.AsSpan(_timeAt + UpToZone, start - _timeAt - UpToZone)))
        {
            return _header with { Time = _minute + microseconds };
        }
        SyslogHeader header = SyslogHeader.Read(line);
        Remember(line, header);
        return header;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void Remember(ReadOnlySpan<byte> line, SyslogHeader header)
    {
        // Lines of other programs stand between those of Sysmon's and need not be fast.
        int start = header.MessageStart;
        if (header.Program != LineProgram.Sysmon || header.Time == 0 || start >= line.Length || start > Longest || line[start] != (byte)'<') return;
        int at = line[0] == (byte)'<' ? line.IndexOf((byte)'>') + 1 : 0;
        if (at > 0 && line[at..].StartsWith("1 "u8)) at += 2;
        if (start - at < UpToZone
            || !Timestamp.TryIso(line[at..], out long time, out _)
            || time != header.Time
            || !Timestamp.TrySecondAndMicroseconds(line[(at + UpToMinute)..], out long microseconds)
            || Timestamp.IsDigit(line[at + UpToZone])) return;
        line[..start].CopyTo(_remembered);
        (_header, _minute, _timeAt) = (header, time - microseconds, at);
    }
}
