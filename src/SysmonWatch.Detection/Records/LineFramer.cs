using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Records;

/// <summary>
/// Cuts the bytes of a syslog file into records. A record is a line, but for an event whose value holds raw newlines (syslog-ng writes them
/// as they are): its lines are one record.
/// </summary>
/// <remarks>
/// <para>
/// How a continuation is told from an event that was cut: Sysmon escapes &lt; in values, so the first raw &lt; after a value's newline is the
/// value's own end tag. Where it is, all lines up to there belong to the event, also one that looks like the header of another line; where it
/// is anything else, the event was cut and the next line that has a header starts a record of its own.
/// </para>
/// <para>
/// One exception: when the first line is as long as rsyslog cuts (8,096 bytes less what may be missing of the header) a following line with a
/// header is always a record, because whoever makes his command line that long could write its end in a line of his own.
/// </para>
/// <para>
/// NULs before a line are a hole: a crash leaves them where a file had grown and was not written yet, and a writer that goes on at its old place after a
/// truncation. Within a line they are its text, as anybody may have sent them, unless it is longer than any message: then they end what was begun before them.
/// </para>
/// <para>One per file; holds nothing but whether it is inside a line that is too long.</para>
/// </remarks>
public sealed class LineFramer
{
    /// <summary>From this length on an unfinished first line counts as cut by rsyslog ($MaxMessageSize is 8096).</summary>
    const int CutLength = 8000;

    /// <summary>How far an event with raw newlines may reach: Sysmon's longest message and room for its header.</summary>
    const int LongestEvent = 68 * 1024;

    /// <summary>True inside a line that is too long: what comes up to its newline is left out. To be saved with a position within it.</summary>
    public bool IsSkipping { get; set; }

    /// <summary>How many lines were too long and left out.</summary>
    public long TooLong { get; private set; }

    /// <summary>Forgets an unfinished line, for a new file.</summary>
    public void Reset() => IsSkipping = false;

    /// <summary>Cuts <paramref name="buffer"/> from <paramref name="position"/> to <paramref name="end"/> into records.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="position">Where a record starts (or goes on, after a call that returned within a line too long).</param>
    /// <param name="end">Where the bytes end.</param>
    /// <param name="atEnd">
    /// True where nothing follows, or nothing has followed for a while: what is left is complete. Otherwise an unfinished last line, and a last
    /// event that may go on in the next line, are left for the next call.
    /// </param>
    /// <param name="into">Gets the records.</param>
    /// <param name="longest">The longest line taken, in bytes.</param>
    /// <param name="arrival">Arrival of all of them, microseconds since 1970; 0 for none.</param>
    /// <returns>Where the next record starts: everything before is in <paramref name="into"/> or counted in <see cref="TooLong"/>.</returns>
    public int Split(byte[] buffer, int position, int end, bool atEnd, List<LogRecord> into, int longest, long arrival = 0)
    {
        while (position < end)
        {
            int newline = Bytes.IndexOfNewline(buffer.AsSpan(position, end - position));
            if (IsSkipping)
            {
                if (newline < 0) return end;
                IsSkipping = false;
                position += newline + 1;
                continue;
            }
            if (buffer[position] == 0)
            {
                int hole = buffer.AsSpan(position, end - position).IndexOfAnyExcept((byte)0);
                position = hole < 0 ? end : position + hole;
                continue;
            }
            int lineEnd = newline < 0 ? end : position + newline;
            if (lineEnd - position > longest)
            {
                int hole = buffer.AsSpan(position, longest).IndexOf((byte)0);
                if (hole > 0)
                {
                    into.Add(new LogRecord(new Slice(position, hole), RecordOrigin.File, arrival));
                    position += hole;
                    continue;
                }
                TooLong++;
                if (newline < 0)
                {
                    IsSkipping = !atEnd;
                    return end;
                }
                position = lineEnd + 1;
                continue;
            }
            if (newline < 0 && !atEnd) return position;

            int recordEnd = lineEnd;
            if (newline >= 0 && !EndsEvent(buffer.AsSpan(position, lineEnd - position)) && IsOpenEvent(buffer.AsSpan(position, lineEnd - position)))
            {
                recordEnd = EndOfEvent(buffer, position, lineEnd, end, atEnd);
                if (recordEnd < 0) return position;
            }
            if (recordEnd > position) into.Add(new LogRecord(new Slice(position, recordEnd - position), RecordOrigin.File, arrival));
            position = recordEnd < end ? recordEnd + 1 : recordEnd;
        }
        return position;
    }

    /// <summary>Where an event ends that its first line does not end; -1 where more is needed to know.</summary>
    static int EndOfEvent(byte[] buffer, int start, int lineEnd, int end, bool atEnd)
    {
        bool longFirst = lineEnd - start >= CutLength;
        int limit = Math.Min(end, start + LongestEvent);
        int boundary = -1;
        while (true)
        {
            int from = lineEnd + 1;
            if (from >= limit) break;
            int newline = buffer.AsSpan(from, limit - from).IndexOf((byte)'\n');
            if (newline < 0 && (!atEnd || limit < end)) break;
            int to = newline < 0 ? limit : from + newline;
            ReadOnlySpan<byte> line = buffer.AsSpan(from, to - from);
            bool hasHeader = SyslogHeader.Read(line).Program != LineProgram.None;
            if (hasHeader && boundary < 0)
            {
                boundary = lineEnd;
                if (longFirst) return boundary;
            }
            int markup = line.IndexOf((byte)'<');
            if (markup == 0 && hasHeader) return boundary;
            if (markup >= 0)
            {
                if (!line[markup..].StartsWith("</Data>"u8)) return boundary >= 0 ? boundary : lineEnd;
                boundary = -1;
                if (EndsEvent(line) || !EndsInValue(line)) return to;
            }
            lineEnd = to;
            if (to >= limit) break;
        }
        if (limit < end || atEnd) return boundary >= 0 ? boundary : lineEnd;
        return -1;
    }

    static bool EndsEvent(ReadOnlySpan<byte> line)
    {
        if (line.EndsWith("</Event>"u8)) return true;
        return line.Length > 0 && line[^1] <= ' ' && line.TrimEnd("\r\t \0"u8).EndsWith("</Event>"u8);
    }

    static bool IsOpenEvent(ReadOnlySpan<byte> line)
    {
        int open = line.IndexOf("<Event>"u8);
        if (open < 0 || !EndsInValue(line)) return false;
        SyslogHeader header = SyslogHeader.Read(line);
        return header.Program == LineProgram.Sysmon && header.MessageStart == open;
    }

    /// <summary>True where the last thing in a line that is markup is the start of a value.</summary>
    static bool EndsInValue(ReadOnlySpan<byte> line)
    {
        int open = line.LastIndexOf((byte)'<');
        if (open < 0 || !line[open..].StartsWith("<Data Name="u8)) return false;
        ReadOnlySpan<byte> tag = line[open..];
        int close = tag.IndexOf((byte)'>');
        return close > 0 && tag[close - 1] != '/';
    }
}
