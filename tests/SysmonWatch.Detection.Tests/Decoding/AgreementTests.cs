using System.Globalization;
using System.Text;
using CsCheck;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>
/// The fast decoder and the reference agree on everything: real lines, cut lines, made-up events and mutated lines. SYSMONWATCH_LONG=1 cuts
/// everywhere and mutates ten times as often; still longer:
/// <c>SYSMONWATCH_MUTATIONS=10000000 tests/SysmonWatch.Detection.Tests/bin/Release/net10.0/SysmonWatch.Detection.Tests -method "*mutated*"</c>.
/// </summary>
public sealed class AgreementTests
{
    static readonly string[] Tricky = ["-", "", "&amp;", "#012", "</Data>", "]]>", "\n2026-11-24T00:00:00Z h sysmon: <Event>", "#", "&#01;", "\u00EF\u00BB\u00BF", "\"'"];

    readonly SysmonDecoder _decoder = new();
    readonly SysmonEvent _event = new();

    [Fact]
    public void Agrees_on_every_real_line()
    {
        int events = 0;
        Parallel.ForEach(RealLines.Files(), file =>
        {
            var decoder = new SysmonDecoder();
            var e = new SysmonEvent();
            foreach ((byte[] raw, RecordOrigin origin) in RealLines.Of(file))
            {
                if (Agreement.Check(raw, origin, decoder, e) == DecodeOutcome.Event) Interlocked.Increment(ref events);
            }
        });

        Assert.True(events > 40_000, $"only {events} events in all real files");
    }

    [Fact]
    public void Agrees_wherever_a_line_is_cut()
    {
        int cuts = 0;
        foreach ((int sample, (string _, byte[] raw)) in RealLines.Samples.Where(s => s.Raw.Length < 3000).Index())
        {
            for (int length = 0; length <= raw.Length; length++)
            {
                if (!Thoroughness.Takes(length + sample, 3)) continue;
                Agreement.Check(raw[..length], RecordOrigin.File, _decoder, _event);
                cuts++;
            }
        }
        Assert.True(cuts > 10_000, $"only {cuts} cuts");
    }

    [Fact]
    public void A_cut_line_has_every_field_that_was_whole_and_the_beginning_of_the_one_that_was_not()
    {
        int cuts = 0;
        foreach ((int sample, (string _, byte[] raw)) in RealLines.Samples.Where(s => s.Raw.Length < 2500 && Encoding.Latin1.GetString(s.Raw).EndsWith("</Event>", StringComparison.Ordinal)).Index())
        {
            DecodedEvent whole = Assert.Single(DecodedInput.Read(raw).Events);
            for (int length = Encoding.Latin1.GetString(raw).IndexOf("</EventID>", StringComparison.Ordinal) + 1; length < raw.Length; length++)
            {
                // Every line is cut at other places, so that together they are cut everywhere.
                if (!Thoroughness.Takes(length + sample, 7)) continue;
                cuts++;
                DecodedEvent cut = Assert.Single(DecodedInput.Read(raw[..length]).Events);

                int complete = Encoding.Latin1.GetString(raw, 0, length).Split("</Data>").Length - 1;
                Assert.Equal(EventMarks.Truncated, cut.Marks & (EventMarks.Truncated | EventMarks.Irregular));
                Assert.Equal(whole.Fields.Take(complete), cut.Fields);
                if (cut.Cut is { } value)
                {
                    Assert.Equal(whole.Fields[complete].Name, value.Name);
                    Assert.StartsWith(value.Value, whole.Fields[complete].Value, StringComparison.Ordinal);
                }
            }
        }
        Assert.True(cuts > 3_000, $"only {cuts} cuts");
    }

    [Fact]
    public void Agrees_on_mutated_lines()
    {
        int count = int.Parse(Environment.GetEnvironmentVariable("SYSMONWATCH_MUTATIONS") ?? (Thoroughness.Long ? "600000" : "200000"), CultureInfo.InvariantCulture);
        int seed = int.Parse(Environment.GetEnvironmentVariable("SYSMONWATCH_SEED") ?? "20261124", CultureInfo.InvariantCulture);
        byte[][] samples = [.. RealLines.Samples.Select(s => s.Raw).Where(r => r.Length < 4096)];
        int workers = Math.Max(1, Environment.ProcessorCount);

        Parallel.For(0, workers, worker =>
        {
            var mutator = new Mutator(new Random(seed + worker), samples);
            var decoder = new SysmonDecoder();
            var e = new SysmonEvent();
            for (int i = worker; i < count; i += workers)
            {
                RecordOrigin origin = (i % 4) switch { 0 => RecordOrigin.JournalOfSysmon, 1 => RecordOrigin.JournalOfAnother, _ => RecordOrigin.File };
                Agreement.Check(mutator.Next(withHeader: origin == RecordOrigin.File), origin, decoder, e);
            }
        });
    }

    [Fact]
    public void Agrees_on_made_up_events_and_gives_back_what_was_put_in()
    {
        Gen<string> value = Gen.OneOf(
            Gen.String[Gen.Char['\u0001', '\u00FF'], 0, 60],
            Gen.Int[0, Tricky.Length - 1].Select(i => Tricky[i]));
        Gen.Select(Gen.Int[1, 300], value.Array[0, 30], Gen.Int[0, 3], Gen.Bool).Sample((id, values, form, pugixml) =>
        {
            SchemaEvent? schema = SysmonSchema.Find(id);
            (string Name, string Value)[] fields = [.. values.Select((v, i) => (schema is not null && i < schema.Fields.Count ? schema.Fields[i].Id.Name : $"New{i}", v))];
            string xml = Write(id, fields, pugixml);
            // rsyslog's two forms are escaped by it; the others hold raw control characters.
            bool escaped = form <= 1;
            string line = form switch { 0 => "2026-11-24T02:19:15.172468+00:00 h sysmon: ", 1 => "Nov 24 02:19:15 h sysmon[12]: ", _ => "" }
                + (escaped ? string.Concat(xml.Select(c => c < 32 ? "#" + Convert.ToString(c, 8).PadLeft(3, '0') : c.ToString())) : xml);
            byte[] raw = Encoding.Latin1.GetBytes(line);

            DecodeOutcome outcome = Agreement.Check(raw, escaped ? RecordOrigin.File : RecordOrigin.JournalOfSysmon, new SysmonDecoder(), new SysmonEvent());

            Assert.Equal(DecodeOutcome.Event, outcome);
            DecodedEvent decoded = Assert.Single((escaped ? DecodedInput.Read(raw) : DecodedInput.Message(raw, RecordOrigin.JournalOfSysmon)).Events);
            Assert.Equal(EventMarks.None, decoded.Marks & ~(EventMarks.AmbiguousEscape | EventMarks.InvalidUtf8));
            Assert.Equal(fields.Select(f => f.Name), decoded.Fields.Select(f => f.Name));
            // Where rsyslog escaped, a #012 of the program's own cannot be told from a newline.
            IEnumerable<string> expected = fields.Select(f => escaped ? System.Text.RegularExpressions.Regex.Replace(f.Value, "#0([0-3][0-7])", m => ((char)Convert.ToInt32(m.Groups[1].Value, 8)).ToString()) : f.Value);
            Assert.Equal(expected, decoded.Fields.Select(f => f.Value));
        }, iter: 3000);
    }

    [Fact]
    public void Takes_any_bytes()
    {
        Gen.Byte.Array[0, 400].Sample(bytes =>
        {
            foreach (RecordOrigin origin in Enum.GetValues<RecordOrigin>())
            {
                Agreement.Check(bytes, origin, new SysmonDecoder(), new SysmonEvent());
                Agreement.Check([.. "<Event><System><EventID>1</EventID></System><EventData>"u8, .. bytes], origin, new SysmonDecoder(), new SysmonEvent());
            }
            DecodedInput.Read(bytes);
            DecodedInput.Read([.. "__CURSOR=1\n"u8, .. bytes]);
            DecodedInput.Read([.. "{\"MESSAGE\":"u8, .. bytes]);
        }, iter: 2000);
    }

    [Fact]
    public void Makes_nothing_on_the_heap_once_it_is_warm()
    {
        byte[][] lines = [.. RealLines.Samples.Select(s => s.Raw)];
        byte[] buffer = new byte[32 * 1024];

        List<long> made = SteadyState.BytesOf(() =>
        {
            for (int i = 0; i < 100; i++) Run();
        });

        Assert.True(made[^1] == 0, $"bytes in each round: {string.Join(", ", made)}");

        void Run()
        {
            foreach (byte[] line in lines)
            {
                line.CopyTo(buffer, 0);
                _decoder.Decode(buffer, new LogRecord(new Slice(0, line.Length), RecordOrigin.File, 0), _event, out _);
            }
        }
    }

    static string Write(int id, (string Name, string Value)[] fields, bool pugixml)
    {
        var xml = new StringBuilder(
            $"""<Event><System><Provider Name="Linux-Sysmon" Guid="{"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}"}"/><EventID>{id}</EventID><Version>5</Version><Level>4</Level><Task>{id}</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime="2026-11-24T02:19:15.172257000Z"/><EventRecordID>30</EventRecordID><Correlation/><Execution ProcessID="538" ThreadID="538"/><Channel>Linux-Sysmon/Operational</Channel><Computer>h</Computer><Security UserId="0"/></System><EventData>""");
        foreach ((string name, string value) in fields)
        {
            xml.Append(CultureInfo.InvariantCulture, $"<Data Name=\"{name}\">");
            foreach (char c in value)
            {
                xml.Append(c switch
                {
                    '&' => "&amp;",
                    '<' => "&lt;",
                    '>' => "&gt;",
                    '"' when !pugixml => "&quot;",
                    '\r' when !pugixml => "&#13;",
                    < ' ' when pugixml && c is not ('\r' or '\n' or '\t') => $"&#{(int)c:00};",
                    _ => c.ToString(),
                });
            }
            xml.Append("</Data>");
        }
        return xml.Append("</EventData></Event>").ToString();
    }
}
