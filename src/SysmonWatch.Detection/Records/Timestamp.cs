using System.Runtime.CompilerServices;

namespace SysmonWatch.Detection.Records;

/// <summary>Reads the times that lines and events carry, without making strings.</summary>
static class Timestamp
{
    /// <summary>
    /// Reads <c>yyyy-MM-ddTHH:mm:ss[.fraction](Z|±hh:mm|±hhmm)</c> at the start of a text. Anything below a microsecond is cut off.
    /// </summary>
    /// <param name="text">Text that starts with the time.</param>
    /// <param name="microseconds">Since 1970-01-01T00:00:00Z.</param>
    /// <param name="length">How many bytes the time takes.</param>
    /// <returns>False where it is no such time.</returns>
    public static bool TryIso(ReadOnlySpan<byte> text, out long microseconds, out int length)
    {
        microseconds = 0;
        length = 0;
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') return false;
        if (!Two(text, 0, out int century) || !Two(text, 2, out int yearInCentury) || !Two(text, 5, out int month) || !Two(text, 8, out int day)
            || !Two(text, 11, out int hour) || !Two(text, 14, out int minute) || !Two(text, 17, out int second)) return false;
        int year = (century * 100) + yearInCentury;
        if (year == 0 || month is < 1 or > 12 || hour > 23 || minute > 59 || second > 60) return false;
        if (day < 1 || (day > 28 && day > DateTime.DaysInMonth(year, month))) return false;

        int at = 19;
        long fraction = 0;
        if (text[at] == '.')
        {
            int digits = 0;
            while (++at < text.Length && IsDigit(text[at]))
            {
                if (digits++ < 6) fraction = (fraction * 10) + (text[at] - '0');
            }
            if (digits == 0) return false;
            for (; digits < 6; digits++) fraction *= 10;
        }
        if (at >= text.Length) return false;

        int offset = 0;
        if (text[at] == 'Z')
        {
            at++;
        }
        else if (text[at] is (byte)'+' or (byte)'-')
        {
            int sign = text[at] == '-' ? -1 : 1;
            if (at + 5 > text.Length || !Two(text, at + 1, out int hours)) return false;
            int colon = text[at + 3] == ':' ? 1 : 0;
            if (at + 5 + colon > text.Length || !Two(text, at + 3 + colon, out int minutes) || hours > 18 || minutes > 59) return false;
            offset = sign * ((hours * 60) + minutes);
            at += 5 + colon;
        }
        else
        {
            return false;
        }

        microseconds = ((((((Days(year, month, day) * 24) + hour) * 60) + minute - offset) * 60) + second) * 1_000_000 + fraction;
        length = at;
        return true;
    }

    /// <summary>Reads <c>ss.ffffff</c> at the start of a text, of a time that <see cref="TryIso"/> would take.</summary>
    /// <param name="text">Text that starts with the seconds.</param>
    /// <param name="microseconds">Since the minute began.</param>
    public static bool TrySecondAndMicroseconds(ReadOnlySpan<byte> text, out long microseconds)
    {
        microseconds = 0;
        if (text.Length < 9 || text[2] != '.') return false;
        if (!Two(text, 0, out int second) || !Two(text, 3, out int first) || !Two(text, 5, out int middle) || !Two(text, 7, out int last) || second > 60) return false;
        microseconds = (second * 1_000_000L) + (first * 10_000) + (middle * 100) + last;
        return true;
    }

    /// <summary>True where a text starts with the two digits of a second, 00 to 60.</summary>
    public static bool IsSeconds(ReadOnlySpan<byte> text) => text.Length >= 2 && Two(text, 0, out int second) && second <= 60;

    /// <summary>Recognises <c>Nov 24 02:09:22</c>, with the day padded by a space or a zero and an optional fraction. It has neither year nor zone.</summary>
    /// <returns>How many bytes it takes; 0 where it is no such time.</returns>
    public static int TraditionalLength(ReadOnlySpan<byte> text)
    {
        if (text.Length < 15 || text[3] != ' ' || text[6] != ' ' || text[9] != ':' || text[12] != ':') return 0;
        if (!IsDigit(text[5]) || !(text[4] == ' ' || IsDigit(text[4]))) return 0;
        if (!Two(text, 7, out int hour) || !Two(text, 10, out int minute) || !Two(text, 13, out int second)) return 0;
        if (hour > 23 || minute > 59 || second > 60 || "JanFebMarAprMayJunJulAugSepOctNovDec"u8.IndexOf(text[..3]) % 3 != 0) return 0;
        int at = 15;
        if (at + 1 < text.Length && text[at] == '.' && IsDigit(text[at + 1]))
        {
            at++;
            while (at < text.Length && IsDigit(text[at])) at++;
        }
        return at;
    }

    /// <summary>Days since 1970-01-01, counted in years that begin with March so that the leap day comes last.</summary>
    static long Days(int year, int month, int day)
    {
        int y = month > 2 ? year : year - 1;
        int m = month > 2 ? month - 3 : month + 9;
        return (365 * y) + (y / 4) - (y / 100) + (y / 400) + (((153 * m) + 2) / 5) + day - 719_469;
    }

    public static bool IsDigit(byte b) => (uint)(b - '0') <= 9;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool Two(ReadOnlySpan<byte> text, int at, out int number)
    {
        uint tens = (uint)(text[at] - '0');
        uint ones = (uint)(text[at + 1] - '0');
        number = (int)((tens * 10) + ones);
        return tens <= 9 && ones <= 9;
    }
}
