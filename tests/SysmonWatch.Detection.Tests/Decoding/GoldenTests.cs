using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>
/// Real lines and journal entries, and what they decode to; Fixtures/decoding/README.md says which is what. WRITE_GOLDEN=1 writes what they
/// decode to now; review it as a diff.
/// </summary>
public sealed class GoldenTests
{
    static readonly string[] Endings = [".log", ".notice", ".export", ".ndjson"];

    public static TheoryData<string> Entries =>
    [
        .. Directory.EnumerateFiles(RealLines.Fixtures).Where(f => Endings.Contains(Path.GetExtension(f))).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Entries))]
    public void Decodes_to_what_it_did(string name)
    {
        string file = Path.ChangeExtension(Path.Combine(RealLines.Fixtures, name), ".json");

        string json = Json(DecodedInput.Read(File.ReadAllBytes(Path.Combine(RealLines.Fixtures, name)))) + "\n";

        if (Environment.GetEnvironmentVariable("WRITE_GOLDEN") == "1") File.WriteAllText(file, json);
        Assert.Equal(File.ReadAllText(file), json);
    }

    /// <summary>The one event or notice of an entry.</summary>
    static string Json(DecodedInput got)
    {
        Assert.Equal((1, 0, 0, 0L), (got.Events.Count + got.Notices.Count, got.NotSysmon, got.Unreadable, got.SkippedMalformed));
        if (got.Events is [DecodedEvent e])
        {
            Assert.Equal(0, got.Unbelieved);
            return e.Json;
        }
        (SysmonNotice n, string text) = got.Notices[0];
        return JsonSerializer.Serialize(new { notice = n.Kind.ToString(), text, count = n.Count, cpu = n.Cpu, repeats = n.Repeats, forged = n.Forged, unbelieved = got.Unbelieved }, Relaxed);
    }

    static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The forms that were recorded (and a priority before a line), and every event that any record has.</summary>
    [Fact]
    public void Every_form_has_every_event()
    {
        string[] forms =
        [
            "iso-event-{0}.log", "traditional-event-{0}.log", "imjournal-event-{0}.log", "rfc5424(-header-added)?-event-{0}.log", "syslog-ng(-header-added)?-event-{0}.log",
            "pri-added-traditional-event-{0}.log", "journal-export-event-{0}.export", "journal-json-event-{0}.ndjson",
        ];
        string[] names = [.. Entries.Select(e => e.Data)];

        foreach (string form in forms)
        {
            foreach (string id in (string[])["001", "003", "004", "005", "009", "010", "011", "016", "023", "100"])
            {
                string pattern = "^" + form.Replace("{0}", id, StringComparison.Ordinal) + "$";
                Assert.True(names.Any(n => Regex.IsMatch(n, pattern)), "Nothing is called " + pattern);
            }
        }
        Assert.DoesNotContain(Directory.EnumerateFiles(RealLines.Fixtures, "*.json"), f => !Endings.Any(e => File.Exists(Path.ChangeExtension(f, e))));
    }

    [Fact]
    public void The_schema_is_the_manifests()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllText(Places.ReferenceData("data/sysmon/schema/events.json")));
        int events = 0;
        foreach (JsonElement e in manifest.RootElement.GetProperty("schemas").GetProperty("4.90").EnumerateArray())
        {
            SchemaEvent ours = SysmonSchema.Find(e.GetProperty("id").GetInt32())!;
            Assert.Equal(e.GetProperty("template").GetString(), ours.Name);
            Assert.Equal(
                e.GetProperty("fields").EnumerateArray().Select(f => (f.GetProperty("name").GetString()!, f.GetProperty("inType").GetString()!)),
                ours.Fields.Select(f => (f.Id.Name, InType(f.Type))));
            events++;
        }

        Assert.Equal(28, events);
        Assert.Equal([27, 28, 29], SysmonSchema.All.Select(e => e.EventId).Where(id => id is > 26 and < 100));
    }

    static string InType(FieldType type) => type switch
    {
        FieldType.Text => "win:UnicodeString",
        FieldType.Uuid => "win:GUID",
        FieldType.Decimal16 => "win:UInt16",
        FieldType.Decimal32 => "win:UInt32",
        FieldType.Hex32 => "win:HexInt32",
        FieldType.Hex64 => "win:HexInt64",
        _ => "win:Boolean",
    };

    [Fact]
    public void Agrees_with_the_vendors_viewer_on_all_it_can_parse()
    {
        string capture = Places.ReferenceData("data/sysmon/real/v1.5.2");
        string[] blocks = Encoding.Latin1.GetString(File.ReadAllBytes(Path.Combine(capture, "debian12.sysmonLogView.txt"))).Split("Event SYSMONEVENT_", StringSplitOptions.RemoveEmptyEntries);
        List<DecodedEvent> whole = [.. DecodedInput.Read(File.OpenRead(Path.Combine(capture, "debian12.syslog"))).Events.Where(e => e.Cut is null && !e.Json.Contains("\"truncated\":true", StringComparison.Ordinal))];

        Assert.Equal(blocks.Length, whole.Count);
        for (int i = 0; i < blocks.Length; i++)
        {
            // It leaves rsyslog's escapes as they are.
            string[] theirs = [.. blocks[i].Split('\n')[1..].Where(line => line.Length > 0)
                .Select(line => Regex.Replace(line[1..], "#0([0-3][0-7])", m => ((char)Convert.ToInt32(m.Groups[1].Value, 8)).ToString()))];
            Assert.Equal(theirs, whole[i].Fields.Select(f => $"{f.Name}: {f.Value}"));
        }
    }
}
