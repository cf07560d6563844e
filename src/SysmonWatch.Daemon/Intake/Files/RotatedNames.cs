using System.Globalization;
using System.Text.RegularExpressions;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>
/// Which file names are rotated files of a log, and in which order they were written.
/// </summary>
/// <remarks>
/// Source: logrotate(8). <c>syslog.1</c>, <c>syslog.2.gz</c>; with dateext <c>syslog-20261124</c>, <c>syslog-20261124-1763956800.gz</c>; with
/// extension .log <c>app.1.log</c>, <c>app-20261124.log.gz</c>; and by hand <c>syslog.old</c>.
/// </remarks>
static partial class RotatedNames
{
    [GeneratedRegex(@"^(?:[.](?<number>\d{1,6})|[.](?:old|bak)|[-._](?<date>\d{4}[-._]?\d\d[-._]?\d\d(?:[-._T]?\d{1,10}){0,3}))$", RegexOptions.CultureInvariant)]
    static partial Regex Suffix { get; }

    /// <summary>What a name says about its place among the rotated files of a log.</summary>
    /// <param name="live">The name of the file that is written now, without directory.</param>
    /// <param name="name">The name in question, without directory.</param>
    /// <param name="rank">What it says.</param>
    /// <returns>False where it is not a rotated name of that log.</returns>
    public static bool TryRank(string live, string name, out Rank rank)
    {
        rank = default;
        if (name.Length <= live.Length) return false;
        string plain = WithoutCompression(name);
        string extension = Path.GetExtension(live);
        string stem = live[..^extension.Length];
        string suffix;
        if (plain.StartsWith(live, StringComparison.Ordinal))
        {
            suffix = plain[live.Length..];
        }
        else if (extension.Length > 0 && stem.Length > 0 && plain.StartsWith(stem, StringComparison.Ordinal)
            && plain.EndsWith(extension, StringComparison.Ordinal) && plain.Length > live.Length)
        {
            suffix = plain[stem.Length..^extension.Length];
        }
        else
        {
            return false;
        }
        Match match = Suffix.Match(suffix);
        if (!match.Success) return false;
        rank = match.Groups["number"] is { Success: true } number
            ? new Rank(Scheme.Number, long.Parse(number.ValueSpan, CultureInfo.InvariantCulture), "")
            : match.Groups["date"] is { Success: true } date ? new Rank(Scheme.Date, 0, date.Value) : new Rank(Scheme.None, 0, suffix);
        return true;
    }

    /// <summary>A name without the ending that a compressor gave it.</summary>
    public static string WithoutCompression(string name)
    {
        foreach (string ending in (ReadOnlySpan<string>)[".gz", ".xz", ".zst", ".bz2"])
        {
            if (name.EndsWith(ending, StringComparison.Ordinal)) return name[..^ending.Length];
        }
        return name;
    }

    /// <summary>True for compressed files that can be read here: gzip, which is logrotate's default.</summary>
    public static bool IsReadable(string name) => name.EndsWith(".gz", StringComparison.Ordinal) || WithoutCompression(name).Length == name.Length;

    /// <summary>How a rotated name tells its age.</summary>
    public enum Scheme
    {
        /// <summary>It does not; the time of modification has to do.</summary>
        None,

        /// <summary>By a number that grows with age.</summary>
        Number,

        /// <summary>By a date.</summary>
        Date,
    }

    /// <summary>What a rotated name says.</summary>
    /// <param name="Scheme">How it tells its age.</param>
    /// <param name="Number">Larger is older.</param>
    /// <param name="Date">Later in the alphabet is newer.</param>
    public readonly record struct Rank(Scheme Scheme, long Number, string Date);
}
