using System.IO.Compression;
using System.Text;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests;

/// <summary>
/// The real log of the malware that SysmonWatch began with: one process deletes four power-control programs and connects to 400 addresses. Three
/// alerts come of it by the rules that were written for it.
/// </summary>
static class SeedLog
{
    /// <summary>
    /// The shipped rules that were written for it: what tests of the way of an alert count on, however many others ship.
    /// </summary>
    public static string[] Rules { get; } =
    [
        .. ((string[])["power_control_program_deleted", "connections_to_many_destinations", "reboot_prevented_then_spreading"])
            .Select(name => System.IO.Path.Combine(Places.Repository, "deploy/rules/impact", $"{name}.yml")),
    ];

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
