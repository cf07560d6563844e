using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.Tests.Operations;

public class WatchdogTests
{
    readonly Watchdog _watchdog = new();

    [Fact]
    public void Is_content_with_a_stage_that_rests_for_ever()
    {
        StageProgress stage = _watchdog.Register("reader");

        Assert.Empty(_watchdog.FindStuck());
        stage.Working();
        stage.Resting();
        for (int i = 0; i < 3; i++) Assert.Empty(_watchdog.FindStuck());
    }

    [Fact]
    public void Is_content_with_a_stage_that_moves()
    {
        StageProgress stage = _watchdog.Register("reader");

        for (int i = 0; i < 3; i++)
        {
            stage.Working();
            Assert.Empty(_watchdog.FindStuck());
        }
    }

    [Fact]
    public void Finds_a_stage_that_has_work_and_does_not_move_until_it_moves_again()
    {
        StageProgress reader = _watchdog.Register("reader");
        StageProgress worker = _watchdog.Register("worker 1");

        worker.Working();
        reader.Working();
        Assert.Empty(_watchdog.FindStuck());
        reader.Working();
        Assert.Equal(["worker 1"], _watchdog.FindStuck());
        Assert.Equal(["reader", "worker 1"], _watchdog.FindStuck());
        worker.Working();
        reader.Resting();
        Assert.Empty(_watchdog.FindStuck());
    }

    [Fact]
    public void Does_not_blame_a_stage_whose_work_came_just_now()
    {
        StageProgress stage = _watchdog.Register("reader");

        Assert.Empty(_watchdog.FindStuck());
        stage.Working();
        Assert.Empty(_watchdog.FindStuck());
        stage.Resting();
        stage.Working();
        Assert.Empty(_watchdog.FindStuck());
        Assert.Equal(["reader"], _watchdog.FindStuck());
    }

    [Fact]
    public void Forgets_a_stage_that_ended_in_the_middle_of_its_work()
    {
        StageProgress stage = _watchdog.Register("reader");
        stage.Working();
        Assert.Empty(_watchdog.FindStuck());

        stage.Dispose();

        Assert.Empty(_watchdog.FindStuck());
    }

    [Theory]
    [InlineData("30000000", null, 15.0)]
    [InlineData("30000000", "", 15.0)]
    [InlineData("30000000", "42", 15.0)]
    [InlineData("30000000", "43", null)]
    [InlineData("30000000", "x", null)]
    [InlineData("0", null, null)]
    [InlineData("-1", null, null)]
    [InlineData("18446744073709551615", null, null)]
    [InlineData("9223372036854775807", null, null)]
    [InlineData("soon", null, null)]
    [InlineData(null, null, null)]
    public void Reads_what_the_service_manager_wants(string? microseconds, string? processId, double? seconds) =>
        Assert.Equal(seconds, WatchdogSettings.Parse(microseconds, processId, ownProcessId: 42).Interval?.TotalSeconds);
}
