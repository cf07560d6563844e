using System.Text;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;
using SysmonWatch.Detection.Tests.Decoding;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Sequence;

public sealed class ForgeryTests
{
    readonly ForgeryHeuristic _heuristic = new();

    static SysmonEvent Event(int id, int process, string user = "0", string computer = "h", string time = "2026-11-24T02:19:14.894571000Z")
    {
        byte[] bytes = Encoding.UTF8.GetBytes(
            $"<Event><System><EventID>{id}</EventID><TimeCreated SystemTime=\"{time}\"/><EventRecordID>1</EventRecordID><Execution ProcessID=\"{process}\"/><Computer>{computer}</Computer><Security UserId=\"{user}\"/></System><EventData></EventData></Event>");
        var e = new SysmonEvent();
        new SysmonDecoder().Decode(bytes, new LogRecord(new Slice(0, bytes.Length), RecordOrigin.JournalOfUnknown, 0), e, out _);
        return e;
    }

    [Fact]
    public void Without_a_start_seen_there_is_no_doubt_about_the_process()
    {
        Assert.Equal(ForgeryDoubt.None, _heuristic.Doubt(Event(1, 500)));
        Assert.Equal(ForgeryDoubt.None, _heuristic.Doubt(Event(1, 600)));
    }

    [Fact]
    public void Once_a_start_was_seen_another_process_is_doubted()
    {
        _heuristic.Doubt(Event(16, 500));

        Assert.Equal(ForgeryDoubt.None, _heuristic.Doubt(Event(1, 500)));
        Assert.Equal(ForgeryDoubt.OtherProcess, _heuristic.Doubt(Event(1, 600)));
        Assert.Equal(ForgeryDoubt.None, _heuristic.Doubt(Event(1, 700, computer: "other")));
    }

    [Fact]
    public void A_restart_is_believed_and_so_is_one_whose_start_was_lost_after_16_events()
    {
        _heuristic.Doubt(Event(16, 500));
        _heuristic.Doubt(Event(4, 600));
        Assert.Equal(ForgeryDoubt.None, _heuristic.Doubt(Event(1, 600)));

        List<ForgeryDoubt> doubts = [.. Enumerable.Range(0, 20).Select(_ => _heuristic.Doubt(Event(1, 700)))];

        Assert.Equal(15, doubts.Count(d => d == ForgeryDoubt.OtherProcess));
        Assert.Equal(ForgeryDoubt.None, doubts[^1]);
    }

    [Fact]
    public void What_every_event_of_sysmons_has_must_be_there()
    {
        Assert.Equal(ForgeryDoubt.Incomplete, _heuristic.Doubt(Event(1, 0)));
        Assert.Equal(ForgeryDoubt.Incomplete, _heuristic.Doubt(Event(1, 500, computer: "")));
        Assert.Equal(ForgeryDoubt.Incomplete, _heuristic.Doubt(Event(1, 500, time: "now")));
        Assert.Equal(ForgeryDoubt.OtherUser, _heuristic.Doubt(Event(1, 500, user: "1001")));
    }

    [Fact]
    public void The_real_captures_raise_no_doubt()
    {
        foreach (string file in RealLines.Files().Where(f => !f.Contains("11-watcher-evasion", StringComparison.Ordinal)))
        {
            var heuristic = new ForgeryHeuristic();
            foreach ((byte[] raw, RecordOrigin origin) in RealLines.Of(file))
            {
                var e = new SysmonEvent();
                if (new SysmonDecoder().Decode(raw, new LogRecord(new Slice(0, raw.Length), origin, 0), e, out _) != DecodeOutcome.Event) continue;
                Assert.Equal(ForgeryDoubt.None, heuristic.Doubt(e));
            }
        }
    }

    [Theory]
    [InlineData("journal.export.gz", 174, 4, 0)]
    [InlineData("syslog.iso", 178, 0, 1)]
    [InlineData("syslog.traditional", 178, 0, 1)]
    public void Scenario_11_has_its_forgeries_and_its_cut_lines(string file, int sysmons, int forged, int cut)
    {
        DecodedInput got = DecodedInput.Read(File.OpenRead(Places.ReferenceData("data/scenarios/dev/11-watcher-evasion/" + file)));

        List<DecodedEvent> genuine = [.. got.Events.Where(e => e.RecordId is >= 9786 and <= 9959)];
        List<DecodedEvent> others = [.. got.Events.Except(genuine)];
        Assert.Equal((sysmons, 174, 4), (got.Events.Count - forged, genuine.Count, others.Count));
        Assert.Equal(forged, got.Events.Count(e => (e.Marks & EventMarks.Forged) != 0));
        Assert.All(others, e => Assert.Equal(forged > 0, (e.Marks & EventMarks.Forged) != 0));
        Assert.Equal(cut, genuine.Count(e => (e.Marks & EventMarks.Truncated) != 0));
        Assert.Equal(4096UL, Assert.Single(got.Notices, n => n.Notice.Kind == NoticeKind.LostEvents).Notice.Count);
        Assert.Equal(forged > 0, got.Notices.Single(n => n.Notice.Kind == NoticeKind.LostEvents).Notice.Forged);
    }

    [Fact]
    public void In_the_file_of_scenario_11_the_heuristic_doubts_all_but_the_forged_start_once_sysmons_own_is_known()
    {
        DecodedInput got = DecodedInput.Read(File.OpenRead(Places.ReferenceData("data/scenarios/dev/11-watcher-evasion/syslog.iso")));
        SysmonEvent start = Event(4, 132, computer: "web-a01");
        _heuristic.Doubt(start);

        List<(ulong?, ForgeryDoubt)> doubted = [];
        foreach (DecodedEvent decoded in got.Events)
        {
            var e = new SysmonEvent();
            byte[] raw = [.. decoded.Raw];
            new SysmonDecoder().Decode(raw, decoded.Record with { Text = new Slice(0, raw.Length) }, e, out _);
            ForgeryDoubt doubt = _heuristic.Doubt(e);
            if (doubt != ForgeryDoubt.None) doubted.Add((decoded.RecordId, doubt));
        }

        Assert.Equal(
            [(99_999_991, ForgeryDoubt.OtherProcess), (7, ForgeryDoubt.Incomplete), (99_999_993, ForgeryDoubt.Incomplete)], doubted.Select(d => ((int)d.Item1!.Value, d.Item2)));
    }
}
