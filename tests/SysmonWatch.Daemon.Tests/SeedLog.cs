using System.IO.Compression;
using System.Text;

namespace SysmonWatch.Daemon.Tests;

/// <summary>
/// The real log of the malware that SysmonWatch began with: one process deletes four power-control programs and connects to 400 addresses. Three
/// alerts come of it.
/// </summary>
static class SeedLog
{
    /// <summary>The log as it was recorded, compressed.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "Fixtures", "01a-seed-c-static.syslog.iso.gz");

    /// <summary>
    /// Its lines, a year earlier than they were recorded and of another host: a daemon takes what is dated ahead of its clock for wrong, and no
    /// clock of a machine that runs tests is that wrong.
    /// </summary>
    public static string[] Lines(string host = "web-a01") => [.. Recorded.Select(line => line.Replace("2026-11-24", "2024-11-24").Replace("web-a01", host))];

    static string[] Recorded { get; } = Read();

    static string[] Read()
    {
        using var text = new StreamReader(new GZipStream(File.OpenRead(Path), CompressionMode.Decompress), Encoding.UTF8);
        return text.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
