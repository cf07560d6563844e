using System.Buffers;

namespace SysmonWatch.Detection.Records;

/// <summary>Whose line it is, as far as that matters here.</summary>
enum LineProgram : byte
{
    /// <summary>Has no syslog header: no record's start.</summary>
    None,

    /// <summary>Some other program.</summary>
    Other,

    /// <summary>The program name is exactly <c>sysmon</c>.</summary>
    Sysmon,

    /// <summary><c>systemd-journald</c>, which says when it suppressed messages.</summary>
    Journald,

    /// <summary><c>rsyslogd</c>, which says when it dropped messages.</summary>
    Rsyslogd,
}

/// <summary>What stands before a message in a syslog file.</summary>
/// <param name="Program">Whose line it is.</param>
/// <param name="Time">The header's time in microseconds since 1970; 0 where it has no year and zone (traditional form).</param>
/// <param name="MessageStart">Offset of the message, behind the blanks that separate it; of another program's line just behind its tag.</param>
/// <remarks>
/// Source: rsyslog's templates RSYSLOG_TraditionalFileFormat, RSYSLOG_FileFormat and RSYSLOG_SyslogProtocol23Format, imjournal's tag with the
/// process id, syslog-ng's default template, busybox syslogd's "facility.severity" before the tag, and an optional &lt;PRI&gt; before any of them.
/// </remarks>
readonly record struct SyslogHeader(LineProgram Program, long Time, int MessageStart)
{
    static readonly SearchValues<byte> FacilityCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789"u8);

    /// <summary>Reads the header at the start of a line. <see cref="LineProgram.None"/> where there is none.</summary>
    public static SyslogHeader Read(ReadOnlySpan<byte> line)
    {
        int at = 0;
        // A file that was being written when the machine went down can have a run of NULs before the next line.
        while (at < line.Length && line[at] == 0) at++;
        if (line[at..].StartsWith("\uFEFF"u8)) at += 3;

        if (at < line.Length && line[at] == '<')
        {
            int close = at + 1;
            while (close < line.Length && close <= at + 3 && Timestamp.IsDigit(line[close])) close++;
            if (close == at + 1 || close >= line.Length || line[close] != '>') return default;
            at = close + 1;
            if (line[at..].StartsWith("1 "u8)) return ReadProtocol23(line, at + 2);
        }

        long time = 0;
        int length;
        if (at + 4 < line.Length && line[at + 4] == '-')
        {
            if (!Timestamp.TryIso(line[at..], out time, out length)) return default;
        }
        else
        {
            length = Timestamp.TraditionalLength(line[at..]);
            if (length == 0) return default;
        }
        at += length;
        if (at >= line.Length || line[at] != ' ') return default;
        at++;

        // The host; busybox without a host has the tag at once.
        ReadOnlySpan<byte> token = Token(line, at);
        if (token.Length == 0) return default;
        if (!IsSysmonTag(token))
        {
            at += token.Length;
            if (at >= line.Length) return default;
            at++;
            token = Token(line, at);
            if (IsFacility(token))
            {
                at += token.Length;
                if (at < line.Length) at++;
                token = Token(line, at);
            }
        }
        return ReadTag(line, at, token, time);
    }

    static SyslogHeader ReadTag(ReadOnlySpan<byte> line, int at, ReadOnlySpan<byte> token, long time)
    {
        if (token.StartsWith("sysmon"u8))
        {
            int colon = TagEnd(token, 6);
            if (colon > 0) return new SyslogHeader(LineProgram.Sysmon, time, SkipBlanks(line, at + colon + 1));
        }
        else if (token.StartsWith("systemd-journald"u8) && TagEnd(token, 16) is > 0 and int end)
        {
            return new SyslogHeader(LineProgram.Journald, time, SkipBlanks(line, at + end + 1));
        }
        else if (token.StartsWith("rsyslogd"u8))
        {
            // rsyslogd: or rsyslogd[12]: or rsyslogd-2007:
            int colon = token.IndexOf((byte)':');
            if (colon > 0) return new SyslogHeader(LineProgram.Rsyslogd, time, SkipBlanks(line, at + colon + 1));
        }
        return new SyslogHeader(LineProgram.Other, time, at + token.Length);
    }

    static SyslogHeader ReadProtocol23(ReadOnlySpan<byte> line, int at)
    {
        long time = 0;
        if (line[at..].StartsWith("- "u8))
        {
            at += 2;
        }
        else
        {
            if (!Timestamp.TryIso(line[at..], out time, out int length)) return default;
            at += length;
            if (at >= line.Length || line[at] != ' ') return default;
            at++;
        }
        at += Token(line, at).Length + 1;
        if (at >= line.Length) return default;
        ReadOnlySpan<byte> name = Token(line, at);
        LineProgram program = name.SequenceEqual("sysmon"u8) ? LineProgram.Sysmon
            : name.SequenceEqual("systemd-journald"u8) ? LineProgram.Journald
            : name.SequenceEqual("rsyslogd"u8) ? LineProgram.Rsyslogd
            : LineProgram.Other;
        at += name.Length + 1;
        if (at >= line.Length) return default;
        at += Token(line, at).Length + 1;
        if (at >= line.Length) return default;
        at += Token(line, at).Length + 1;
        if (at >= line.Length) return default;
        if (line[at] == '-')
        {
            at++;
        }
        else if (line[at] != '[')
        {
            return default;
        }
        else
        {
            // Structured data: [id name="value \" \] \\"] once or more.
            while (at < line.Length && line[at] == '[')
            {
                bool quoted = false;
                for (at++; at < line.Length; at++)
                {
                    byte b = line[at];
                    if (b == '\\' && quoted) at++;
                    else if (b == '"') quoted = !quoted;
                    else if (b == ']' && !quoted) break;
                }
                if (at >= line.Length) return default;
                at++;
            }
        }
        if (at < line.Length && line[at] != ' ') return default;
        at = SkipBlanks(line, at);
        if (line[at..].StartsWith("\uFEFF"u8)) at = SkipBlanks(line, at + 3);
        return new SyslogHeader(program, time, at);
    }

    static ReadOnlySpan<byte> Token(ReadOnlySpan<byte> line, int at)
    {
        if (at >= line.Length) return default;
        ReadOnlySpan<byte> rest = line[at..];
        int space = rest.IndexOf((byte)' ');
        return space < 0 ? rest : rest[..space];
    }

    static bool IsSysmonTag(ReadOnlySpan<byte> token) => token.StartsWith("sysmon"u8) && TagEnd(token, 6) > 0;

    /// <summary>Where the colon of <c>name:</c> or <c>name[12]:</c> is; 0 where it is no such tag.</summary>
    static int TagEnd(ReadOnlySpan<byte> token, int at)
    {
        if (at < token.Length && token[at] == '[')
        {
            int digits = at + 1;
            while (digits < token.Length && Timestamp.IsDigit(token[digits])) digits++;
            if (digits == at + 1 || digits >= token.Length || token[digits] != ']') return 0;
            at = digits + 1;
        }
        return at < token.Length && token[at] == ':' ? at : 0;
    }

    /// <summary>busybox syslogd writes <c>user.info</c> between host and tag.</summary>
    static bool IsFacility(ReadOnlySpan<byte> token)
    {
        int dot = token.IndexOf((byte)'.');
        if (dot < 1 || token[..dot].IndexOfAnyExcept(FacilityCharacters) >= 0) return false;
        ReadOnlySpan<byte> severity = token[(dot + 1)..];
        return severity.SequenceEqual("debug"u8) || severity.SequenceEqual("info"u8) || severity.SequenceEqual("notice"u8)
            || severity.SequenceEqual("warn"u8) || severity.SequenceEqual("warning"u8) || severity.SequenceEqual("err"u8)
            || severity.SequenceEqual("crit"u8) || severity.SequenceEqual("alert"u8) || severity.SequenceEqual("emerg"u8);
    }

    static int SkipBlanks(ReadOnlySpan<byte> line, int at)
    {
        while (at < line.Length && line[at] == ' ') at++;
        return at;
    }
}
