using SysmonWatch.Detection.Correlation;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Correlation;

/// <summary>What all correlations together may remember, and what goes where it is too much.</summary>
public class WindowBudgetTests
{
    const long Second = 1_000_000;

    static readonly RuleSet Ten = SomeRules.Of("a", "ten\ntype: event_count\nrules: a\ngroup-by: u\ntimespan: 1h\ncondition: {gte: 10}");

    [Fact]
    public void Bytes_are_bounded_however_long_the_command_lines_are()
    {
        var limits = new CorrelationLimits { Bytes = 4 << 20 };
        var engine = new CorrelationEngine(SomeRules.Of("a", "many\ntype: event_count\nrules: a\ntimespan: 1h\ncondition: {gte: 100000}"), limits);
        byte[] commandLine = new byte[4096];
        for (int i = 0; i < 5_000; i++)
        {
            var process = Process("{guid}"u8, i, commandLine);
            Observe(engine, i, "", process);
            Assert.InRange(engine.HeldBytes, 1, limits.Bytes);
        }

        Assert.True(engine.Counters.EvictedEntries > 3_000);
        Assert.True(engine.Counters.Entries > 400, "What is bounded is what is needed, not more.");
    }

    [Fact]
    public void A_process_counts_once_and_no_longer_than_its_events()
    {
        var engine = new CorrelationEngine(Ten, new CorrelationLimits());
        var session = Process("{session}"u8, 1, default);
        var child = Process("{child}"u8, 2, new byte[1000], session);
        Observe(engine, 0, "x", child);
        long one = engine.HeldBytes;
        Observe(engine, 1, "x", child);

        Assert.InRange(engine.HeldBytes - one, 200, 400);

        // Far later than any late event could be, and the group is forgotten.
        engine.AdvanceTo(10_000 * Second, []);
        engine.AdvanceTo(20_000 * Second, []);

        Assert.Equal(0, engine.HeldBytes);
    }

    /// <summary>With the oldest alone evicted, more groups than there is room for pushed each other out before their second event: no alert at all.</summary>
    [Fact]
    public void More_groups_than_there_is_room_for_do_not_push_out_all_of_each_other()
    {
        var engine = new CorrelationEngine(Ten, new CorrelationLimits { Groups = 1_000 });
        List<CorrelationHit> hits = [];
        for (int i = 0; i < 30_000; i++) Observe(engine, i / 1000.0, $"u{i % 1_500}", null, hits);

        Assert.InRange(hits.Count, 600, 1_500);
        Assert.True(engine.Counters.EvictedGroups >= 500);
        Assert.Equal(1_000, engine.Counters.Groups);
    }

    [Fact]
    public void A_flood_of_groups_of_one_event_does_not_push_out_one_that_grows()
    {
        var engine = new CorrelationEngine(Ten, new CorrelationLimits { Groups = 100 });
        List<CorrelationHit> hits = [];
        for (int i = 0; i < 10; i++)
        {
            Observe(engine, i * 10, "attacker", null, hits);
            Observe(engine, (i * 10) + 1, "attacker", null, hits);
            for (int n = 0; n < 1_000; n++) Observe(engine, (i * 10) + 2 + (n / 1000.0), $"flood{i}-{n}", null, hits);
        }

        Assert.Equal("attacker", Assert.Single(hits).Group[0].Value);
    }

    [Fact]
    public void Groups_whose_window_is_over_go_first_and_are_no_loss()
    {
        var engine = new CorrelationEngine(Ten, new CorrelationLimits { Groups = 2 });
        for (int i = 0; i < 5; i++) Observe(engine, i, "over", null);
        Observe(engine, 8_000, "new", null);

        Observe(engine, 8_001, "newer", null);

        Assert.Equal(0, engine.Counters.EvictedGroups);
        Assert.Equal(2, engine.Counters.Groups);
    }

    [Fact]
    public void All_correlations_share_one_budget()
    {
        RuleSet two = SomeRules.Of(
            "a b",
            "one\ntype: event_count\nrules: a\ngroup-by: u\ntimespan: 1h\ncondition: {gte: 10}",
            "two\ntype: event_count\nrules: b\ngroup-by: u\ntimespan: 1h\ncondition: {gte: 10}");
        var engine = new CorrelationEngine(two, new CorrelationLimits { Groups = 10 });
        for (int i = 0; i < 50; i++) Observe(engine, i, $"u{i}", null, rules: [i % 2]);

        Assert.Equal(10, engine.Counters.Groups);
        Assert.Equal(40, engine.Counters.EvictedGroups);
    }

    /// <summary>An event dated just less ahead than is allowed made everything late that happened until then.</summary>
    [Fact]
    public void An_event_dated_ahead_makes_nothing_late()
    {
        var engine = new CorrelationEngine(SomeRules.Of("a", "ten\ntype: event_count\nrules: a\ngroup-by: u\ntimespan: 10s\ncondition: {gte: 10}"), new CorrelationLimits());
        List<CorrelationHit> hits = [];
        for (int i = 0; i < 5; i++) Observe(engine, i, "u", null, hits);
        Observe(engine, 299, "u", null, hits);
        for (int i = 5; i < 10; i++) Observe(engine, i, "u", null, hits);

        Assert.Single(hits);
        Assert.Equal(0, engine.Counters.LateIgnored);
    }

    static ProcessNode Process(ReadOnlySpan<byte> guid, int id, ReadOnlySpan<byte> commandLine, ProcessNode? parent = null) =>
        new(new ProcessDetails { ProcessGuid = guid, ProcessId = id, Image = "/usr/bin/bash"u8, CommandLine = commandLine, StartedAt = id }, parent, parent);

    static void Observe(CorrelationEngine engine, double seconds, string user, ProcessNode? process, List<CorrelationHit>? hits = null, int[]? rules = null)
    {
        long time = (long)(seconds * Second) + Second;
        var e = new SomeEvent(time, ("u", user));
        engine.AdvanceTo(time, hits ?? []);
        engine.Observe(rules ?? [0], e, new EventReference(new EventIdentity("lab", 1, (ulong)time, time), process, "x", EventMarks.None), hits ?? []);
    }
}
