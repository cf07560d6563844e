using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Pipeline;

namespace SysmonWatch.Daemon.Tests.Pipeline;

public class CheckpointScheduleTests
{
    readonly FakeTimeProvider _time = new();

    [Fact]
    public void Nothing_is_to_be_written_until_something_moves()
    {
        CheckpointSchedule schedule = Schedule();

        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(schedule.IsDirty);

        schedule.Moved();
        Assert.True(schedule.IsDirty);
        Assert.Equal(TimeSpan.Zero, schedule.Remaining);

        schedule.Taken();
        Assert.False(schedule.IsDirty);
    }

    [Fact]
    public void The_first_is_due_at_once()
    {
        CheckpointSchedule schedule = Schedule();
        schedule.Moved();

        Assert.Equal(TimeSpan.Zero, schedule.Remaining);
    }

    [Fact]
    public void Two_checkpoints_are_as_far_apart_as_is_configured()
    {
        CheckpointSchedule schedule = Schedule();
        schedule.Moved();
        schedule.Taken();
        schedule.Moved();

        Assert.Equal(TimeSpan.FromSeconds(5), schedule.Remaining);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.FromSeconds(2), schedule.Remaining);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.Zero, schedule.Remaining);
    }

    [Fact]
    public void Writing_them_never_takes_more_than_a_twentieth_of_the_time()
    {
        CheckpointSchedule schedule = Schedule();
        schedule.LastCost = TimeSpan.FromSeconds(2);
        schedule.Moved();
        schedule.Taken();

        Assert.Equal(TimeSpan.FromSeconds(40), schedule.Remaining);
    }

    CheckpointSchedule Schedule() => new(TimeSpan.FromSeconds(5), _time);
}
