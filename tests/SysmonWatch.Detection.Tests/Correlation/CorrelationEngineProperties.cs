using CsCheck;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Correlation;

/// <summary>The engine against its obvious twin, and against itself in other circumstances, on random streams.</summary>
public sealed class CorrelationEngineProperties
{
    const int Times = 300;

    public static TheoryData<string> DecidedAtOnce { get; } =
    [
        "type: event_count\nrules: [a, b]\ngroup-by: g\ntimespan: 10s\ncondition: {gte: 3}",
        "type: event_count\nrules: [a, b]\ngroup-by: g\ntimespan: 10s\ncondition: {eq: 2}",
        "type: value_count\nrules: [a, b, c]\ngroup-by: g\ntimespan: 10s\ncondition: {field: v, gte: 3}",
        "type: value_count\nrules: [a, b, c]\ntimespan: 10s\ncondition: {field: [v, n], gt: 3}",
        "type: temporal\nrules: [a, b]\ngroup-by: g\ntimespan: 10s",
        "type: temporal\nrules: [a, b, c]\ngroup-by: g\ntimespan: 10s\ncondition: {gte: 2}",
        "type: temporal\nrules: [a, b, c]\ngroup-by: g\ntimespan: 10s\ncondition: a and (b or c)",
        "type: temporal_ordered\nrules: [a, b, c]\ngroup-by: g\ntimespan: 10s",
        "type: temporal_ordered\nrules: [a, b, a]\ntimespan: 10s",
        "type: temporal_ordered\nrules: [c, b, a]\ngroup-by: g\ntimespan: 10s\ncondition: {gte: 2}",
        "type: value_sum\nrules: [a, b]\ngroup-by: g\ntimespan: 10s\ncondition: {field: n, gt: 4.5}",
        "type: value_avg\nrules: [a, b, c]\ngroup-by: g\ntimespan: 10s\ncondition: {field: n, gte: 1.25}",
        "type: value_percentile\nrules: [a, b, c]\ngroup-by: g\ntimespan: 10s\ncondition: {field: n, percentile: 75, gte: 2}",
        "type: value_median\nrules: [a, b, c]\ngroup-by: g\ntimespan: 10s\ncondition: {field: n, gt: 1}",
    ];

    public static TheoryData<string> DecidedLater { get; } =
    [
        "type: event_count\nrules: [a, b]\ngroup-by: g\ntimespan: 10s\ncondition: {lt: 3}",
        "type: event_count\nrules: [a, b]\ngroup-by: g\ntimespan: 10s\ncondition: {eq: 0}",
        "type: event_count\nrules: [a, b]\ngroup-by: g\ntimespan: 10s\ncondition: {gte: 2, lte: 3}",
        "type: value_sum\nrules: [a, b]\ngroup-by: g\ntimespan: 10s\ncondition: {field: n, gt: 1, lt: 6}",
        "type: event_count\nrules: [a, b, c]\ngroup-by: g\ntimespan: 10s\ncondition: {neq: 2}",
        "type: value_count\nrules: [a, b, c]\ngroup-by: g\ntimespan: 10s\ncondition: {field: v, lte: 2}",
        "type: temporal\nrules: [a, b, c]\ngroup-by: g\ntimespan: 10s\ncondition: a and not (b and c)",
        "type: temporal_ordered\nrules: [a, b]\ngroup-by: g\ntimespan: 10s\ncondition: {lt: 2}",
        "type: value_sum\nrules: [a, b]\ngroup-by: g\ntimespan: 10s\ncondition: {field: n, lt: 3}",
        "type: value_median\nrules: [a, b]\ngroup-by: g\ntimespan: 10s\ncondition: {field: n, lte: 1}",
    ];

    [Theory]
    [MemberData(nameof(DecidedAtOnce))]
    public void Fires_as_its_slow_twin_does_event_by_event(string correlation)
    {
        RuleSet rules = Rules(correlation);

        SomeArrivals.OutOfOrder.Sample(
            arrivals =>
            {
                var fast = new Stream(rules);
                var slow = new SlowCorrelation(rules.Correlations[0]);
                foreach (Arrival arrival in arrivals)
                {
                    int before = fast.Hits.Count;
                    fast.Add(arrival);
                    Assert.Equal(slow.Add(arrival), fast.Hits.Skip(before).Select(Stream.Text));
                }
            },
            iter: Times);
    }

    [Theory]
    [MemberData(nameof(DecidedLater))]
    public void Decides_open_windows_as_cutting_the_whole_stream_does(string correlation)
    {
        RuleSet rules = Rules(correlation);

        SomeArrivals.InOrder.Sample(
            arrivals => Assert.Equal(
                SlowClosing.Cut(rules.Correlations[0], arrivals).Order(StringComparer.Ordinal),
                Stream.Run(rules, arrivals).Select(Stream.Text).Order(StringComparer.Ordinal)),
            iter: Times);
    }

    [Theory]
    [MemberData(nameof(DecidedAtOnce))]
    [MemberData(nameof(DecidedLater))]
    public void A_restart_anywhere_changes_nothing(string correlation)
    {
        RuleSet rules = Rules(correlation);

        SomeArrivals.OutOfOrder.Sample(
            arrivals =>
            {
                List<string> undisturbed = [.. Stream.Run(rules, arrivals).Select(Stream.Text)];
                var restarted = new Stream(rules);
                foreach (Arrival arrival in arrivals)
                {
                    restarted.Add(arrival);
                    restarted.Restart();
                }
                restarted.Engine.Finish(restarted.Hits);
                Assert.Equal(undisturbed, restarted.Hits.Select(Stream.Text));
            },
            iter: Times / 3);
    }

    [Theory]
    [MemberData(nameof(DecidedAtOnce))]
    public void Groups_do_not_see_how_they_are_interleaved(string correlation)
    {
        if (!correlation.Contains("group-by", StringComparison.Ordinal)) return;
        RuleSet rules = Rules(correlation);

        Gen.Select(SomeArrivals.OutOfOrder, Gen.Bool.Array[40]).Sample(
            (arrivals, order) => Assert.Equal(
                Stream.Run(rules, arrivals).Select(Stream.Text).Order(StringComparer.Ordinal),
                Stream.Run(rules, Interleave(arrivals, order)).Select(Stream.Text).Order(StringComparer.Ordinal)),
            iter: Times);
    }

    [Fact]
    public void A_chain_survives_restarts_and_interleaving()
    {
        RuleSet rules = SomeRules.Of(
            "a b c",
            "many\ntype: value_count\nrules: b\ngroup-by: [g]\ntimespan: 10s\ncondition: {field: v, gte: 2}",
            "both\ntype: temporal\nrules: [a, many]\ngroup-by: [g, n]\ntimespan: 20s",
            "ever\ntype: event_count\nrules: [both, c]\ngroup-by: g\ntimespan: 30s\ncondition: {gte: 2}");

        Gen.Select(SomeArrivals.OutOfOrder, Gen.Bool.Array[40]).Sample(
            (arrivals, order) =>
            {
                List<string> undisturbed = [.. Stream.Run(rules, arrivals).Select(Stream.Text)];
                var restarted = new Stream(rules);
                foreach (Arrival arrival in arrivals)
                {
                    restarted.Add(arrival);
                    restarted.Restart();
                }
                restarted.Engine.Finish(restarted.Hits);
                Assert.Equal(undisturbed, restarted.Hits.Select(Stream.Text));
                Assert.Equal(undisturbed.Order(StringComparer.Ordinal), Stream.Run(rules, Interleave(arrivals, order)).Select(Stream.Text).Order(StringComparer.Ordinal));
            },
            iter: Times);
    }

    static RuleSet Rules(string correlation) => SomeRules.Of("a b c", "corr\n" + correlation);

    /// <summary>Another order of the same events that keeps the order within each group.</summary>
    static List<Arrival> Interleave(Arrival[] arrivals, bool[] order)
    {
        var zero = new Queue<Arrival>(arrivals.Where(a => !a.Fields.Contains("g=1", StringComparison.Ordinal)));
        var one = new Queue<Arrival>(arrivals.Where(a => a.Fields.Contains("g=1", StringComparison.Ordinal)));
        var mixed = new List<Arrival>();
        for (int i = 0; zero.Count + one.Count > 0; i++)
        {
            Queue<Arrival> next = one.Count == 0 || (zero.Count > 0 && order[i % order.Length]) ? zero : one;
            mixed.Add(next.Dequeue());
        }
        return mixed;
    }
}
