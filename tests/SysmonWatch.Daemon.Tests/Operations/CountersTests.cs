using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.Tests.Operations;

public class CountersTests
{
    [Fact]
    public void Gives_the_same_counter_to_who_asks_twice()
    {
        Counters counters = new();

        Assert.Same(counters.Of("events"), counters.Of("events"));
        Assert.Same(counters.Loss("events", "why"), counters.Loss("events", "why"));
        Assert.NotSame(counters.Of("events"), counters.Loss("events", "why"));
    }

    [Fact]
    public void Counts_from_many_threads_and_tells_losses_from_the_rest()
    {
        Counters counters = new();

        Parallel.For(0, 1000, i =>
        {
            counters.Of("events").Add(2);
            counters.Loss("alerts", i % 2 == 0 ? "even" : "odd").Add();
        });

        Assert.Equal([new("alerts", "even", 500), new("alerts", "odd", 500), new CounterValue("events", "", 2000)], counters.Snapshot());
        Assert.Equal(1000, counters.Losses);
    }

    [Fact]
    public void Wants_a_reason_for_a_loss() => Assert.Throws<ArgumentException>(() => new Counters().Loss("events", ""));
}
