using System.Text;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;

namespace SysmonWatch.Detection.Tests.Decoding;

/// <summary>A line that was torn, and what was written behind it in the same line.</summary>
public sealed class GluedLineTests
{
    const string Header = "2026-11-24T02:19:14.894571+00:00 h sysmon: ";
    const string Cut = Header + "<Event><System><EventID>1</EventID><EventRecordID>5</EventRecordID><Computer>h</Computer></System><EventData><Data Name=\"CommandLine\">bash -c a";
    const string Whole = Header + "<Event><System><EventID>1</EventID><EventRecordID>5</EventRecordID><Computer>h</Computer></System><EventData><Data Name=\"CommandLine\">bash</Data></EventData></Event>";
    const string Next = "<Event><System><EventID>3</EventID><EventRecordID>6</EventRecordID><Computer>h</Computer></System><EventData><Data Name=\"Image\">/b</Data></EventData></Event>";

    static readonly string[] Forms = ["iso", "traditional", "rfc5424", "imjournal"];

    /// <summary>Every place in a real line that a write can be torn at, but its very beginning, and a real line of the same file behind it.</summary>
    [Fact]
    public void Behind_a_real_line_torn_anywhere_the_next_real_line_is_decoded()
    {
        int places = 0;
        foreach (string form in Forms)
        {
            byte[] torn = File.ReadAllBytes(Path.Combine(RealLines.Fixtures, $"{form}-event-011.log"));
            byte[] next = File.ReadAllBytes(Path.Combine(RealLines.Fixtures, $"{form}-event-003.log"));
            DecodedEvent alone = Assert.Single(DecodedInput.Read(next).Events);
            DecodedEvent whole = Assert.Single(DecodedInput.Read(torn).Events);
            int body = Encoding.Latin1.GetString(torn).IndexOf("</EventID>", StringComparison.Ordinal) + 2;
            for (int length = 1; length < torn.AsSpan().TrimEnd((byte)'\n').Length; length++)
            {
                DecodedInput got = DecodedInput.Read([.. torn[..length], .. next]);

                Assert.True(got.Events.Count > 0, Encoding.Latin1.GetString(torn, 0, length));
                DecodedEvent second = got.Events[^1];
                Assert.Equal(
                    (alone.EventId, alone.RecordId, alone.Computer, alone.Time, alone.Marks | EventMarks.Irregular | EventMarks.Doubtful),
                    (second.EventId, second.RecordId, second.Computer, second.Time, second.Marks));
                Assert.Equal(alone.Fields, second.Fields);
                Assert.Equal(0, got.Unbelieved);
                if (length >= body)
                {
                    DecodedEvent first = got.Events[0];
                    Assert.Equal(2, got.Events.Count);
                    Assert.Equal((whole.EventId, EventMarks.Irregular | EventMarks.Truncated), (first.EventId, first.Marks & (EventMarks.Irregular | EventMarks.Truncated)));
                    Assert.Equal(whole.Fields.Take(first.Fields.Count), first.Fields);
                    if (first.Cut is { } cut) Assert.StartsWith(cut.Value, whole.Fields[first.Fields.Count].Value, StringComparison.Ordinal);
                }
                places++;
            }
        }
        Assert.True(places > 3000, $"only {places} places");
    }

    [Fact]
    public void Where_only_the_newline_is_missing_both_are_whole()
    {
        DecodedInput got = DecodedInput.Read(Whole + Header + Next);

        Assert.Equal([(1, EventMarks.Irregular), (3, EventMarks.Irregular | EventMarks.Doubtful)], got.Events.Select(e => (e.EventId, e.Marks)));
    }

    [Fact]
    public void The_cut_value_ends_where_the_next_line_begins()
    {
        DecodedInput got = DecodedInput.Read(Cut + "&am" + Header + Next);

        Assert.Equal(("CommandLine", "bash -c a"), got.Events[0].Cut);
        Assert.Equal("/b", got.Events[1]["Image"]);
    }

    [Theory]
    [InlineData("<14>Nov 24 02:19:15 h sysmon[7]: ")]
    [InlineData("<14>1 2026-11-24T02:19:15Z h sysmon - - -  ")]
    [InlineData("\0\0\0\0Nov 24 02:19:15 h sysmon: ")]
    public void Any_form_of_header_will_do(string header)
    {
        DecodedInput got = DecodedInput.Read(Cut + header + Next);

        Assert.Equal([1, 3], got.Events.Select(e => e.EventId));
        Assert.StartsWith("bash -c a", got.Events[0].Cut!.Value.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void A_torn_text_line_is_a_notice_and_the_event_behind_it_an_event()
    {
        DecodedInput got = DecodedInput.Read($"{Header}Lost 12 eve{Header}{Next}");

        Assert.Equal("Lost 12 eve", Assert.Single(got.Notices).Text);
        Assert.Equal(3, Assert.Single(got.Events).EventId);
    }

    [Theory]
    // No logger writes a line without a header.
    [InlineData(Cut + Next)]
    [InlineData(Whole + Next)]
    [InlineData(Cut + " sysmon: " + Next)]
    // Another program's line, torn in or whole, whose text anybody may have chosen.
    [InlineData(Cut + "2026-11-24T02:19:15Z h nginx: GET /?" + Next)]
    [InlineData(Cut + "2026-11-24T02:19:15Z h nginx: GET /?" + Header + Next)]
    [InlineData(Whole + "2026-11-24T02:19:15Z h nginx: " + Header + Next)]
    // Behind a whole event nothing but the next line's beginning.
    [InlineData(Whole + " " + Header + Next)]
    [InlineData(Whole + "x" + Header + Next)]
    public void An_event_that_nothing_says_sysmon_wrote_is_counted_and_not_believed(string line)
    {
        DecodedInput got = DecodedInput.Read(line);

        DecodedEvent e = Assert.Single(got.Events);
        Assert.Equal((1, EventMarks.Irregular, 1), (e.EventId, e.Marks & EventMarks.Irregular, got.Unbelieved));
    }

    [Theory]
    [InlineData("2026-11-24T02:19:15Z h nginx: GET /?" + Header + Next)]
    [InlineData("2026-11-24T02:19:15Z h nginx: GET /?" + Next)]
    [InlineData("2026-11-24T02:19:15Z h rsyslogd: x" + Header + Next)]
    [InlineData("<14>1 2026-11-24T02:19:15Z h nginx - - - " + Header + Next)]
    [InlineData("a value's second line " + Header + Next)]
    public void Another_programs_text_is_never_an_event_but_counted(string line)
    {
        DecodedInput got = DecodedInput.Read(line);

        Assert.Equal((0, 1, 1), (got.Events.Count, got.NotSysmon, got.Unbelieved));
    }

    [Fact]
    public void What_sysmon_escaped_stays_text()
    {
        string value = (Header + Next).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);

        DecodedInput got = DecodedInput.Read(Cut + value + "</Data></EventData></Event>");

        DecodedEvent e = Assert.Single(got.Events);
        Assert.Equal(("bash -c a" + Header + Next, EventMarks.None, 0), (e["CommandLine"], e.Marks, got.Unbelieved));
    }

    [Fact]
    public void In_the_journal_no_line_is_torn()
    {
        byte[] message = Encoding.Latin1.GetBytes((Cut + Header + Next)[Header.Length..]);

        DecodedInput got = DecodedInput.Message(message, RecordOrigin.JournalOfSysmon);

        Assert.Equal((1, 1), (Assert.Single(got.Events).EventId, got.Unbelieved));
    }

    [Fact]
    public void So_many_in_one_line_are_taken_and_no_more()
    {
        DecodedInput got = DecodedInput.Read(string.Concat(Enumerable.Repeat(Header + Next, 40)));

        Assert.Equal((17, 1), (got.Events.Count, got.Unbelieved));
    }

    [Fact]
    public void Both_are_evaluated_and_counted()
    {
        var counters = new DetectionCounters();
        var decoder = new BatchDecoder(new SequenceWatch(), new ProcessTree(), new ArrivalClock(TimeSpan.FromMinutes(5)), counters);
        var batch = new EventBatch();
        batch.Records.Add(Encoding.Latin1.GetBytes(Cut + Header + Next), RecordOrigin.File, 0);
        batch.Records.Add(Encoding.Latin1.GetBytes(Whole + Next), RecordOrigin.File, 0);

        decoder.Decode(batch);

        Assert.Equal((2, 3, 1, 1), (counters.Records, counters.Events, counters.Glued, counters.Unbelieved));
        Assert.Equal([1, 3, 1], Enumerable.Range(0, batch.Count).Select(i => batch[i].EventId));
    }
}
