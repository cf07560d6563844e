using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Intake.Journal;
using SysmonWatch.Daemon.Tests.Commands;
using SysmonWatch.Daemon.Tests.Intake;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>
/// The same log gives the same alerts, with the same ids, whichever way it comes: replayed as syslog of any form, as <c>journalctl -o export</c> or
/// <c>-o json</c>, plain or compressed; followed as a file; followed as the journal.
/// </summary>
public sealed class SameAlertsTests : IDisposable
{
    const string Sentinel = "sentinel";

    /// <summary>
    /// Where the records of file and journal differ, and with them the alerts. 02: the file was recorded for 17 events longer. 05: rsyslog was stopped for six seconds, and 12 events are only in the
    /// journal; all but one repeat what is alerted on already. 11: two lines of the file are cut at 8,096 bytes, and behind the cut stands what two rules ask
    /// for; four events are forged, which the journal proves and a file cannot, so there they are believed, and one of them, from another time, ends a
    /// period of suppression early.
    /// </summary>
    static readonly Dictionary<string, Difference> Differences = new()
    {
        ["02-reverse-shells"] = new(-17, [], []),
        ["05-defense-evasion"] = new(12, [], ["Local System Accounts Discovery - Linux 13311"]),
        ["11-watcher-evasion"] = new(
            0,
            ["Bash Interactive Shell 99999991", "Suspicious Reverse Shell Command Line 99999991", "Suspicious Reverse Shell Command Line 99999992", "Suspicious Use of /dev/tcp 99999991", "Suspicious Use of /dev/tcp 99999992"],
            ["Buffer Overflow Attempts 9834", "Execution Of Script Located In Potentially Suspicious Directory 9834", "Forged Sysmon event 7", "Forged Sysmon event 99999991"]),
    };

    // The scenarios are dated November 2026, and a daemon takes what is ahead of its clock for wrong.
    static readonly TimeProvider Later = new ShiftedTime(TimeSpan.FromDays(3650));

    readonly string _directory = Directory.CreateTempSubdirectory("same-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    public static TheoryData<string> Scenarios() =>
        [.. Places.Reference is null ? ["none"] : Directory.GetDirectories(Path.Combine(Places.Reference, "data/scenarios/dev")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).ToArray()];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task Whichever_way_the_log_comes(string scenario)
    {
        string folder = Places.ReferenceData($"data/scenarios/dev/{scenario}"), rules = Places.ReferenceData("data/sigma/rules");
        string iso = Directory.GetFiles(folder, "syslog.iso*").Single(), traditional = Directory.GetFiles(folder, "syslog.traditional*").Single(), export = Path.Combine(folder, "journal.export.gz");
        SysmonWatchOptions options = RunningDaemon.Options(_directory) with { Rules = new RulesOptions { Paths = [rules, .. SeedLog.Rules], PathsAreDefault = false } };
        string[] last = [.. SeedLog.Lines(Sentinel).Where(l => l.Contains("/sbin/reboot", StringComparison.Ordinal)).Select(l => l.Replace("2024-11-24T02", "2026-11-25T02", StringComparison.Ordinal))];
        string lastLine = Write("last", last);

        string[] fromFile = Replay(options, iso, lastLine), fromJournal = Replay(options, export, lastLine);
        List<Dictionary<string, byte[]>> entries = Entries(export);
        string json = Path.Combine(_directory, "journal.json");
        File.WriteAllLines(json, entries.Select(Json));

        Assert.Equal(fromFile, Replay(options, Write("plain", Lines(iso)), lastLine));
        Assert.Equal(fromFile, await FollowFileAsync(options, [.. Lines(iso), .. last]));
        Assert.Equal(fromJournal, Replay(options, json, lastLine));
        Assert.Equal(fromJournal, await FollowJournalAsync(options, entries, last));
        // Without a year in its lines the file is of this year or the last; no rule asks for that.
        Assert.Equal(fromFile, Replay(options, traditional, lastLine));
        Difference expected = Differences.GetValueOrDefault(scenario) ?? new Difference(0, [], []);
        Assert.Equal(expected.OnlyInTheFile, fromFile.Except(fromJournal).Select(WithoutId).Order(StringComparer.Ordinal));
        Assert.Equal(expected.OnlyInTheJournal, fromJournal.Except(fromFile).Select(WithoutId).Order(StringComparer.Ordinal));
        Assert.Equal(expected.MoreEventsInTheJournal, Events(export) - Events(iso));
    }

    [Fact]
    public void Several_files_are_one_stream_in_the_order_given()
    {
        string[] lines = SeedLog.Lines();
        string first = Write("first", lines[..150]), second = Write("second", lines[150..300]), third = Write("third", lines[300..]);
        string compressed = second + ".gz";
        using (var to = new GZipStream(File.Create(compressed), CompressionLevel.Fastest)) to.Write(File.ReadAllBytes(second));

        string[] whole = Replayed.Of(SeedLog.Path).Alerts.Select(a => a.RuleTitle).Order(StringComparer.Ordinal).ToArray();

        Assert.Equal(whole, Replayed.Of(first, compressed, third).Alerts.Select(a => a.RuleTitle).Order(StringComparer.Ordinal));
        Assert.NotEqual(Replayed.Of(first, compressed, third).Ids, Replayed.Of(third, compressed, first).Ids);
    }

    static string[] Replay(SysmonWatchOptions options, params string[] files) => Describe(Replayed.With(files, [.. options.Rules.Paths]).Alerts);

    async Task<string[]> FollowFileAsync(SysmonWatchOptions options, string[] lines)
    {
        await File.WriteAllLinesAsync(Path.Combine(_directory, "syslog"), lines, Encoding.Latin1, TestContext.Current.CancellationToken);
        return await FollowAsync(options with { State = new StateOptions { Directory = Path.Combine(_directory, "state-file") } }, null);
    }

    async Task<string[]> FollowJournalAsync(SysmonWatchOptions options, List<Dictionary<string, byte[]>> entries, string[] last)
    {
        var journal = new ToyJournal();
        foreach (Dictionary<string, byte[]> entry in entries)
        {
            string? transport = Text(entry, "_TRANSPORT");
            if (Text(entry, "SYSLOG_IDENTIFIER") != "sysmon" && transport != "driver") continue;
            journal.Write(long.Parse(Text(entry, "__REALTIME_TIMESTAMP")!, CultureInfo.InvariantCulture), entry["MESSAGE"], transport, Text(entry, "_UID"), Text(entry, "_EXE"));
        }
        DateTimeOffset time = DateTimeOffset.Parse("2026-11-25T02:40:41Z", CultureInfo.InvariantCulture);
        journal.Write((time - DateTimeOffset.UnixEpoch).Ticks / 10, last.Select(l => l[l.IndexOf("<Event>", StringComparison.Ordinal)..]));
        return await FollowAsync(
            options with { Input = new InputOptions { Journal = JournalInput.Yes, Start = StartFrom.Beginning }, State = new StateOptions { Directory = Path.Combine(_directory, "state-journal") } },
            journal);
    }

    static async Task<string[]> FollowAsync(SysmonWatchOptions options, IJournalPlace? journal)
    {
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(options, journal: journal, time: Later);
        var alerts = new List<Alert>();
        while (alerts.Count == 0 || alerts[^1].Computer != Sentinel) alerts.Add(await daemon.NextAsync());
        await daemon.StopAsync();
        while (daemon.HasRaisedMore) alerts.Add(await daemon.NextAsync());
        return Describe(alerts);
    }

    /// <summary>What is compared: the id, and for whoever reads a difference what it is.</summary>
    static string[] Describe(IEnumerable<Alert> alerts) => [.. alerts.Select(a => $"{a.AlertId} {a.RuleTitle} {a.RecordIds[0]}").Order(StringComparer.Ordinal)];

    static string WithoutId(string described) => described[(described.IndexOf(' ', StringComparison.Ordinal) + 1)..];

    static int Events(string file) => int.Parse(
        Regex.Match(Replayed.With([file], ["none"]).Errors, "([0-9,]+) Sysmon events").Groups[1].ValueSpan, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

    string Write(string name, string[] lines)
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllLines(path, lines, Encoding.Latin1);
        return path;
    }

    static string[] Lines(string path)
    {
        using Stream file = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(File.OpenRead(path), CompressionMode.Decompress) : File.OpenRead(path);
        using var reader = new StreamReader(file, Encoding.Latin1);
        // Byte for byte: what is not UTF-8 must stay that.
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    static string? Text(Dictionary<string, byte[]> entry, string field) => entry.TryGetValue(field, out byte[]? value) ? Encoding.UTF8.GetString(value) : null;

    /// <summary>As <c>journalctl --all -o json</c> prints it: what is no printable UTF-8 as an array of numbers.</summary>
    static string Json(Dictionary<string, byte[]> entry)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach ((string name, byte[] value) in entry)
            {
                if (value.All(b => b is >= 0x20 and < 0x7F)) json.WriteString(name, value);
                else
                {
                    json.WriteStartArray(name);
                    foreach (byte b in value) json.WriteNumberValue(b);
                    json.WriteEndArray();
                }
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Source: systemd's JOURNAL_EXPORT_FORMATS: NAME=value, or NAME, a 64-bit little-endian length and that many bytes; an empty line ends an entry.</summary>
    static List<Dictionary<string, byte[]>> Entries(string path)
    {
        using var stream = new MemoryStream();
        using (var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress)) file.CopyTo(stream);
        ReadOnlySpan<byte> rest = stream.ToArray();
        var entries = new List<Dictionary<string, byte[]>>();
        var entry = new Dictionary<string, byte[]>();
        while (rest.Length > 0)
        {
            int end = rest.IndexOf((byte)'\n') is >= 0 and var newline ? newline : rest.Length;
            ReadOnlySpan<byte> line = rest[..end];
            rest = rest[Math.Min(end + 1, rest.Length)..];
            if (line.Length == 0)
            {
                if (entry.ContainsKey("MESSAGE")) entries.Add(entry);
                entry = [];
                continue;
            }
            int equals = line.IndexOf((byte)'=');
            if (equals >= 0)
            {
                entry[Encoding.ASCII.GetString(line[..equals])] = line[(equals + 1)..].ToArray();
                continue;
            }
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(rest);
            entry[Encoding.ASCII.GetString(line)] = rest.Slice(8, length).ToArray();
            rest = rest[(8 + length + 1)..];
        }
        if (entry.ContainsKey("MESSAGE")) entries.Add(entry);
        return entries;
    }

    /// <summary>How file and journal of one scenario differ.</summary>
    sealed record Difference(int MoreEventsInTheJournal, string[] OnlyInTheFile, string[] OnlyInTheJournal);
}
