using System.Buffers;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Decoding;

/// <summary>
/// Finds the line that begins within another one: a write that was torn (full disk, crash, power) leaves a line without its newline, and the next
/// line is written right behind it.
/// </summary>
/// <remarks>
/// <para>
/// What tells it from text: Sysmon escapes &lt; in every value, so a raw <c>&lt;Event&gt;</c> never comes out of a value; and whoever writes a
/// line writes its header first. So a second event is believed to be a line of its own only with a whole header of Sysmon's directly before it. A
/// header of another program in between means that it may be that program's line, whose text anybody can have chosen (a user agent, a
/// login name): then it is not believed. Nor is one without a header, which no logger writes.
/// </para>
/// <para>Somebody who may write lines under the name sysmon gains nothing: two lines say the same. The event is marked all the same.</para>
/// </remarks>
static class GluedLine
{
    const int LongestTime = 40;
    const int LongestHeader = 512;

    static readonly SearchValues<byte> OfTime = SearchValues.Create("0123456789-T:.+Z "u8);

    static ReadOnlySpan<byte> Months => "JanFebMarAprMayJunJulAugSepOctNovDec"u8;

    /// <summary>Looks for a line of Sysmon's with an event in what is left of a line.</summary>
    /// <param name="text">From where a header may begin to the end of the line.</param>
    /// <param name="start">Where the line begins in <paramref name="text"/>; 0 where there is none.</param>
    /// <param name="latest">The line must begin before this place.</param>
    public static Glue Find(ReadOnlySpan<byte> text, out int start, int latest = int.MaxValue)
    {
        start = 0;
        int at = IndexOfEvent(text);
        if (at < 0) return Glue.None;
        int begins = -1;
        for (int i = 0; i < at;)
        {
            SyslogHeader header = SyslogHeader.Read(text[i..]);
            if (header.Program == LineProgram.None)
            {
                i++;
                continue;
            }
            if (header.Program != LineProgram.Sysmon) return Glue.NotBelieved;
            if (i + header.MessageStart == at) begins = i;
            i += header.MessageStart;
        }
        if (begins < 0 || begins >= latest) return Glue.NotBelieved;
        start = begins;
        return Glue.Line;
    }

    /// <summary>Looks for a line of Sysmon's with an event behind a header that was torn and is none therefore.</summary>
    public static Glue FindBehindTornHeader(ReadOnlySpan<byte> line, out int start)
    {
        start = 0;
        int at = IndexOfEvent(line);
        if (at < 0) return Glue.None;
        for (int i = 1; i < Math.Min(at, LongestHeader); i++)
        {
            SyslogHeader header = SyslogHeader.Read(line[i..]);
            if (header.Program != LineProgram.Sysmon || i + header.MessageStart != at) continue;
            if (!IsTornHeader(line[..i])) break;
            start = i;
            return Glue.Line;
        }
        return Glue.NotBelieved;
    }

    /// <summary>True where a text may be the beginning of a header that is no header yet.</summary>
    static bool IsTornHeader(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart((byte)0);
        if (text.StartsWith("\uFEFF"u8)) text = text[3..];
        if (text.StartsWith("<"u8))
        {
            int digits = 1;
            while (digits < text.Length && digits <= 3 && Timestamp.IsDigit(text[digits])) digits++;
            if (digits == text.Length) return true;
            if (text[digits] != '>' || digits == 1) return false;
            text = text[(digits + 1)..];
            if (text.StartsWith("1 "u8))
            {
                // Up to its structured data it is time, host, program, process and message id.
                int time = text[2..].IndexOf((byte)' ');
                if (time >= 0) return time <= LongestTime && text.Slice(2, time).IndexOfAnyExcept(OfTime) < 0 && text.Length <= LongestHeader && text[2..].Count((byte)' ') <= 5;
            }
        }
        if (text.Length is 0 or > LongestTime) return text.Length == 0;
        if (Timestamp.IsDigit(text[0])) return text.IndexOfAnyExcept(OfTime) < 0;
        int month = Math.Min(text.Length, 3);
        for (int i = 0; i < Months.Length; i += 3)
        {
            if (Months.Slice(i, month).SequenceEqual(text[..month])) return text[month..].IndexOfAnyExcept(OfTime) < 0;
        }
        return false;
    }

    /// <summary>Where the first event starts; -1 where none does.</summary>
    static int IndexOfEvent(ReadOnlySpan<byte> text)
    {
        int at = 0;
        while (true)
        {
            int found = text[at..].IndexOf("<Event"u8);
            if (found < 0) return -1;
            at += found;
            if (EventReader.IsEventStart(text[at..])) return at;
            at += 6;
        }
    }
}

/// <summary>What stands behind the end of an event, or where it was cut.</summary>
enum Glue : byte
{
    /// <summary>No other event.</summary>
    None,

    /// <summary>A line of Sysmon's.</summary>
    Line,

    /// <summary>An event that nothing says Sysmon wrote.</summary>
    NotBelieved,
}
