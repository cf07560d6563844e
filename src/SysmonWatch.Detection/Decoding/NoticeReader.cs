using System.Buffers.Text;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Decoding;

/// <summary>Recognises the plain-text lines that matter.</summary>
/// <remarks>
/// Source: sysmonforlinux.c (banner, losses, telemetry), journald-rate-limit (suppressed), rsyslog's imuxsock and imjournal (rate limit) and
/// its reduction of repeated messages.
/// </remarks>
static class NoticeReader
{
    /// <summary>What a message of Sysmon's says.</summary>
    public static SysmonNotice OfSysmon(ReadOnlySpan<byte> buffer, Slice text)
    {
        int repeats = 1;
        text = Trim(buffer, text);
        ReadOnlySpan<byte> message = Bytes(buffer, text);
        if (message.StartsWith("message repeated "u8) && Number(message[17..], out ulong times, out int digits)
            && message[(17 + digits)..].StartsWith(" times: ["u8) && message[^1] == ']')
        {
            repeats = (int)Math.Min(times, int.MaxValue);
            int skip = 17 + digits + 9;
            text = Trim(buffer, new Slice(text.Start + skip, text.Length - skip - 1));
            message = Bytes(buffer, text);
        }

        // With a rate limit of its own, journald speaks in the name of its unit.
        SysmonNotice suppressed = OfJournald(buffer, text);
        if (suppressed.Kind != NoticeKind.None) return suppressed with { Repeats = repeats };

        var notice = new SysmonNotice(NoticeKind.Text, text, Repeats: repeats);
        if (message.StartsWith("Lost "u8))
        {
            ReadOnlySpan<byte> rest = message[5..];
            if (Number(rest, out ulong lost, out digits) && rest[digits..].StartsWith(" events on CPU #"u8)
                && Number(rest[(digits + 16)..], out ulong cpu, out _))
            {
                return notice with { Kind = NoticeKind.LostEvents, Count = lost, Cpu = (int)Math.Min(cpu, int.MaxValue) };
            }
            if (rest.StartsWith("events: "u8) && Number(rest[8..], out lost, out _)) return notice with { Kind = NoticeKind.LostInTotal, Count = lost };
        }
        if (message.StartsWith("Sysmon v"u8)) return notice with { Kind = NoticeKind.Banner };
        if (message.IndexOf("Telemetry failed to start"u8) >= 0) return notice with { Kind = NoticeKind.TelemetryFailed };
        return notice;
    }

    /// <summary>What a message of journald's says about Sysmon; <see cref="NoticeKind.None"/> where it is about something else.</summary>
    public static SysmonNotice OfJournald(ReadOnlySpan<byte> buffer, Slice text)
    {
        text = Trim(buffer, text);
        ReadOnlySpan<byte> message = Bytes(buffer, text);
        if (!message.StartsWith("Suppressed "u8) || !Number(message[11..], out ulong count, out int digits)) return default;
        ReadOnlySpan<byte> rest = message[(11 + digits)..];
        if (!rest.StartsWith(" messages from "u8)) return default;
        int unit = 11 + digits + 15;
        ReadOnlySpan<byte> name = message[unit..];
        // Older versions write the control group: /system.slice/sysmon.service
        if (!name.SequenceEqual("sysmon.service"u8) && !name.EndsWith("/sysmon.service"u8)) return default;
        return new SysmonNotice(NoticeKind.SuppressedMessages, text, count, Unit: new Slice(text.Start + unit, name.Length));
    }

    /// <summary>What a message of rsyslog's says about its rate limits; <see cref="NoticeKind.None"/> where it is about something else.</summary>
    public static SysmonNotice OfRsyslog(ReadOnlySpan<byte> buffer, Slice text)
    {
        text = Trim(buffer, text);
        ReadOnlySpan<byte> message = Bytes(buffer, text);
        if (message.IndexOf("rate-limiting"u8) < 0) return default;
        int lost = message.IndexOf(" messages lost due to rate-limiting"u8);
        if (lost > 0)
        {
            int from = lost;
            while (from > 0 && Timestamp.IsDigit(message[from - 1])) from--;
            if (Number(message[from..], out ulong count, out _)) return new SysmonNotice(NoticeKind.RateLimited, text, count);
        }
        return message.IndexOf("begin to drop messages"u8) >= 0 ? new SysmonNotice(NoticeKind.RateLimited, text) : default;
    }

    static bool Number(ReadOnlySpan<byte> text, out ulong number, out int digits)
    {
        number = 0;
        digits = 0;
        return text.Length > 0 && Timestamp.IsDigit(text[0]) && Utf8Parser.TryParse(text, out number, out digits);
    }

    static ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> buffer, Slice slice) => buffer.Slice(slice.Start, slice.Length);

    static Slice Trim(ReadOnlySpan<byte> buffer, Slice slice)
    {
        int start = slice.Start;
        int end = slice.End;
        while (start < end && buffer[start] <= ' ') start++;
        while (end > start && buffer[end - 1] <= ' ') end--;
        return new Slice(start, end - start);
    }
}
