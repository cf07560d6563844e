using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.Tests.Operations;

public sealed class CountersTests : IDisposable
{
    readonly Counters _counters = new();

    public void Dispose() => _counters.Dispose();

    [Fact]
    public void Gives_the_same_counter_to_who_asks_twice()
    {
        Assert.Same(_counters.Loss("events", "why"), _counters.Loss("events", "why"));
        Assert.NotSame(_counters.Loss("events", "why"), _counters.Loss("events", "why not"));
    }

    [Fact]
    public void Counts_from_many_threads_and_shows_each_reason_as_a_metric()
    {
        Parallel.For(0, 1000, i => _counters.Loss("alerts", i % 2 == 0 ? "even" : "odd").Add());

        Assert.Equal(["sysmonwatch.losses{kind=alerts,reason=even} 500", "sysmonwatch.losses{kind=alerts,reason=odd} 500"], Metrics.Of(_counters));
        Assert.Equal(1000, _counters.Losses);
    }

    [Fact]
    public void Wants_a_reason_for_a_loss() => Assert.Throws<ArgumentException>(() => _counters.Loss("events", ""));
}
