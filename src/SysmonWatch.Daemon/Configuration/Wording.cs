using System.Globalization;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Configuration;

/// <summary>How values are written in messages: quoted, with units, in the singular or the plural.</summary>
static class Wording
{
    const int LongestQuote = 60;

    /// <summary>The text in quotes, safe to show and not longer than a line needs. Of a URL only the host: the rest may be a secret at a wrong place.</summary>
    public static string Quote(string text)
    {
        int host = text.IndexOf("://", StringComparison.Ordinal) + 3;
        int path = host < 3 ? -1 : text.IndexOf('/', host);
        return $"'{SafeText.Show(path < 0 ? text : text[..path] + "/…", LongestQuote)}'";
    }

    /// <summary>A duration in its largest whole unit: "10 minutes".</summary>
    public static string Say(TimeSpan duration)
    {
        foreach ((long ticks, string unit) in new[]
        {
            (TimeSpan.TicksPerDay, "day"), (TimeSpan.TicksPerHour, "hour"), (TimeSpan.TicksPerMinute, "minute"), (TimeSpan.TicksPerSecond, "second"),
        })
        {
            if (duration.Ticks >= ticks && duration.Ticks % ticks == 0) return Count(duration.Ticks / ticks, unit);
        }
        return Count(duration.Ticks / TimeSpan.TicksPerMillisecond, "millisecond");
    }

    /// <summary>A size in its largest whole unit: "64 KiB".</summary>
    public static string SayBytes(long bytes)
    {
        foreach ((int shift, string unit) in new[] { (30, "GiB"), (20, "MiB"), (10, "KiB") })
        {
            if (bytes >= 1L << shift && bytes % (1L << shift) == 0) return $"{Number(bytes >> shift)} {unit}";
        }
        return Count(bytes, "byte");
    }

    /// <summary>A number with thousands separated by commas.</summary>
    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>The known word that was probably meant, as " Did you mean 'x'?", or nothing where none is near.</summary>
    public static string DidYouMean(string found, IEnumerable<string> known)
    {
        string? best = null;
        int bestDistance = int.MaxValue;
        string asked = found.ToLowerInvariant().Replace('-', '_');
        foreach (string candidate in known)
        {
            int distance = asked.Length > 64 ? int.MaxValue : Distance(asked, candidate);
            if (distance < bestDistance) (best, bestDistance) = (candidate, distance);
        }
        return best is not null && bestDistance <= Math.Max(1, best.Length / 3) ? $" Did you mean '{best}'?" : "";
    }

    /// <summary>A number with its unit: "1 rule", "2,000 rules".</summary>
    /// <param name="number">How many.</param>
    /// <param name="unit">Of what, in the singular.</param>
    public static string Count(long number, string unit) => $"{Number(number)} {unit}{(number == 1 ? "" : "s")}";

    /// <summary>Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the other.</summary>
    static int Distance(string a, string b)
    {
        int[,] d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++) d[i, 0] = i;
        for (int j = 0; j <= b.Length; j++) d[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = a[i - 1] == b[j - 1] ? 0 : 1;
                d[i, j] = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }
        return d[a.Length, b.Length];
    }
}
