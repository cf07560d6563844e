using CsCheck;
using SysmonWatch.Detection.Correlation;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Correlation;

/// <summary>Snapshots from a disk that nobody can vouch for, and of rules that have changed.</summary>
public sealed class CorrelationSnapshotTests
{
    const string Many = "many\ntype: value_count\nrules: b\ngroup-by: [g]\ntimespan: 10s\ncondition: {field: v, gte: 2}";
    const string Both = "both\ntype: temporal_ordered\nrules: [a, many]\ngroup-by: [g, c]\ntimespan: 20s";
    const string Sum = "sum\ntype: value_sum\nrules: [a, b]\ngroup-by: g\ntimespan: 20s\ncondition: {field: n, gte: 100}";
    const string Few = "few\ntype: event_count\nrules: [a, b]\ngroup-by: g\ntimespan: 20s\ncondition: {lt: 3}";

    static readonly RuleSet Rules = SomeRules.Of("a b c", Many, Both, Sum, Few);

    [Fact]
    public void Every_truncation_is_refused_and_leaves_nothing_behind()
    {
        byte[] snapshot = Snapshot();

        for (int length = 0; length < snapshot.Length; length++)
        {
            var engine = new CorrelationEngine(Rules, new CorrelationLimits());
            if (engine.TryRestore(snapshot.AsSpan(0, length), out string? why))
            {
                // Only between two correlations can the end not be told from an end.
                Assert.Null(why);
                continue;
            }
            Assert.NotNull(why);
            Assert.Equal((0, 0), (engine.Counters.Groups, engine.Counters.Entries));
        }
    }

    [Fact]
    public void Damage_is_never_an_exception_not_then_and_not_later()
    {
        byte[] snapshot = Snapshot();

        Gen.Select(Gen.Int[0, snapshot.Length - 1], Gen.Byte).Array[1, 4].Sample(
            changes =>
            {
                byte[] damaged = [.. snapshot];
                foreach ((int at, byte value) in changes) damaged[at] = value;
                GoOn(damaged);
            },
            iter: 3_000);
    }

    [Fact]
    public void Random_bytes_are_never_an_exception()
    {
        byte[] head = Snapshot()[..5];

        Gen.Byte.Array[0, 300].Sample(bytes => GoOn([.. head, .. bytes]), iter: 3_000);
        Gen.Byte.Array[0, 300].Sample(bytes => GoOn(bytes), iter: 300);
    }

    [Fact]
    public void State_of_a_changed_correlation_is_left_out_and_of_the_others_kept()
    {
        var stream = new Stream(Rules);
        stream.Add(new Arrival(1_000_000, "a", "g=x n=60"));
        stream.Add(new Arrival(2_000_000, "b", "g=x v=1 n=0"));
        RuleSet changed = SomeRules.Of("c b a", Both, Sum, Many.Replace("10s", "11s", StringComparison.Ordinal));
        var engine = new CorrelationEngine(changed, new CorrelationLimits());

        Assert.True(engine.TryRestore(stream.Save(), out _));

        // "many" has another timespan, and so "both", which refers to it, is another one too; "few" is gone.
        Assert.Equal((1, 2), (engine.Counters.Groups, engine.Counters.Entries));
        var hits = new List<CorrelationHit>();
        var e = new SomeEvent(3_000_000, ("g", "x"), ("n", "40"), ("c", "1"));
        engine.Observe([2], e, new(new("lab", 1, 9, 3_000_000), null, "", default), hits);
        Assert.Equal("sum [x] 0..9 of 3 = 100", Stream.Text(Assert.Single(hits)));
    }

    [Fact]
    public void Title_and_level_may_change_without_losing_state()
    {
        var stream = new Stream(Rules);
        stream.Add(new Arrival(1_000_000, "a", "g=x n=60"));
        RuleSet renamed = SomeRules.Set(
            [.. Rules.Rules.Select(r => r.Metadata with { Title = "other" })],
            [.. Rules.Correlations.Select(c => c with { Metadata = c.Metadata with { Level = RuleLevel.Low } })]);
        var engine = new CorrelationEngine(renamed, new CorrelationLimits());

        Assert.True(engine.TryRestore(stream.Save(), out _));

        Assert.Equal(stream.Engine.Counters.Entries, engine.Counters.Entries);
    }

    static byte[] Snapshot()
    {
        var stream = new Stream(Rules);
        for (int i = 0; i < 12; i++) stream.Add(new Arrival(i * 1_000_000L, i % 3 == 0 ? "a" : "b", $"g={i % 2} v={i % 4} n={i}.5 c=1"));
        Assert.NotEmpty(stream.Hits);
        return stream.Save();
    }

    static void GoOn(byte[] snapshot)
    {
        var engine = new CorrelationEngine(Rules, new CorrelationLimits());
        bool restored = engine.TryRestore(snapshot, out string? why);
        Assert.Equal(restored, why is null);
        var hits = new List<CorrelationHit>();
        for (int i = 0; i < 6; i++)
        {
            long time = (12 + i) * 1_000_000L;
            var e = new SomeEvent(time, ("g", $"{i % 2}"), ("v", $"{i}"), ("n", "40"), ("c", "1"));
            engine.Observe([i % 2], e, new(new("lab", 1, (ulong)(20 + i), time), null, "", default), hits);
        }
        engine.Save(new System.Buffers.ArrayBufferWriter<byte>());
        engine.Finish(hits);
    }
}
