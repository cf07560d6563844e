using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;

namespace SysmonWatch.SystemTests;

/// <summary>The messages that a real Sysmon sent while a scenario was recorded, in order.</summary>
/// <param name="Messages">Each is the text of one <c>&lt;Event&gt;</c>, its bytes as Latin-1 so that none is lost.</param>
sealed partial record Scenario(IReadOnlyList<string> Messages)
{
    /// <summary>Reads one from Fixtures.</summary>
    /// <param name="name">The fixture's name without <c>.journal.export.gz</c>.</param>
    public static Scenario Load(string name)
    {
        using var file = new GZipStream(File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Fixtures", $"{name}.journal.export.gz")), CompressionMode.Decompress);
        var export = new MemoryStream();
        file.CopyTo(export);
        return new Scenario([.. Entries(export.ToArray())
            .Where(entry => entry.GetValueOrDefault("SYSLOG_IDENTIFIER") == "sysmon" && entry["MESSAGE"].StartsWith("<Event>", StringComparison.Ordinal))
            .Select(entry => entry["MESSAGE"])]);
    }

    /// <summary>The same events moved in time, distances kept, so that the last one happens then.</summary>
    public Scenario EndingAt(DateTimeOffset then)
    {
        TimeSpan shift = TimeSpan.FromTicks((then - Messages.Max(TimeOf)).Ticks / 10 * 10);
        return new Scenario([.. Messages.Select(message => SystemTime.Replace(
            message, time => Invariant($"SystemTime=\"{Parse(time) + shift:yyyy-MM-ddTHH:mm:ss.ffffff}000Z\""), 1))]);
    }

    /// <summary>The part before the event with this EventRecordID, and the part from it on.</summary>
    public (Scenario Before, Scenario From) SplitAt(long recordId)
    {
        int index = Messages.ToList().FindIndex(message => message.Contains($"<EventRecordID>{recordId}</EventRecordID>", StringComparison.Ordinal));
        return (new Scenario([.. Messages.Take(index)]), new Scenario([.. Messages.Skip(index)]));
    }

    [GeneratedRegex("""SystemTime="([^"]*)000Z"(?=/>)""")]
    static partial Regex SystemTime { get; }

    static DateTimeOffset TimeOf(string message) => Parse(SystemTime.Match(message));

    static DateTimeOffset Parse(Match time) =>
        DateTimeOffset.Parse(time.Groups[1].ValueSpan, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);

    static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    // Source: systemd's JOURNAL_EXPORT_FORMATS: NAME=value, or NAME, a 64-bit little-endian length and that many bytes; an empty line ends an entry.
    static IEnumerable<Dictionary<string, string>> Entries(byte[] export)
    {
        var entry = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int at = 0; at < export.Length;)
        {
            int end = Array.IndexOf(export, (byte)'\n', at);
            if (end < 0) end = export.Length;
            string line = Encoding.Latin1.GetString(export, at, end - at);
            at = end + 1;
            if (line.Length == 0)
            {
                if (entry.ContainsKey("MESSAGE")) yield return entry;
                entry = new Dictionary<string, string>(StringComparer.Ordinal);
            }
            else if (line.Split('=', 2) is [var name, var value])
            {
                entry[name] = value;
            }
            else
            {
                int length = (int)BinaryPrimitives.ReadInt64LittleEndian(export.AsSpan(at));
                entry[line] = Encoding.Latin1.GetString(export, at + 8, length);
                at += 8 + length + 1;
            }
        }
        if (entry.ContainsKey("MESSAGE")) yield return entry;
    }
}
