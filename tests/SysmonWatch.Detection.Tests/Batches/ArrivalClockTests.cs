using CsCheck;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Tests.Batches;

public class ArrivalClockTests
{
    const long Minute = 60_000_000;
    const long Day = 24 * 60 * Minute;

    static readonly long Now = EventTime.From(new DateTimeOffset(2026, 11, 24, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void An_event_more_than_the_tolerance_ahead_of_its_arrival_is_from_the_future()
    {
        var clock = new ArrivalClock(TimeSpan.FromMinutes(5));

        Assert.False(clock.IsFromTheFuture(Now + (5 * Minute), Now));
        Assert.True(clock.IsFromTheFuture(Now + (5 * Minute) + 1, Now));
        Assert.False(clock.IsFromTheFuture(Now - (400 * Day), Now));
    }

    [Fact]
    public void Where_nothing_says_when_it_arrived_one_event_cannot_move_time_and_two_that_agree_can()
    {
        var clock = new ArrivalClock(TimeSpan.FromMinutes(5));

        Assert.False(clock.IsFromTheFuture(Now, 0));
        Assert.True(clock.IsFromTheFuture(Now + Day, 0));
        Assert.False(clock.IsFromTheFuture(Now + Minute, 0));
        Assert.True(clock.IsFromTheFuture(Now + (2 * Day), 0));
        Assert.False(clock.IsFromTheFuture(Now + (2 * Day) + Minute, 0));
    }

    [Fact]
    public void Any_time_is_answered_also_before_1970_and_at_its_start()
    {
        var clock = new ArrivalClock(TimeSpan.FromMinutes(5));

        Assert.False(clock.IsFromTheFuture(-Day, 0));
        Assert.True(clock.IsFromTheFuture(0, 0));

        long latest = EventTime.From(DateTimeOffset.MaxValue);
        Gen.Long[-latest, latest].Array[1, 8].Sample(times =>
        {
            var any = new ArrivalClock(TimeSpan.FromMinutes(5));
            foreach (long time in times) any.IsFromTheFuture(time, 0);
        });
    }
}
