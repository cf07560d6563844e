using System.Text;
using SysmonWatch.Detection.Correlation;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Correlation;

/// <summary>What docs/correlations.md decides, one sentence each.</summary>
public sealed class CorrelationEngineTests
{
    const long Second = 1_000_000;

    static readonly RuleSet Three = SomeRules.Of("a b", "three\ntype: event_count\nrules: [a, b]\ngroup-by: g\ntimespan: 60s\ncondition: {gte: 3}");

    static Arrival At(double seconds, string rules = "a", string fields = "g=x", EventMarks marks = EventMarks.None) =>
        new((long)(seconds * Second), rules, fields, Marks: marks);

    [Fact]
    public void Both_ends_of_a_window_belong_to_it()
    {
        Assert.Single(Stream.Run(Three, [At(0), At(30), At(60)]));
        Assert.Empty(Stream.Run(Three, [At(0), At(30), At(60.000001)]));
    }

    [Fact]
    public void Fires_once_while_the_condition_holds_and_again_after_it_did_not()
    {
        List<CorrelationHit> hits = Stream.Run(Three, [At(0), At(1), At(2), At(3), At(50), At(200), At(201), At(202), At(203)]);

        Assert.Equal(["three [x] 0..2 of 3 = 3", "three [x] 5..7 of 3 = 3"], hits.Select(Stream.Text));
    }

    [Fact]
    public void An_event_that_matches_several_rules_counts_once()
    {
        Assert.Empty(Stream.Run(Three, [At(0, "a b"), At(1, "a b")]));
    }

    [Fact]
    public void A_late_event_completes_the_window_it_belongs_to()
    {
        // 0, 30, 40 are within a minute; when 40 comes, the newest is 95.
        List<CorrelationHit> hits = Stream.Run(Three, [At(0), At(30), At(95), At(40)]);

        Assert.Equal(["three [x] 0..3 of 3 = 3"], hits.Select(Stream.Text));
    }

    [Fact]
    public void A_stream_held_at_the_bound_fires_at_each_event_that_brings_it_back_and_one_beyond_it_does_not()
    {
        // Every 25 s an event: two of them are left when the third has expired, and the next makes three again.
        List<CorrelationHit> at = Stream.Run(Three, [At(0), At(25), At(50), At(75), At(100)]);
        // Every 20 s: four are in the window, which ends at an event, and three before it.
        List<CorrelationHit> beyond = Stream.Run(Three, [At(0), At(20), At(40), At(60), At(80), At(100)]);

        Assert.Equal(["three [x] 0..2 of 3 = 3", "three [x] 1..3 of 3 = 3", "three [x] 2..4 of 3 = 3"], at.Select(Stream.Text));
        Assert.Equal(["three [x] 0..2 of 3 = 3"], beyond.Select(Stream.Text));
    }

    [Fact]
    public void A_late_event_does_not_tell_an_episode_again()
    {
        Assert.Equal(["three [x] 0..2 of 3 = 3"], Stream.Run(Three, [At(0), At(10), At(20), At(5)]).Select(Stream.Text));
    }

    [Fact]
    public void An_event_older_than_its_groups_window_is_ignored_and_counted()
    {
        var stream = new Stream(Three);
        foreach (Arrival arrival in new[] { At(100), At(101), At(10) }) stream.Add(arrival);

        Assert.Empty(stream.Hits);
        Assert.Equal(1, stream.Engine.Counters.LateIgnored);
    }

    [Fact]
    public void A_future_dated_event_counts_now_and_moves_nothing()
    {
        var stream = new Stream(Three);
        foreach (Arrival arrival in new[] { At(0), At(9_000_000, marks: EventMarks.FutureDated), At(2) }) stream.Add(arrival);

        Assert.Equal(["three [x] 0..2 of 3 = 3"], stream.Hits.Select(Stream.Text));
        Assert.Equal(1, stream.Engine.Counters.FutureDated);
    }

    [Fact]
    public void A_future_dated_event_before_any_other_has_no_place()
    {
        var stream = new Stream(Three);
        foreach (Arrival arrival in new[] { At(9_000_000, marks: EventMarks.FutureDated), At(1), At(2) }) stream.Add(arrival);

        Assert.Empty(stream.Hits);
        Assert.Equal(1, stream.Engine.Counters.FutureIgnored);
    }

    [Theory]
    [InlineData("")]
    [InlineData("g=null")]
    public void An_event_without_the_field_to_group_by_is_in_no_group(string fields)
    {
        var stream = new Stream(Three);
        for (int i = 0; i < 3; i++) stream.Add(At(i, fields: fields));

        Assert.Empty(stream.Hits);
        Assert.Equal(3, stream.Engine.Counters.GroupFieldMissing);
    }

    [Fact]
    public void A_hit_names_its_group_as_the_event_had_it()
    {
        string longest = new('x', 300);

        CorrelationHit hit = Assert.Single(Stream.Run(Three, [At(0, fields: "g=" + longest), At(1, fields: "g=" + longest), At(2, fields: "g=" + longest)]));

        Assert.Equal([("g", longest[..224] + "…")], hit.Group);
    }

    [Fact]
    public void Long_values_that_begin_alike_are_different_groups()
    {
        string longest = new('x', 300);

        Assert.Empty(Stream.Run(Three, [At(0, fields: $"g={longest}1"), At(1, fields: $"g={longest}2"), At(2, fields: $"g={longest}3")]));
    }

    [Fact]
    public void Fewer_than_is_decided_when_time_has_passed_the_window()
    {
        RuleSet rules = SomeRules.Of("a b", "few\ntype: event_count\nrules: a\ngroup-by: g\ntimespan: 60s\ncondition: {lt: 2}");
        var stream = new Stream(rules);

        stream.Add(At(0));
        stream.Add(At(60, "b", "g=y"));
        Assert.Empty(stream.Hits);
        stream.Add(At(60.000001, "", "g=y"));

        Assert.Equal(["few [x] 0..0 of 1 = 1"], stream.Hits.Select(Stream.Text));
    }

    [Fact]
    public void Nothing_of_a_group_that_was_seen_is_silence()
    {
        RuleSet rules = SomeRules.Of("a", "silent\ntype: event_count\nrules: a\ngroup-by: g\ntimespan: 60s\ncondition: {eq: 0}");
        var stream = new Stream(rules);
        foreach (Arrival arrival in new[] { At(0), At(50), At(100), At(161, ""), At(500, "") }) stream.Add(arrival);

        Assert.Equal(["silent [x] 2..2 of 1 = 0"], stream.Hits.Select(Stream.Text));
    }

    [Fact]
    public void Not_waits_for_the_end_and_the_end_of_input_is_one()
    {
        RuleSet rules = SomeRules.Of("a b", "alone\ntype: temporal\nrules: [a, b]\ngroup-by: g\ntimespan: 60s\ncondition: a and not b");

        Assert.Equal(["alone [x] 0..0 of 1 = 1"], Stream.Run(rules, [At(0)]).Select(Stream.Text));
        Assert.Empty(Stream.Run(rules, [At(0), At(59, "b")]));
        Assert.Empty(Stream.Run(rules, [At(0)], finish: false));
    }

    [Fact]
    public void A_chain_names_who_deleted_and_the_first_and_last_destination()
    {
        RuleSet rules = SomeRules.Of(
            "deleted connected",
            "scan\ntype: value_count\nrules: connected\ngroup-by: family\ntimespan: 5m\ncondition: {field: ip, gte: 100}",
            "botnet\ntype: temporal\nrules: [deleted, scan]\ngroup-by: family\ntimespan: 10m");
        List<Arrival> arrivals = [At(0, "deleted", "family=f")];
        for (int i = 1; i <= 120; i++) arrivals.Add(At(i, "connected", $"family=f ip=10.0.0.{i}"));

        CorrelationHit hit = Assert.Single(Stream.Run(rules, arrivals));

        Assert.Equal("botnet [f] 0..100 of 101 = 2", Stream.Text(hit));
        Assert.Equal(100, hit.Events.Count);
        Assert.Equal(("family=f", "deleted", null), Of(hit.Events[0]));
        Assert.Equal(("family=f ip=10.0.0.1", "connected", "scan"), Of(hit.Events[1]));
        Assert.Equal(("family=f ip=10.0.0.100", "connected", "scan"), Of(hit.Events[^1]));
        Assert.Equal("family=f", hit.Parts[0].First!.Subject);
        CorrelationHit scan = hit.Parts[1].Hit!;
        Assert.Equal(("family=f ip=10.0.0.1", "family=f ip=10.0.0.100", 100), (scan.First.Subject, scan.Last.Subject, scan.Count));

        static (string, string, string?) Of(CorrelatedEvent e) => (e.Event.Subject, e.Rule.Title, e.Via?.Title);
    }

    [Fact]
    public void The_order_of_the_parts_makes_no_difference_to_a_chain()
    {
        RuleSet rules = SomeRules.Of(
            "deleted connected",
            "scan\ntype: value_count\nrules: connected\ngroup-by: [family, User]\ntimespan: 5m\ncondition: {field: ip, gte: 2}",
            "botnet\ntype: temporal\nrules: [deleted, scan]\ngroup-by: family\ntimespan: 10m");

        List<CorrelationHit> hits = Stream.Run(
            rules, [At(1, "connected", "family=f User=u ip=1"), At(2, "connected", "family=f User=u ip=2"), At(3, "deleted", "family=f")]);

        Assert.Equal(["botnet [f] 0..2 of 3 = 2"], hits.Select(Stream.Text));
    }

    /// <summary>The specification's example: failed logins are counted by computer, and a successful one by one of their users must follow.</summary>
    [Fact]
    public void A_chained_correlation_groups_by_its_own_fields()
    {
        RuleSet rules = SomeRules.Of("failed ok", ManyFailed, Followed);
        Arrival[] failures = [.. Enumerable.Range(0, 4).Select(i => At(i, "failed", $"ComputerName=c User=u{i}"))];

        Assert.Equal(
            ["followed [u1] 0..4 of 5 = 2", "followed [u3] 0..5 of 5 = 2"],
            Stream.Run(rules, [.. failures, At(10, "ok", "ComputerName=d User=u1"), At(11, "ok", "ComputerName=c User=u3")]).Select(Stream.Text));
        Assert.Empty(Stream.Run(rules, [.. failures, At(10, "ok", "ComputerName=c User=other"), At(11, "ok", "ComputerName=c")]));
    }

    const string ManyFailed = "many\ntype: event_count\nrules: failed\ngroup-by: [ComputerName]\ntimespan: 60s\ncondition: {gte: 4}";

    const string Followed = "followed\ntype: temporal_ordered\nrules: [many, ok]\ngroup-by: [User]\ntimespan: 1h";

    [Fact]
    public void What_the_whole_groups_by_comes_from_any_depth_and_by_way_of_aliases()
    {
        RuleSet rules = SomeRules.Of(
            "a b",
            "inner\ntype: event_count\nrules: a\ngroup-by: [g]\ntimespan: 60s\ncondition: {gte: 2}",
            "middle\ntype: event_count\nrules: inner\ntimespan: 60s\ngroup-by: [h]\ncondition: {gte: 1}",
            "outer\ntype: temporal\nrules: [middle, b]\ngroup-by: [who]\ntimespan: 60s\naliases: {who: {middle: User, b: Target}}");

        // The inner one fires for g=1; its events have two users, who count as one event of the middle one.
        List<CorrelationHit> hits = Stream.Run(
            rules, [At(0, fields: "g=1 h=x User=u"), At(1, fields: "g=1 h=x User=v"), At(2, "b", "Target=v"), At(3, "b", "Target=w")]);

        Assert.Equal(["outer [v] 0..2 of 3 = 2"], hits.Select(Stream.Text));
    }

    [Fact]
    public void A_hit_whose_events_have_many_values_counts_in_a_bounded_number_of_groups()
    {
        RuleSet rules = SomeRules.Of("failed ok", ManyFailed.Replace("gte: 4", "gte: 1200", StringComparison.Ordinal), Followed);
        var stream = new Stream(rules, new CorrelationLimits { EntriesPerRule = 1_000_000 });
        for (int i = 0; i < 1_200; i++) stream.Add(At(i / 100.0, "failed", $"ComputerName=c User=u{i}"));

        Assert.Equal(200, stream.Engine.Counters.EvictedEntries);
        Assert.Equal(1_001, stream.Engine.Counters.Groups);
    }

    [Fact]
    public void What_is_kept_for_the_whole_survives_a_restart_and_folding()
    {
        RuleSet rules = SomeRules.Of(
            "failed ok", "many\ntype: value_count\nrules: failed\ngroup-by: [ComputerName]\ntimespan: 1h\ncondition: {field: ip, gte: 3}", Followed);
        var stream = new Stream(rules, new CorrelationLimits { EntriesPerGroup = 200 });
        for (int i = 0; i < 1_000; i++) stream.Add(At(i / 100.0, "failed", $"ComputerName=c ip={i % 2} User=u{i / 100 % 2}"));
        stream.Restart();
        stream.Add(At(20, "failed", "ComputerName=c ip=9"));
        stream.Restart();

        stream.Add(At(30, "ok", "User=u0"));
        stream.Add(At(31, "ok", "User=u1"));

        Assert.Equal(["u0", "u1"], stream.Hits.Select(h => h.Group[0].Value));
        Assert.Equal(0, stream.Engine.Counters.EvictedEntries);
    }

    [Fact]
    public void A_range_is_decided_when_time_has_passed_the_window()
    {
        RuleSet rules = SomeRules.Of("a", "some\ntype: event_count\nrules: a\ngroup-by: g\ntimespan: 60s\ncondition: {gte: 2, lte: 3}");

        Assert.Equal(["some [x] 0..2 of 3 = 3"], Stream.Run(rules, [At(0), At(1), At(2)]).Select(Stream.Text));
        Assert.Empty(Stream.Run(rules, [At(0), At(1), At(2)], finish: false));
        Assert.Empty(Stream.Run(rules, [At(0), At(1), At(2), At(3)]));
        Assert.Empty(Stream.Run(rules, [At(0)]));
    }

    [Fact]
    public void A_part_alerts_by_itself_only_where_the_whole_says_generate()
    {
        string many = "many\ntype: event_count\nrules: a\ntimespan: 60s\ncondition: {gte: 2}";
        string whole = "whole\ntype: temporal\nrules: [many, b]\ntimespan: 60s";

        Assert.Empty(Stream.Run(SomeRules.Of("a b", many, whole), [At(0), At(1)]));
        Assert.Single(Stream.Run(SomeRules.Of("a b", many, whole + "\ngenerate: true"), [At(0), At(1)]));
    }

    [Fact]
    public void Repeating_one_value_cannot_push_others_out_of_the_count()
    {
        RuleSet rules = SomeRules.Of("a", "scan\ntype: value_count\nrules: a\ntimespan: 1h\ncondition: {field: ip, gte: 100}");
        var stream = new Stream(rules, new CorrelationLimits { EntriesPerGroup = 300 });
        for (int i = 0; i < 99; i++) stream.Add(At(i, fields: $"ip={i}"));
        for (int i = 0; i < 5_000; i++) stream.Add(At(100 + (i / 100.0), fields: "ip=0"));

        stream.Add(At(200, fields: "ip=99"));

        CorrelationHit hit = Assert.Single(stream.Hits);
        Assert.Equal(100, hit.Value);
        Assert.Equal(5_100, hit.Count);
        Assert.Equal(0, stream.Engine.Counters.EvictedEntries);
        Assert.True(stream.Engine.Counters.Entries <= 300);
    }

    [Theory]
    [InlineData("temporal")]
    [InlineData("temporal_ordered")]
    public void Repeating_one_rule_cannot_push_another_out_of_the_window(string type)
    {
        RuleSet rules = SomeRules.Of("a b c", $"both\ntype: {type}\nrules: [a, b, c]\ntimespan: 1h");
        var stream = new Stream(rules, new CorrelationLimits { EntriesPerGroup = 100 });
        stream.Add(At(0));
        for (int i = 0; i < 1_000; i++) stream.Add(At(1 + (i / 100.0), "b"));

        stream.Add(At(200, "c"));

        Assert.Single(stream.Hits);
    }

    [Fact]
    public void A_condition_that_compares_with_more_than_the_bound_still_comes_true()
    {
        RuleSet rules = SomeRules.Of("a", "flood\ntype: event_count\nrules: a\ntimespan: 1h\ncondition: {gte: 500}");
        var stream = new Stream(rules, new CorrelationLimits { EntriesPerGroup = 50, EntriesPerRule = 50 });
        for (int i = 0; i < 3_000; i++) stream.Add(At(i / 100.0));

        CorrelationHit hit = Assert.Single(stream.Hits);
        Assert.Equal(500, hit.Value);
        Assert.Equal([0UL, 49UL, 450UL, 499UL], new[] { 0, 49, 50, 99 }.Select(i => hit.Events[i].Event.Identity.RecordId));
    }

    [Fact]
    public void Of_too_many_groups_the_one_used_least_recently_goes_and_is_counted()
    {
        var stream = new Stream(Three, new CorrelationLimits { GroupsPerRule = 2 });
        foreach (string group in new[] { "x", "x", "y", "x", "z", "y", "y" }) stream.Add(At(stream.HitsAfter.Count, fields: $"g={group}"));

        // y went when z came, so its two later events are all there is of it.
        Assert.Equal(["three [x] 0..3 of 3 = 3"], stream.Hits.Select(Stream.Text));
        Assert.Equal(2, stream.Engine.Counters.Groups);
        Assert.Equal(2, stream.Engine.Counters.EvictedGroups);
    }

    [Fact]
    public void All_groups_together_are_bounded_too()
    {
        var stream = new Stream(Three, new CorrelationLimits { EntriesPerRule = 20, EntriesPerGroup = 10 });
        for (int i = 0; i < 1_000; i++) stream.Add(At(i / 1000.0, fields: $"g={i % 500}"));

        Assert.InRange(stream.Engine.Counters.Entries, 1, 20);
        Assert.True(stream.Engine.Counters.EvictedGroups > 900);
    }

    [Fact]
    public void Idle_groups_are_forgotten_without_being_a_loss()
    {
        var stream = new Stream(Three);
        for (int i = 0; i < 100; i++) stream.Add(At(i / 10.0, fields: $"g={i}"));

        stream.Add(At(8_000, ""));

        Assert.Equal((0, 0, 0), (stream.Engine.Counters.Groups, stream.Engine.Counters.Entries, stream.Engine.Counters.EvictedGroups));
    }

    [Fact]
    public void Aliases_give_each_rule_its_own_field()
    {
        RuleSet rules = SomeRules.Of("a b", "same\ntype: temporal\nrules: [a, b]\ngroup-by: ip\ntimespan: 60s\naliases: {ip: {a: src, b: dst}}");

        Assert.Equal(["same [1] 0..1 of 2 = 2"], Stream.Run(rules, [At(0, "a", "src=1 dst=9"), At(1, "b", "src=9 dst=1")]).Select(Stream.Text));
    }

    [Theory]
    [InlineData("1e40")]
    [InlineData("NaN")]
    [InlineData("79228162514264337593543950335")]
    [InlineData("-")]
    public void What_is_no_number_of_a_sane_size_is_left_out_of_a_sum_and_counted(string value)
    {
        RuleSet rules = SomeRules.Of("a", "sum\ntype: value_sum\nrules: a\ntimespan: 60s\ncondition: {field: n, gte: 3}");
        var stream = new Stream(rules);
        foreach (string n in new[] { "1.5", value, "1.5" }) stream.Add(At(0, fields: $"n={n}"));

        Assert.Equal(["sum [] 0..2 of 2 = 3"], stream.Hits.Select(Stream.Text));
        Assert.Equal(1, stream.Engine.Counters.ValueMissing);
    }

    [Fact]
    public void A_process_and_its_ancestors_survive_a_restart()
    {
        var node = new ProcessNode("{r}"u8, 1, "/usr/sbin/sshd"u8, default, "root"u8, 1, null);
        for (int i = 0; i < 200; i++) node = new ProcessNode(Encoding.UTF8.GetBytes($"{{{i}}}"), 2 + i, "/bin/sh"u8, "sh -c x"u8, default, i, node);
        var before = new CorrelationEngine(Three, new CorrelationLimits());
        var hits = new List<CorrelationHit>();
        for (int i = 0; i < 2; i++) Observe(before, i);
        var bytes = new System.Buffers.ArrayBufferWriter<byte>();
        before.Save(bytes);
        var after = new CorrelationEngine(Three, new CorrelationLimits());

        Assert.True(after.TryRestore(bytes.WrittenSpan, out _));
        Observe(after, 2);

        EventReference first = Assert.Single(hits).First;
        Assert.Equal(201, first.Process!.ProcessId);
        Assert.Equal("sh -c x", Encoding.UTF8.GetString(first.Process.Parent!.CommandLine.Span));
        Assert.Equal(EventMarks.Truncated, first.Marks);

        void Observe(CorrelationEngine engine, int i) => engine.Observe(
            [0], new SomeEvent(i, ("g", "x")), new EventReference(new EventIdentity("lab", 1, (ulong)i, i), node, "s", EventMarks.Truncated), hits);
    }
}
