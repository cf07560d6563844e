using System.Text;
using System.Text.RegularExpressions;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>Real lines and what they decode to. WRITE_GOLDEN=1 writes what they decode to now; review it as a diff.</summary>
public sealed class GoldenTests
{
    public static TheoryData<string> Lines => [.. RealLines.Samples.Select(s => s.Name)];

    [Theory]
    [MemberData(nameof(Lines))]
    public void Decodes_to_what_it_did(string name)
    {
        string file = Path.Combine(RealLines.Fixtures, name + ".json");
        DecodedEvent e = Assert.Single(DecodedInput.Read(File.ReadAllBytes(Path.Combine(RealLines.Fixtures, name + ".log"))).Events);

        if (Environment.GetEnvironmentVariable("WRITE_GOLDEN") == "1") File.WriteAllText(file, e.Json + "\n");

        Assert.Equal(File.ReadAllText(file), e.Json + "\n");
    }

    [Fact]
    public void The_schema_is_the_manifests()
    {
        using var manifest = System.Text.Json.JsonDocument.Parse(File.ReadAllText(Places.ReferenceData("data/sysmon/schema/events.json")));
        int events = 0;
        foreach (System.Text.Json.JsonElement e in manifest.RootElement.GetProperty("schemas").GetProperty("4.90").EnumerateArray())
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
