using System.Text;
using CsCheck;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>What remembers how the lines before looked finds what is found without a memory, whatever stood before.</summary>
public sealed class MemoryTests
{
    static readonly string[] Headers =
    [
        "2026-11-24T02:19:14.894571+00:00 lab-debian12 sysmon: ",
        "2026-11-24T02:19:59.000000+00:00 lab-debian12 sysmon: ",
        "2026-11-24T02:20:00.894571+00:00 lab-debian12 sysmon: ",
        "2026-11-24T02:19:60.894571+00:00 lab-debian12 sysmon: ",
        "2026-11-24T02:19:61.894571+00:00 lab-debian12 sysmon: ",
        "2026-11-24T02:19:14.89457x+00:00 lab-debian12 sysmon: ",
        "2026-11-24T02:19:14.8945711+00:00 lab-debian12 sysmon: ",
        "2026-11-24T02:19:14.894571+01:00 lab-debian12 sysmon: ",
        "2026-11-24T02:19:14.894571Z lab-debian12 sysmon: ",
        "2026-11-24T02:19:14+00:00 lab-debian12 sysmon: ",
        "2026-11-24T02:19:14.894571+00:00 lab-debian13 sysmon: ",
        "2026-11-24T02:19:14.894571+00:00 lab-debian12 sysmon[12]: ",
        "2026-11-24T02:19:14.894571+00:00 lab-debian12 sysmom: ",
        "2026-11-24T02:19:14.894571+00:00 lab-debian12 sysmon:",
        "<14>2026-11-24T02:19:14.894571+00:00 lab-debian12 sysmon: ",
        "<15>2026-11-24T02:19:14.894571+00:00 lab-debian12 sysmon: ",
        "<14>1 2026-11-24T02:19:14.894571+00:00 lab-debian12 sysmon - - -  ",
        "\u0000\u00002026-11-24T02:19:14.894571+00:00 lab-debian12 sysmon: ",
        "\u00EF\u00BB\u00BF2026-11-24T02:19:14.894571+00:00 lab-debian12 sysmon: ",
        "Nov 24 02:19:14 lab-debian12 sysmon: ",
        "2026-11-24T02:19:14.894571+00:00 " + new string('h', 600) + " sysmon: ",
    ];

    static readonly string[] Messages = ["<Event>", "<", "x", "", " <Event>", "<Event", "2026<"];

    [Fact]
    public void A_header_is_what_it_is_whatever_stood_before()
    {
        Gen<string> line = Gen.Select(Gen.Int[0, Headers.Length - 1], Gen.Int[0, Messages.Length - 1], Gen.Int[0, 80], Gen.Char['\u0000', '\u00FF'], Gen.Int[0, 3]).Select((header, message, at, c, kind) =>
        {
            string text = Headers[header];
            at = Math.Min(at, text.Length - 1);
            // One character another one, one gone, or one more.
            text = kind switch { 0 => text[..at] + c + text[(at + 1)..], 1 => text.Remove(at, 1), 2 => text.Insert(at, c.ToString()), _ => text };
            return text + Messages[message];
        });
        line.Array[1, 20].Sample(lines =>
        {
            var memory = new HeaderMemory();
            foreach (string text in lines)
            {
                byte[] bytes = Encoding.Latin1.GetBytes(text);
                Assert.Equal(SyslogHeader.Read(bytes), memory.Read(bytes));
            }
        }, iter: 20_000);
    }

    [Fact]
    public void A_header_that_comes_again_at_every_length_it_is_cut_to_is_read_as_it_stands()
    {
        var memory = new HeaderMemory();
        byte[] whole = Encoding.Latin1.GetBytes(Headers[0] + "<Event>");
        for (int length = 0; length <= whole.Length; length++)
        {
            memory.Read(whole);

            Assert.Equal(SyslogHeader.Read(whole.AsSpan(0, length)), memory.Read(whole.AsSpan(0, length)));
        }
    }

    [Fact]
    public void An_event_is_what_it_is_whatever_stood_before()
    {
        byte[][] samples = [.. RealLines.Samples.Select(s => s.Raw).Where(r => r.Length < 2500)];
        string[] systems = [.. samples.Select(Encoding.Latin1.GetString).Where(s => s.Contains("<EventData>", StringComparison.Ordinal)).Select(s => s[..(s.IndexOf("<EventData>", StringComparison.Ordinal) + 11)])];
        const string Rest = "<Data Name=\"RuleName\">-</Data><Data Name=\"UtcTime\">2026-11-24 02:19:16.715</Data></EventData></Event>";
        string[] pieces = ["", "0", "9", "x", " ", "<", "&amp;", "\"", "</Computer>", "256", "65536", new string('c', 1100), "\u00FF"];
        // The same System element again and again, each time another place of it changed, or nothing.
        Gen.Select(Gen.Int[0, systems.Length - 1], Gen.Int[0, 700], Gen.Int[0, pieces.Length - 1], Gen.Int[0, 3]).Array[2, 16].Sample(steps =>
        {
            var withMemory = new SysmonDecoder();
            var e = new SysmonEvent();
            foreach ((int which, int at, int piece, int kind) in steps)
            {
                string text = systems[which];
                int place = Math.Min(at, text.Length - 1);
                text = kind switch { 0 => text[..place] + pieces[piece] + text[(place + 1)..], 1 => text.Insert(place, pieces[piece]), _ => text } + Rest;
                Agreement.Check(Encoding.Latin1.GetBytes(text), RecordOrigin.File, withMemory, e);
            }
        }, iter: 3000);
    }

    [Fact]
    public void Every_event_id_has_a_memory_of_its_own_and_large_ones_none()
    {
        var decoder = new SysmonDecoder();
        var e = new SysmonEvent();
        string line = Encoding.Latin1.GetString(RealLines.Samples.Single(s => s.Name == "iso-event-003").Raw);
        for (int round = 0; round < 2; round++)
        {
            foreach (int id in Enumerable.Range(0, 300).Concat([999, 1000, 65_535, 65_536]))
            {
                string other = line.Replace("<EventID>3<", $"<EventID>{id}<", StringComparison.Ordinal).Replace("<EventRecordID>37<", $"<EventRecordID>{id + round}<", StringComparison.Ordinal);
                DecodeOutcome outcome = Agreement.Check(Encoding.Latin1.GetBytes(other), RecordOrigin.File, decoder, e);
                Assert.Equal(id is > 0 and <= 65_535 ? DecodeOutcome.Event : DecodeOutcome.Unreadable, outcome);
            }
        }
    }
}
