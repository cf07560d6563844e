using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Delivery.Sinks;

namespace SysmonWatch.Daemon.Tests.Delivery;

public sealed class BreakerTests
{
    static readonly DateTimeOffset Now = new(2026, 11, 24, 4, 15, 0, TimeSpan.Zero);
    static readonly DeliveryResult Down = new(DeliveryOutcome.Unavailable);
    readonly Breaker _breaker = new(new RetrySchedule(new RetryOptions { First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(60) }));

    [Fact]
    public void Leaves_a_sink_alone_longer_with_each_failure()
    {
        Assert.Equal(TimeSpan.Zero, _breaker.Remaining(Now));

        Assert.Equal(Now.AddSeconds(1), _breaker.Failed(Now, Down, 1));
        Assert.Equal(Now.AddSeconds(3), _breaker.Failed(Now.AddSeconds(1), Down, 1));

        Assert.Equal(TimeSpan.FromSeconds(2), _breaker.Remaining(Now.AddSeconds(1)));
        Assert.Equal(TimeSpan.Zero, _breaker.Remaining(Now.AddSeconds(3)));
    }

    [Fact]
    public void Begins_anew_after_a_success()
    {
        _breaker.Failed(Now, Down, 1);
        _breaker.Failed(Now, Down, 1);

        Assert.Equal(2, _breaker.Succeeded());

        Assert.Equal(TimeSpan.Zero, _breaker.Remaining(Now));
        Assert.Equal(Now.AddSeconds(1), _breaker.Failed(Now, Down, 1));
    }

    [Fact]
    public void Is_not_held_open_by_a_clock_that_is_set_back()
    {
        _breaker.Failed(Now, Down, 1);

        Assert.Equal(TimeSpan.Zero, _breaker.Remaining(Now.AddDays(-1)));
    }
}
