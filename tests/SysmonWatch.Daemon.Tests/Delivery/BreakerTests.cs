using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Delivery.Sinks;

namespace SysmonWatch.Daemon.Tests.Delivery;

public sealed class BreakerTests
{
    static readonly DeliveryResult Down = new(DeliveryOutcome.Unavailable);
    readonly FakeTimeProvider _time = new();
    readonly Breaker _breaker;

    public BreakerTests() => _breaker = new Breaker(new RetrySchedule(new RetryOptions { First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(60) }), _time);

    [Fact]
    public void Leaves_a_sink_alone_longer_with_each_failure()
    {
        Assert.Equal(TimeSpan.Zero, _breaker.Remaining);

        _breaker.Failed(Down, 1);
        Assert.Equal(TimeSpan.FromSeconds(1), _breaker.Remaining);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.Zero, _breaker.Remaining);
        _breaker.Failed(Down, 1);

        Assert.Equal(TimeSpan.FromSeconds(2), _breaker.Remaining);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(TimeSpan.Zero, _breaker.Remaining);
    }

    [Fact]
    public void Begins_anew_after_a_success()
    {
        _breaker.Failed(Down, 1);
        _breaker.Failed(Down, 1);

        _breaker.Succeeded();

        Assert.Equal(TimeSpan.Zero, _breaker.Remaining);
        _breaker.Failed(Down, 1);
        Assert.Equal(TimeSpan.FromSeconds(1), _breaker.Remaining);
    }

    [Fact]
    public void Is_neither_opened_nor_held_by_a_clock_that_is_set()
    {
        var time = new LeapingTime(_time);
        var breaker = new Breaker(new RetrySchedule(new RetryOptions { First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(60) }), time);
        breaker.Failed(Down, 1);

        time.Leap(TimeSpan.FromDays(2));

        Assert.Equal(TimeSpan.FromSeconds(1), breaker.Remaining);
    }
}
