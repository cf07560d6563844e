using System.Text;
using SysmonWatch.Detection.Records;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>Records of real captures, as bytes.</summary>
static class RealLines
{
    /// <summary>Every file of the captures and the scenarios, in every form they have.</summary>
    public static IEnumerable<string> Files()
    {
        string captures = Places.ReferenceData("data/sysmon/real");
        string scenarios = Places.ReferenceData("data/scenarios/dev");
        return Directory.EnumerateFiles(captures, "*", SearchOption.AllDirectories).Where(f => !f.EndsWith("sysmonLogView.txt", StringComparison.Ordinal))
            .Concat(Directory.EnumerateFiles(scenarios, "syslog.*", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(scenarios, "journal.*", SearchOption.AllDirectories))
            .Order(StringComparer.Ordinal);
    }

    /// <summary>The records of a file.</summary>
    public static IEnumerable<(byte[] Raw, RecordOrigin Origin)> Of(string file)
    {
        using RecordReader reader = RecordReader.Open(File.OpenRead(file));
        var batch = new RecordBatch();
        while (reader.TryRead(batch))
        {
            foreach (LogRecord record in batch.Records) yield return (batch.Buffer.AsSpan(record.Text.Start, record.Text.Length).ToArray(), record.Origin);
        }
    }

    /// <summary>
    /// A few dozen different real lines that live with the tests: one per event id and form, and the strangest of them. Escaped in the file
    /// as C strings where they hold what a text file should not.
    /// </summary>
    public static IReadOnlyList<(string Name, byte[] Raw)> Samples { get; } = [.. Directory
        .EnumerateFiles(Fixtures, "*.log").Order(StringComparer.Ordinal)
        .Select(f => (Path.GetFileNameWithoutExtension(f), File.ReadAllBytes(f)))];

    /// <summary>Where the golden files are.</summary>
    public static string Fixtures => Path.Combine(Places.Repository, "tests/SysmonWatch.Detection.Tests/Fixtures/decoding");

    public static string Text(byte[] raw) => Encoding.Latin1.GetString(raw);
}
