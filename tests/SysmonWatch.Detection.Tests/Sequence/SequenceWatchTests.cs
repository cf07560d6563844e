using System.Buffers;
using System.Globalization;
using System.Text;
using CsCheck;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;
using SysmonWatch.Detection.Tests.Decoding;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Sequence;

public sealed class SequenceWatchTests
{
    readonly SequenceWatch _watch = new();
    readonly List<SequenceFact> _facts = [];

    /// <summary>An event of computer h; a second later for each number unless said otherwise.</summary>
    static SysmonEvent Event(
        ulong record, string computer = "h", long? second = null, int id = 1, string image = "/bin/true", bool cut = false, EventMarks marks = EventMarks.None, string? more = null)
    {
        string time = DateTime.UnixEpoch.AddSeconds(1_800_000_000 + (second ?? (long)(record % 1_000_000))).ToString("yyyy-MM-dd'T'HH:mm:ss'.000000000Z'", CultureInfo.InvariantCulture);
        string xml = $"<Event><System><EventID>{id}</EventID><TimeCreated SystemTime=\"{time}\"/><EventRecordID>{record}</EventRecordID><Computer>{computer}</Computer></System><EventData>"
            + $"<Data Name=\"RuleName\">-</Data><Data Name=\"Image\">{image}</Data><Data Name=\"CommandLine\">{more ?? "x y z"}" + (cut ? "" : "</Data><Data Name=\"User\">root</Data></EventData></Event>");
        byte[] bytes = Encoding.UTF8.GetBytes(xml);
        var e = new SysmonEvent();
        Assert.Equal(DecodeOutcome.Event, new SysmonDecoder().Decode(bytes, new LogRecord(new Slice(0, bytes.Length), RecordOrigin.JournalOfUnknown, 0), e, out _));
        e.Marks |= marks;
        return e;
    }

    SequenceOutcome See(SysmonEvent e, bool trusted = false) => _watch.Observe(e, trusted, _facts);

    void SeeAll(IEnumerable<ulong> records)
    {
        foreach (ulong record in records) See(Event(record));
    }

    static IEnumerable<ulong> Numbers(ulong from, ulong to)
    {
        for (ulong n = from; n <= to; n++) yield return n;
    }

    [Fact]
    public void Consecutive_numbers_say_nothing()
    {
        SeeAll(Numbers(5000, 5300));
        _watch.Flush(_facts);

        Assert.Empty(_facts);
    }

    [Fact]
    public void Missing_numbers_are_a_gap_once_64_events_have_passed()
    {
        SeeAll([1, 2, 5, 6, 7]);
        Assert.Empty(_facts);

        for (ulong n = 8; n < 80; n++) See(Event(n, second: 7));

        GapFact gap = Assert.IsType<GapFact>(Assert.Single(_facts));
        Assert.Equal((3UL, 4UL, 2UL, 5UL), (gap.From, gap.To, gap.Count, gap.Evidence.RecordId));
    }

    [Fact]
    public void Missing_numbers_are_a_gap_once_10_seconds_have_passed_or_at_the_end()
    {
        See(Event(1, second: 0));
        See(Event(3, second: 1));
        See(Event(4, second: 10));
        Assert.Empty(_facts);
        See(Event(5, second: 11));
        Assert.Equal(2UL, Assert.IsType<GapFact>(Assert.Single(_facts)).From);

        See(Event(7, second: 12));
        _watch.Flush(_facts);
        Assert.Equal(6UL, Assert.IsType<GapFact>(_facts[1]).From);
    }

    [Fact]
    public void Slight_disorder_is_none()
    {
        Gen.Int[0, 40].Array[200, 400].Sample(delays =>
        {
            var watch = new SequenceWatch();
            List<SequenceFact> facts = [];
            // Each number comes up to 40 places late.
            foreach (int n in Enumerable.Range(100, delays.Length).OrderBy(n => n + delays[n - 100]).ThenBy(n => n))
            {
                Assert.Equal(SequenceOutcome.New, watch.Observe(Event((ulong)n, second: n / 100), false, facts));
            }
            watch.Flush(facts);
            // The first event seen is where counting starts, so nothing before it is missed.
            Assert.Empty(facts);
        }, iter: 60);
    }

    [Fact]
    public void A_restart_goes_on_counting()
    {
        SeeAll(Numbers(10, 20));
        See(Event(21, id: 4));
        See(Event(22, id: 16, second: 500_000));
        See(Event(23, id: 4, second: 500_000));
        SeeAll([]);
        _watch.Flush(_facts);

        Assert.Empty(_facts);
    }

    [Fact]
    public void Interleaved_hosts_count_for_themselves()
    {
        for (ulong n = 0; n < 200; n++)
        {
            See(Event(n, "a"));
            if (n != 100) See(Event(9000 + n, "b", second: (long)n));
            See(Event(n * 1, "c"));
        }
        _watch.Flush(_facts);

        GapFact gap = Assert.IsType<GapFact>(Assert.Single(_facts));
        Assert.Equal(("b", 9100UL, 1UL), (gap.Computer, gap.From, gap.Count));
    }

    [Theory]
    [InlineData(30)]
    [InlineData(3000)]
    public void A_reinstallation_is_a_reset_at_its_first_event(int before)
    {
        SeeAll(Numbers(0, (ulong)before));
        See(Event(0, id: 16, second: 900_000));
        See(Event(1, id: 4, second: 900_000));
        for (ulong n = 2; n < 100; n++) Assert.Equal(SequenceOutcome.New, See(Event(n, second: 900_000 + (long)n)));
        _watch.Flush(_facts);

        ResetFact reset = Assert.IsType<ResetFact>(Assert.Single(_facts));
        Assert.Equal(((ulong)before, 0UL, 16), (reset.Last, reset.First, reset.Evidence.EventId));
    }

    [Fact]
    public void A_reset_whose_start_was_lost_is_believed_with_its_third_event()
    {
        SeeAll(Numbers(9000, 9100));
        See(Event(40, second: 900_040));
        See(Event(41, second: 900_041));
        Assert.Empty(_facts);
        See(Event(42, second: 900_042));

        ResetFact reset = Assert.IsType<ResetFact>(Assert.Single(_facts));
        Assert.Equal((9100UL, 40UL), (reset.Last, reset.First));
    }

    [Fact]
    public void An_older_file_after_a_newer_one_is_no_reset()
    {
        SeeAll(Numbers(9000, 9100));
        SeeAll(Numbers(100, 300));
        _watch.Flush(_facts);

        Assert.Empty(_facts);
    }

    [Fact]
    public void A_number_far_too_high_hides_nothing_and_makes_no_gap()
    {
        SeeAll(Numbers(9900, 9941));
        See(Event(99_999_991, second: 9941));
        for (ulong n = 9942; n < 10_100; n++) See(Event(n, second: 9941));
        _watch.Flush(_facts);

        OutlierFact outlier = Assert.IsType<OutlierFact>(Assert.Single(_facts));
        Assert.Equal(99_999_991UL, outlier.RecordId);
    }

    [Fact]
    public void A_number_far_too_low_is_an_outlier_when_the_count_goes_on()
    {
        SeeAll(Numbers(9900, 9941));
        See(Event(7, second: 9942));
        See(Event(9942));
        _watch.Flush(_facts);

        OutlierFact outlier = Assert.IsType<OutlierFact>(Assert.Single(_facts));
        Assert.Equal((7UL, 9943UL), (outlier.RecordId, outlier.Expected));
    }

    [Fact]
    public void A_forged_start_does_not_make_the_old_count_a_gap()
    {
        SeeAll(Numbers(9900, 9941));
        See(Event(0, id: 16, second: 9942));
        SeeAll(Numbers(9942, 10_100));
        _watch.Flush(_facts);

        Assert.DoesNotContain(_facts, f => f is GapFact);
        Assert.Contains(_facts, f => f is ResetFact);
        Assert.Contains(_facts, f => f is OutlierFact { RecordId: 0 });
    }

    [Fact]
    public void The_same_event_by_another_way_is_a_copy()
    {
        SeeAll(Numbers(1, 500));

        Assert.All(Numbers(1, 500), n => Assert.Equal(SequenceOutcome.Copy, See(Event(n))));
        Assert.Empty(_facts);
    }

    [Fact]
    public void Writing_a_number_first_hides_nothing()
    {
        SeeAll([1, 2]);
        Assert.Equal(SequenceOutcome.New, See(Event(3, image: "/bin/false")));
        SysmonEvent genuine = Event(3, image: "/tmp/evil");

        Assert.Equal(SequenceOutcome.Conflict, See(genuine));

        Assert.Equal(EventMarks.Conflicting, genuine.Marks);
        ConflictFact conflict = Assert.IsType<ConflictFact>(Assert.Single(_facts));
        Assert.Equal((conflict.Other, 3UL), (conflict.Evidence, conflict.Evidence.RecordId));
        // And by the other way each is a copy of itself.
        Assert.Equal(SequenceOutcome.Copy, See(Event(3, image: "/tmp/evil")));
        Assert.Equal(SequenceOutcome.Copy, See(Event(3, image: "/bin/false")));
    }

    [Theory]
    [InlineData(true, 1, false)]
    [InlineData(false, 3, false)]
    [InlineData(false, 1, true)]
    public void Another_time_or_id_or_value_is_no_copy(bool otherTime, int id, bool otherValue)
    {
        SeeAll(Numbers(40, 50));

        Assert.Equal(SequenceOutcome.Conflict, See(Event(50, second: otherTime ? 51 : 50, id: id, more: otherValue ? "x y zz" : null)));
    }

    [Fact]
    public void A_whole_copy_completes_a_cut_one_and_a_cut_one_of_a_whole_is_dropped()
    {
        Assert.Equal(SequenceOutcome.New, See(Event(1, cut: true)));
        Assert.Equal(SequenceOutcome.Completes, See(Event(1)));
        Assert.Equal(SequenceOutcome.Copy, See(Event(1, cut: true)));
        Assert.Equal(SequenceOutcome.Copy, See(Event(1)));
        // Cut, with another Image: none of them.
        Assert.Equal(SequenceOutcome.Conflict, See(Event(1, cut: true, image: "/bin/false")));
    }

    [Fact]
    public void A_proven_forgery_neither_counts_nor_hides()
    {
        SeeAll(Numbers(1, 10));

        Assert.Equal(SequenceOutcome.New, See(Event(11, marks: EventMarks.Forged)));
        Assert.Equal(SequenceOutcome.New, See(Event(99_999, second: 11, marks: EventMarks.Forged)));
        Assert.Equal(SequenceOutcome.New, See(Event(11), trusted: true));
        SeeAll(Numbers(12, 200));
        _watch.Flush(_facts);

        Assert.Empty(_facts);
    }

    [Fact]
    public void What_cannot_be_identified_is_new_every_time()
    {
        SysmonEvent e = Event(5);
        e.HasTime = false;

        Assert.Equal((SequenceOutcome.New, SequenceOutcome.New), (See(e), See(e)));
    }

    [Fact]
    public void Made_up_computers_do_not_push_out_a_real_one()
    {
        SeeAll(Numbers(1, 100));
        for (int i = 0; i < 2000; i++) See(Event(5, $"fake{i}"));
        SeeAll([102]);
        _watch.Flush(_facts);

        Assert.Equal((101UL, "h"), (Assert.IsType<GapFact>(Assert.Single(_facts)).From, _facts[0].Computer));
        Assert.True(_watch.ComputersForgotten > 1700);
    }

    [Fact]
    public void Goes_on_after_a_restart_as_if_there_had_been_none()
    {
        Gen.Select(Gen.Int[0, 60].Array[1, 150], Gen.Int[0, 150]).Sample((steps, at) =>
        {
            SysmonEvent[] events = [.. steps.Select((s, i) => Event((ulong)(100 + (s % 7 == 0 ? s : i)), s % 5 == 0 ? "b" : "a", second: i, id: s % 11 == 0 ? 16 : 1, cut: s % 3 == 0))];
            var whole = new SequenceWatch();
            var first = new SequenceWatch();
            List<SequenceFact> expected = [], got = [];
            List<SequenceOutcome> expectedOutcomes = [], gotOutcomes = [];
            foreach (SysmonEvent e in events) expectedOutcomes.Add(whole.Observe(e, false, expected));
            whole.Flush(expected);

            var watch = first;
            for (int i = 0; i < events.Length; i++)
            {
                if (i == at)
                {
                    var saved = new ArrayBufferWriter<byte>();
                    first.Save(saved);
                    watch = new SequenceWatch();
                    Assert.True(watch.TryRestore(saved.WrittenSpan, out string? why), why);
                }
                gotOutcomes.Add(watch.Observe(events[i], false, got));
            }
            watch.Flush(got);

            Assert.Equal(expectedOutcomes, gotOutcomes);
            Assert.Equal(expected, got);
        }, iter: 200);
    }

    [Fact]
    public void Refuses_a_snapshot_that_is_none()
    {
        SeeAll(Numbers(1, 100));
        var saved = new ArrayBufferWriter<byte>();
        _watch.Save(saved);
        byte[] bytes = saved.WrittenSpan.ToArray();

        for (int length = 0; length < bytes.Length; length += 97)
        {
            Assert.False(new SequenceWatch().TryRestore(bytes.AsSpan(0, length), out string? why));
            Assert.NotNull(why);
        }
        Assert.False(new SequenceWatch().TryRestore((byte[])[.. bytes, 0], out string? more));
        Assert.Equal("something follows its end", more);
        Gen.Select(Gen.Int[0, bytes.Length - 1], Gen.Byte).Array[1, 5].Sample(changes =>
        {
            byte[] changed = [.. bytes];
            foreach ((int at, byte b) in changes) changed[at] = b;
            var watch = new SequenceWatch();
            if (!watch.TryRestore(changed, out _)) return;
            List<SequenceFact> facts = [];
            for (ulong n = 90; n < 200; n++) watch.Observe(Event(n), false, facts);
            watch.Flush(facts);
        }, iter: 500);
    }

    [Theory]
    [InlineData("data/sysmon/real/v1.5.2/debian12.syslog")]
    [InlineData("data/sysmon/real/v1.5.2/rhel.messages")]
    [InlineData("data/sysmon/real/v1.5.2/journal.export")]
    [InlineData("data/sysmon/real/v1.3.3/syslog-ng.log")]
    [InlineData("data/scenarios/dev/12-mixed/syslog.iso.gz")]
    [InlineData("data/scenarios/dev/10e-benign-web-backup-monitoring/journal.export.gz")]
    public void Real_logs_with_their_restarts_say_nothing(string file)
    {
        DecodedInput got = DecodedInput.Read(File.OpenRead(Places.ReferenceData(file)));
        foreach (DecodedEvent e in got.Events) Assert.Equal(SequenceOutcome.New, See(Again(e)));
        _watch.Flush(_facts);

        Assert.Empty(_facts);
    }

    [Fact]
    public void The_journal_and_the_file_of_one_host_are_copies_of_each_other()
    {
        string capture = Places.ReferenceData("data/sysmon/real/v1.5.2");
        List<DecodedEvent> journal = DecodedInput.Read(File.OpenRead(Path.Combine(capture, "journal.export"))).Events;
        List<DecodedEvent> file = DecodedInput.Read(File.OpenRead(Path.Combine(capture, "debian12.syslog"))).Events;
        foreach (DecodedEvent e in journal) See(Again(e), trusted: true);

        List<SequenceOutcome> outcomes = [.. file.Select(e => See(Again(e)))];

        // But those whose program wrote "#012" itself, which in the file cannot be told from a newline.
        int literal = journal.Count(e => e.Fields.Any(f => System.Text.RegularExpressions.Regex.IsMatch(f.Value, "#0[0-3][0-7]")));
        Assert.Equal((literal, 10), (outcomes.Count(o => o == SequenceOutcome.Conflict), literal));
        Assert.Equal(file.Count - literal, outcomes.Count(o => o == SequenceOutcome.Copy));
    }

    [Fact]
    public void The_twelve_lines_that_rsyslog_missed_are_a_gap()
    {
        foreach (DecodedEvent e in DecodedInput.Read(File.OpenRead(Places.ReferenceData("data/scenarios/dev/05-defense-evasion/syslog.iso"))).Events) See(Again(e));
        _watch.Flush(_facts);

        Assert.Equal(12UL, _facts.OfType<GapFact>().Aggregate(0UL, (sum, gap) => sum + gap.Count));
        Assert.All(_facts, f => Assert.IsType<GapFact>(f));
    }

    static SysmonEvent Again(DecodedEvent decoded)
    {
        var e = new SysmonEvent();
        byte[] raw = [.. decoded.Raw];
        new SysmonDecoder().Decode(raw, decoded.Record with { Text = new Slice(0, raw.Length) }, e, out _);
        return e;
    }
}
