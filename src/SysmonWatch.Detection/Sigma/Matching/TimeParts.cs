using System.Globalization;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>A part of a time stamp that a rule can ask for.</summary>
enum TimePart
{
    /// <summary>0 to 59.</summary>
    Minute,

    /// <summary>0 to 23.</summary>
    Hour,

    /// <summary>Day of the month, 1 to 31.</summary>
    Day,

    /// <summary>ISO 8601 week of the year, 1 to 53.</summary>
    Week,

    /// <summary>1 to 12.</summary>
    Month,

    /// <summary>The year.</summary>
    Year,
}

/// <summary>Reads parts of time stamps as they are written; Sigma asks for no conversion of time zones.</summary>
/// <remarks>Source of the form: RFC 3339, with a space for the T as Sysmon's UtcTime has it; seconds and zone may be missing.</remarks>
static class TimeParts
{
    /// <summary>What a part can be.</summary>
    public static (int Least, int Most) RangeOf(TimePart part) => part switch
    {
        TimePart.Minute => (0, 59),
        TimePart.Hour => (0, 23),
        TimePart.Day => (1, 31),
        TimePart.Week => (1, 53),
        TimePart.Month => (1, 12),
        _ => (1, 9999),
    };

    /// <summary>A part of <c>yyyy-MM-dd[T| ]HH:mm…</c>; a date alone has no hour and minute.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, TimePart part, out int value)
    {
        value = 0;
        if (text.Length < 10 || text[4] != (byte)'-' || text[7] != (byte)'-') return false;
        if (!Digits(text[..4], out int year) || !Digits(text.Slice(5, 2), out int month) || !Digits(text.Slice(8, 2), out int day)) return false;
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        if (part == TimePart.Year) value = year;
        else if (part == TimePart.Month) value = month;
        else if (part == TimePart.Day) value = day;
        else if (part == TimePart.Week) value = ISOWeek.GetWeekOfYear(new DateTime(year, month, day));
        else return TryReadClock(text[10..], part, out value);
        return true;
    }

    static bool TryReadClock(ReadOnlySpan<byte> text, TimePart part, out int value)
    {
        value = 0;
        if (text.Length < 6 || text[0] is not ((byte)'T' or (byte)'t' or (byte)' ') || text[3] != (byte)':') return false;
        if (!Digits(text.Slice(1, 2), out int hour) || !Digits(text.Slice(4, 2), out int minute) || hour > 23 || minute > 59) return false;
        value = part == TimePart.Hour ? hour : minute;
        return true;
    }

    static bool Digits(ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        foreach (byte b in text)
        {
            if (!char.IsAsciiDigit((char)b)) return false;
            value = value * 10 + b - '0';
        }
        return true;
    }
}
