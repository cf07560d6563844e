using System.Text;
using CsCheck;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Tests.Records;

/// <summary>What is remembered of the lines before never changes what is found in the next.</summary>
public sealed class HeaderMemoryTests
{
    static readonly string[] Before = ["", "", "", "<14>", "<134>", "<14>1 ", "\0", "\u00EF\u00BB\u00BF"];

    static readonly string[] Times =
    [
        "Nov 24 02:09:", "Nov  4 02:09:", "Nov 24 02:10:", "2026-11-24T02:19:", "2026-11-24T02:20:", "1970-01-01T00:00:",
    ];

    static readonly string[] Seconds =
    [
        "00", "07", "22", "59", "60", "61", "99", "5x", ":7", "0/", "22.123", "22.5",
        "14.894571+00:00", "15.000000+00:00", "60.999999+00:00", "61.000000+00:00", "14.89457x+00:00", "14.8945719+00:00", "14.894571Z", "14Z", "00.000000+00:00",
    ];

    static readonly string[] Behind = [" h sysmon: ", " h sysmon[12]: ", " h sysmon:", " other-host sysmon: ", " h bash: ", " h sysmon - - - ", " h user.info sysmon: ", " sysmon: "];

    static readonly string[] Messages = ["<Event><System><EventID>4</EventID>", "<", "", "Linux Sysmon, version 1.5", "<Event>                                                     "];

    [Fact]
    public void Finds_what_is_found_without_it_in_any_order_of_lines()
    {
        Gen<string> line = Gen.Select(Of(Before), Of(Times), Of(Seconds), Of(Behind), Of(Messages)).Select((a, b, c, d, e) => a + b + c + d + e);
        // Lines mostly come in pairs that differ by little, as in a log.
        Gen<string[]> pair = Gen.Select(line, Of(Seconds), Gen.Int[0, 60], Gen.Char['\0', '\u00FF']).Select((first, seconds, at, odd) =>
        {
            string? known = Seconds.OrderByDescending(s => s.Length).FirstOrDefault(s => first.Contains(s, StringComparison.Ordinal));
            string second = known is null ? first : first.Replace(known, seconds, StringComparison.Ordinal);
            string third = at < second.Length ? second[..at] + odd + second[(at + 1)..] : second;
            return (string[])[first, second, third, first];
        });
        int remembered = 0;
        pair.Array[1, 6].Sample(groups =>
        {
            var memory = new HeaderMemory();
            foreach (string text in groups.SelectMany(g => g))
            {
                byte[] bytes = Encoding.Latin1.GetBytes(text);
                SyslogHeader expected = SyslogHeader.Read(bytes);
                if (memory.IsRemembered(bytes)) Interlocked.Increment(ref remembered);

                Assert.Equal(expected, memory.Read(bytes));
            }
        }, iter: 5000);
        Assert.True(remembered > 1000, $"only {remembered} lines were like the one before");

        static Gen<string> Of(string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);
    }

    [Theory]
    [InlineData("Nov 24 02:09:22 h sysmon: ", "Nov 24 02:09:23 h sysmon: ")]
    [InlineData("<134>Nov 24 02:09:22 h sysmon[28096]: ", "<134>Nov 24 02:09:59 h sysmon[28096]: ")]
    [InlineData("2026-11-24T02:19:14.894571+00:00 h sysmon: ", "2026-11-24T02:19:15.000001+00:00 h sysmon: ")]
    public void Remembers_the_forms_that_rsyslog_writes(string first, string second)
    {
        const string Message = "<Event><System><EventID>4</EventID>";
        var memory = new HeaderMemory();

        memory.Read(Encoding.ASCII.GetBytes(first + Message));

        Assert.True(memory.IsRemembered(Encoding.ASCII.GetBytes(second + Message)));
    }

    [Fact]
    public void Events_with_the_same_mark_have_the_same_computer()
    {
        string[] names = ["a", "b", "a-host", "a-hos", "", "c"];
        Gen.Select(Gen.Int[0, names.Length - 1], Gen.Int[3, 5]).Array[2, 40].Sample(events =>
        {
            var decoder = new SysmonDecoder();
            var byMark = new Dictionary<int, string>();
            int marked = 0;
            foreach ((int name, int id) in events)
            {
                byte[] line = Encoding.ASCII.GetBytes($"""<Event><System><Provider Name="Linux-Sysmon" Guid="{"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}"}"/><EventID>{id}</EventID><Version>5</Version><Level>4</Level><Task>{id}</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime="2026-11-24T02:19:15.172257000Z"/><EventRecordID>30</EventRecordID><Correlation/><Execution ProcessID="538" ThreadID="538"/><Channel>Linux-Sysmon/Operational</Channel><Computer>{names[name]}</Computer><Security UserId="0"/></System><EventData></EventData></Event>""");
                var e = new SysmonEvent();
                decoder.Decode(line, new LogRecord(new Slice(0, line.Length), RecordOrigin.JournalOfSysmon, 0), e, out _);

                Assert.Equal(names[name], e.Text(e.Computer));
                if (e.ComputerMark == 0) continue;
                marked++;
                if (!byMark.TryAdd(e.ComputerMark, names[name])) Assert.Equal(byMark[e.ComputerMark], names[name]);
            }
            Assert.Equal(events.Count(e => names[e.Item1].Length > 0), marked);
        }, iter: 500);
    }
}
