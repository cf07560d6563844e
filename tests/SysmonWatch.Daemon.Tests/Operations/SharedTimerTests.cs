using Microsoft.Extensions.Logging.Abstractions;
using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.Tests.Operations;

public sealed class SharedTimerTests
{
    [Theory]
    [InlineData(null, 15_000)]
    [InlineData(60_000, 15_000)]
    [InlineData(40_000, 10_000)]
    [InlineData(30_000, 15_000)]
    [InlineData(5_000, 2_500)]
    [InlineData(1, 100)]
    public void Ticks_so_that_half_the_watchdogs_timeout_is_a_whole_number_of_them(int? timeout, int tick)
    {
        TimeSpan? asked = timeout is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null;

        using var timer = new SharedTimer(new WatchdogSettings(asked), NullLogger.Instance);

        Assert.Equal(TimeSpan.FromMilliseconds(tick), timer.Tick);
    }

    [Fact]
    public void Does_each_thing_at_its_own_ticks_until_it_is_ended()
    {
        using SharedTimer timer = Every(TimeSpan.FromDays(1));
        List<string> done = [];
        using IDisposable often = timer.Every(TimeSpan.FromMinutes(5), () => done.Add("often"));
        using IDisposable seldom = timer.Every(TimeSpan.FromDays(3), () => done.Add("seldom"));

        for (int i = 0; i < 4; i++) timer.TickNow();
        often.Dispose();
        for (int i = 0; i < 2; i++) timer.TickNow();

        Assert.Equal(["often", "often", "often", "seldom", "often", "seldom"], done);
    }

    [Fact]
    public void Goes_on_where_something_that_is_done_has_a_bug()
    {
        var log = new CollectedLogs();
        using var timer = new SharedTimer(TimeSpan.FromDays(1), log);
        int done = 0;
        using IDisposable broken = timer.Every(TimeSpan.Zero, () => throw new InvalidOperationException("bug"));
        using IDisposable whole = timer.Every(TimeSpan.Zero, () => done++);

        timer.TickNow();
        timer.TickNow();

        Assert.Equal(2, done);
        Assert.Equal(2, log.Messages.Count(message => message.Contains("please report it", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Ticks_by_itself()
    {
        using SharedTimer timer = Every(TimeSpan.FromMilliseconds(1));
        var twice = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int ticks = 0;
        using IDisposable periodic = timer.Every(TimeSpan.Zero, () =>
        {
            if (++ticks == 2) twice.TrySetResult();
        });

        await twice.Task.WaitAsync(TestContext.Current.CancellationToken);
    }

    static SharedTimer Every(TimeSpan tick) => new(tick, NullLogger.Instance);
}
