using System.Globalization;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>A value read from a scalar, or what is wrong with the scalar.</summary>
/// <param name="Value">The value, where nothing is wrong.</param>
/// <param name="Wrong">What is wrong, without the text of the scalar; null where nothing is.</param>
/// <param name="Found">That text, where the message is to begin with it. It is only shown where no secret can have been put by mistake.</param>
readonly record struct Parsed<T>(T Value, string? Wrong, string? Found = null)
{
    public static Parsed<T> Good(T value) => new(value, null);

    public static Parsed<T> Bad(string wrong) => new(default!, wrong);

    public static Parsed<T> Bad(string found, string wrong) => new(default!, wrong, found);
}

/// <summary>From the text of a scalar to a value: durations, sizes, numbers, words.</summary>
static class Values
{
    static readonly (string Suffix, long Ticks)[] DurationUnits =
    [
        ("ms", TimeSpan.TicksPerMillisecond), ("s", TimeSpan.TicksPerSecond), ("m", TimeSpan.TicksPerMinute),
        ("h", TimeSpan.TicksPerHour), ("d", TimeSpan.TicksPerDay),
    ];

    static readonly (string Suffix, long Bytes)[] SizeUnits = [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("B", 1)];

    /// <summary>A whole number with ms, s, m, h or d; "0" needs no unit.</summary>
    public static Func<string, Parsed<TimeSpan>> Duration(TimeSpan shortest, TimeSpan longest) => text =>
    {
        if (!TryWithUnit(text, DurationUnits, "0", out long ticks))
        {
            return Parsed<TimeSpan>.Bad(text, "is not a duration; expected a whole number with ms, s, m, h or d, such as 30s.");
        }
        var value = new TimeSpan(ticks);
        if (value < shortest) return Parsed<TimeSpan>.Bad($"{Wording.Say(value)} is less than {Wording.Say(shortest)}, the shortest allowed.");
        if (value > longest) return Parsed<TimeSpan>.Bad($"{Wording.Say(value)} is more than {Wording.Say(longest)}, the longest allowed.");
        return Parsed<TimeSpan>.Good(value);
    };

    /// <summary>A whole number with KiB, MiB, GiB or B.</summary>
    public static Func<string, Parsed<long>> Size(long smallest, long largest) => text =>
    {
        if (!TryWithUnit(text, SizeUnits, null, out long bytes))
        {
            return Parsed<long>.Bad(text, "is not a size; expected a whole number with B, KiB, MiB or GiB, such as 64KiB.");
        }
        if (bytes < smallest) return Parsed<long>.Bad($"{Wording.SayBytes(bytes)} is less than {Wording.SayBytes(smallest)}, the least allowed.");
        if (bytes > largest) return Parsed<long>.Bad($"{Wording.SayBytes(bytes)} is more than {Wording.SayBytes(largest)}, the most allowed.");
        return Parsed<long>.Good(bytes);
    };

    /// <summary>A whole number; '_' may divide thousands.</summary>
    public static Func<string, Parsed<int>> Number(int least, int most) => text =>
    {
        if (!long.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
        {
            return Parsed<int>.Bad(text, "is not a whole number.");
        }
        if (number < least) return Parsed<int>.Bad($"{Wording.Number(number)} is less than {Wording.Number(least)}, the least allowed.");
        if (number > most) return Parsed<int>.Bad($"{Wording.Number(number)} is more than {Wording.Number(most)}, the most allowed.");
        return Parsed<int>.Good((int)number);
    };

    /// <summary>One of a few words.</summary>
    public static Func<string, Parsed<T>> OneOf<T>(params (string Word, T Value)[] words) => text =>
    {
        foreach ((string word, T value) in words)
        {
            if (string.Equals(word, text, StringComparison.OrdinalIgnoreCase)) return Parsed<T>.Good(value);
        }
        string[] known = [.. words.Select(w => w.Word)];
        return Parsed<T>.Bad(text, $"is none of {string.Join(", ", known)}.{Wording.DidYouMean(text, known)}");
    };

    /// <summary>Sigma's levels.</summary>
    public static Func<string, Parsed<RuleLevel>> Level { get; } = OneOf(
        ("informational", RuleLevel.Informational), ("low", RuleLevel.Low), ("medium", RuleLevel.Medium), ("high", RuleLevel.High), ("critical", RuleLevel.Critical));

    /// <summary>yes or no.</summary>
    public static Func<string, Parsed<bool>> YesNo { get; } = OneOf(("yes", true), ("no", false), ("true", true), ("false", false));

    /// <summary>auto, yes or no.</summary>
    public static Func<string, Parsed<JournalInput>> Journal { get; } = text => text.ToLowerInvariant() switch
    {
        "true" or "on" => Parsed<JournalInput>.Good(JournalInput.Yes),
        "false" or "off" => Parsed<JournalInput>.Good(JournalInput.No),
        _ => OneOf(("auto", JournalInput.Auto), ("yes", JournalInput.Yes), ("no", JournalInput.No))(text),
    };

    /// <summary>end, beginning or a duration back from now.</summary>
    public static Parsed<StartFrom> Start(string text)
    {
        if (text is "end") return Parsed<StartFrom>.Good(StartFrom.End);
        if (text is "beginning") return Parsed<StartFrom>.Good(StartFrom.Beginning);
        if (text.Length > 0 && !char.IsAsciiDigit(text[0]))
        {
            return Parsed<StartFrom>.Bad(text, $"is none of end, beginning or a duration such as 2h.{Wording.DidYouMean(text, ["end", "beginning"])}");
        }
        Parsed<TimeSpan> back = Duration(TimeSpan.FromSeconds(1), TimeSpan.FromDays(3650))(text);
        return back.Wrong is null ? Parsed<StartFrom>.Good(new StartFrom(back.Value)) : new Parsed<StartFrom>(default, back.Wrong, back.Found);
    }

    static bool TryWithUnit(string text, (string Suffix, long Factor)[] units, string? bare, out long value)
    {
        value = 0;
        if (text == bare) return true;
        int digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits])) digits++;
        if (digits is 0 or > 15) return false;
        string unit = text[digits..].TrimStart();
        foreach ((string suffix, long factor) in units)
        {
            if (!string.Equals(unit, suffix, StringComparison.OrdinalIgnoreCase)) continue;
            long number = long.Parse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture);
            // Beyond what fits is beyond every range too; the largest value says so.
            value = number > long.MaxValue / factor ? long.MaxValue / factor * factor : number * factor;
            return true;
        }
        return false;
    }
}
