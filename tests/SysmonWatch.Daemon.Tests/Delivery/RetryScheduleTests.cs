using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Delivery.Sinks;

namespace SysmonWatch.Daemon.Tests.Delivery;

public sealed class RetryScheduleTests
{
    static readonly RetryOptions Options = new() { First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(60), GiveUpAfter = TimeSpan.FromHours(1) };
    static readonly DeliveryResult Down = new(DeliveryOutcome.Unavailable);
    readonly RetrySchedule _schedule = new(Options);

    [Fact]
    public void Doubles_the_wait_up_to_the_longest()
    {
        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], Enumerable.Range(1, 8).Select(n => _schedule.WaitAfter(n, Down, 1).TotalSeconds));
        Assert.Equal(60, _schedule.WaitAfter(int.MaxValue, Down, 1).TotalSeconds);
    }

    [Fact]
    public void Spreads_the_wait_over_its_second_half()
    {
        Assert.Equal(4, _schedule.WaitAfter(4, Down, 0).TotalSeconds);
        Assert.Equal(6, _schedule.WaitAfter(4, Down, 0.5).TotalSeconds);
    }

    [Theory]
    [InlineData(10, 10)]
    [InlineData(0.1, 1)]
    [InlineData(3600, 60)]
    [InlineData(-5, 1)]
    public void Waits_as_long_as_asked_within_reason(double asked, double expected)
    {
        var result = new DeliveryResult(DeliveryOutcome.Limited, "", TimeSpan.FromSeconds(asked));

        Assert.Equal(expected, _schedule.WaitAfter(1, result, 1).TotalSeconds);
    }

    [Fact]
    public void Tries_a_wrong_configuration_slowly()
    {
        Assert.Equal(60, _schedule.WaitAfter(1, new DeliveryResult(DeliveryOutcome.Misconfigured), 1).TotalSeconds);
    }

    [Theory]
    [InlineData(nameof(DeliveryOutcome.Unavailable), 61, 5, true)]
    [InlineData(nameof(DeliveryOutcome.Unavailable), 60, 500, false)]
    [InlineData(nameof(DeliveryOutcome.Unavailable), 600_000, 4, false)]
    [InlineData(nameof(DeliveryOutcome.Misconfigured), 61, 5, true)]
    [InlineData(nameof(DeliveryOutcome.Misconfigured), 59, 5, false)]
    [InlineData(nameof(DeliveryOutcome.Rejected), 0, 2, false)]
    [InlineData(nameof(DeliveryOutcome.Rejected), 0, 3, true)]
    public void Gives_up_by_age_or_what_is_not_wanted(string outcome, int minutes, int attempts, bool expected)
    {
        Assert.Equal(expected, _schedule.GivesUp(TimeSpan.FromMinutes(minutes), attempts, Enum.Parse<DeliveryOutcome>(outcome)));
    }
}
