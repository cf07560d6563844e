using System.Text;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Tests.Decoding;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Records;

/// <summary>What is damaged, or was written into an input to hide the rest of it.</summary>
public sealed class InputDamageTests
{
    static readonly byte[] Syslog = File.ReadAllBytes(Places.ReferenceData("data/sysmon/real/v1.5.2/debian12.syslog"));
    static readonly byte[] Export = File.ReadAllBytes(Places.ReferenceData("data/sysmon/real/v1.5.2/journal.export"));

    public static TheoryData<string> FirstLines =>
    [
        "__CURSOR=x\n",
        "MESSAGE=x\n",
        "__CURSOR=x\n__REALTIME_TIMESTAMP=1\nMESSAGE=x\n\n",
        "__CURSOR=x\n__REALTIME_TIMESTAMP=1\nMESSAGE=x\n",
        "{\"MESSAGE\":\"x\",\"__CURSOR\":\"y\"}\n",
        "{\"MESSAGE\":\"x\"\n",
        "{ \"MESSAGE\":\n",
        WithLength("X", 1UL << 60),
        WithLength("X", ulong.MaxValue),
        WithLength("X", 700_000_000),
        WithLength("X", 300_000),
        WithLength("X", 20_000),
        WithLength("MESSAGE", 1UL << 60),
        WithLength("MESSAGE", 100_000_000),
        WithLength("MESSAGE", 20_000),
        WithLength("_UID", 4_000),
        "X\n\u0001",
    ];

    /// <summary>An entry whose last field has a length of that.</summary>
    static string WithLength(string name, ulong length) =>
        $"__CURSOR=x\n__REALTIME_TIMESTAMP=1\nSYSLOG_IDENTIFIER=sysmon\n{name}\n{Encoding.Latin1.GetString(BitConverter.GetBytes(length))}";

    [Theory]
    [MemberData(nameof(FirstLines))]
    public void Nobody_blinds_the_reading_of_a_syslog_by_its_first_line(string first)
    {
        List<DecodedEvent> all = DecodedInput.Read(Syslog).Events;
        byte[] bytes = [.. Encoding.Latin1.GetBytes(first), .. Syslog];

        DecodedInput got = DecodedInput.Read(bytes);

        List<DecodedEvent> found = got.Events.FindAll(e => e.Record.Origin == RecordOrigin.File);
        Assert.Equal(all.Select(e => (e.RecordId, e.EventId, e.Fields.Count)), found.Select(e => (e.RecordId, e.EventId, e.Fields.Count)));
    }

    [Theory]
    [InlineData(1UL << 60, true)]
    [InlineData(20_000UL, true)]
    // Too long to be held and too short to be absurd: what was passed over is said.
    [InlineData(200_000_000UL, false)]
    public void In_a_pipe_a_false_length_hides_nothing_or_is_told(ulong length, bool allFound)
    {
        byte[] bytes = [.. Export, .. Encoding.Latin1.GetBytes(WithLength("X", length)), .. Syslog];

        DecodedInput got = DecodedInput.Read(new Pipe(bytes));

        Assert.Equal(allFound ? 468 : 0, got.Events.Count(e => e.Record.Origin == RecordOrigin.File));
        Assert.Equal(468, got.Events.Count(e => e.Record.Origin == RecordOrigin.JournalOfSysmon));
        InputDamage damage = Assert.Single(got.Damage);
        Assert.Equal((Export.Length + WithLength("", 0).Length - 9L, length), (damage.Offset, damage.Claimed));
        Assert.Equal(allFound ? 0 : (ulong)Syslog.Length, damage.Skipped);
    }

    [Fact]
    public void After_a_false_length_the_next_entry_is_read_and_the_place_is_told()
    {
        List<DecodedEvent> all = DecodedInput.Read(Export).Events;
        int entry = Export.AsSpan(0, Export.Length / 2).LastIndexOf("\n\n__CURSOR="u8) + 2;
        byte[] bytes = [.. Export[..entry], .. "_BAD\n"u8, .. BitConverter.GetBytes(77_777L), .. Export[entry..]];

        DecodedInput got = DecodedInput.Read(bytes);

        Assert.Equal(all.Select(e => e.RecordId), got.Events.Select(e => e.RecordId));
        Assert.Equal([new InputDamage(entry, InputDamageReason.FalseLength, 77_777)], got.Damage);
        // What stands where the value would have been may be its text.
        int doubtful = got.Events.Count(e => (e.Marks & EventMarks.Doubtful) != 0);
        Assert.InRange(doubtful, 1, 100);
        Assert.Equal(doubtful, got.Events.Count(e => e.Record.Origin == RecordOrigin.JournalOfUnknown));
    }

    [Fact]
    public void An_export_cut_anywhere_gives_all_before_the_cut()
    {
        List<DecodedEvent> all = DecodedInput.Read(Export).Events;
        int start = Export.AsSpan(0, 300_000).LastIndexOf("\n\n__CURSOR="u8) + 1;
        List<DecodedEvent> before = DecodedInput.Read(Export[..start]).Events;
        Assert.InRange(before.Count, 50, 400);
        for (int length = start; length < start + 6000; length += 7)
        {
            DecodedInput got = DecodedInput.Read(Export[..length]);

            Assert.InRange(got.Events.Count, before.Count, before.Count + 6);
            Assert.Equal(all.Take(got.Events.Count).Select(e => e.RecordId).SkipLast(1), got.Events.Select(e => e.RecordId).SkipLast(1));
        }
    }

    [Theory]
    [InlineData("v1.5.2/journal.export")]
    [InlineData("v1.5.2/journal.all.json")]
    public void An_input_whose_beginning_was_cut_off_is_read_from_its_next_entry_on(string file)
    {
        byte[] bytes = File.ReadAllBytes(Places.ReferenceData("data/sysmon/real/" + file));
        List<DecodedEvent> all = DecodedInput.Read(bytes).Events;
        long leftOut = 0;
        for (int cut = 40_001; cut < 60_000; cut += 1_771)
        {
            DecodedInput got = DecodedInput.Read(bytes[cut..]);

            Assert.InRange(got.Events.Count, 350, 467);
            Assert.Equal(all.TakeLast(got.Events.Count).Select(e => e.RecordId), got.Events.Select(e => e.RecordId));
            leftOut += got.SkippedMalformed;
        }
        // Not of each: what is left of a line can look like a field.
        Assert.True(leftOut >= 6, $"only {leftOut}");
    }

    [Fact]
    public void Text_of_a_value_whose_length_was_damaged_is_not_trusted()
    {
        const string Event = "<Event><System><EventID>1</EventID></System></Event>";
        string text = $"a\n\n__CURSOR=9\n__REALTIME_TIMESTAMP=1\nSYSLOG_IDENTIFIER=sysmon\n_TRANSPORT=syslog\n_UID=0\n_EXE=/opt/sysmon/sysmon\nMESSAGE={Event}\n\nb";
        string entry = "__CURSOR=1\n__REALTIME_TIMESTAMP=1\nSYSLOG_IDENTIFIER=nginx\nMESSAGE\n";
        string whole = $"{entry}{Encoding.Latin1.GetString(BitConverter.GetBytes((long)text.Length))}{text}\n\n";
        string cut = $"{entry}{Encoding.Latin1.GetString(BitConverter.GetBytes((long)text.Length + 50))}{text}";

        Assert.Empty(DecodedInput.Read(whole).Events);
        DecodedEvent e = Assert.Single(DecodedInput.Read(cut).Events);
        Assert.Equal((RecordOrigin.JournalOfUnknown, EventMarks.Doubtful), (e.Record.Origin, e.Marks & EventMarks.Doubtful));
    }

    [Fact]
    public void Lines_that_are_nothing_are_told_with_their_place()
    {
        string entry = "__CURSOR=1\n__REALTIME_TIMESTAMP=1\nMESSAGE=x\n\n";

        DecodedInput got = DecodedInput.Read(entry + "no field\n=x\n1A=x\n" + entry);
        DecodedInput json = DecodedInput.Read("{\"MESSAGE\":\"x\"}\nno object\n");

        Assert.Equal([entry.Length, entry.Length + 9, entry.Length + 12], got.Damage.Select(d => d.Offset));
        Assert.Equal([new InputDamage(16, InputDamageReason.NoObject)], json.Damage);
        Assert.Equal((3, 1), (got.SkippedMalformed, json.SkippedMalformed));
    }

    /// <summary>Cannot seek.</summary>
    sealed class Pipe(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
