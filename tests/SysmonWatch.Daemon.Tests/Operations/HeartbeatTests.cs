using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.Tests.Operations;

public sealed class HeartbeatTests : IDisposable
{
    readonly ServiceManager _manager = new();
    readonly FakeTimeProvider _time = new();
    readonly Watchdog _watchdog = new();
    readonly SharedTimer _timer = new(TimeSpan.FromDays(1), NullLogger.Instance);
    readonly Source _source = new();
    readonly ApplicationLifetime _lifetime = new(NullLogger<ApplicationLifetime>.Instance);

    public void Dispose()
    {
        _timer.Dispose();
        _manager.Dispose();
    }

    [Fact]
    public void Calls_the_daemon_alive_only_while_everything_moves()
    {
        StageProgress stage = _watchdog.Register("worker 1");
        using Heartbeat heartbeat = Heartbeat(TimeSpan.FromSeconds(30));

        stage.Working();
        heartbeat.Beat();
        heartbeat.Beat();
        stage.Working();
        heartbeat.Beat();

        Assert.Equal(["WATCHDOG=1", "STATUS=a, 0 events/s, 0 alerts in 1 h", "WATCHDOG=1"], ReceiveAll());
    }

    [Fact]
    public void Tells_the_status_only_when_it_changed_and_no_watchdog_where_nobody_wants_it()
    {
        using Heartbeat heartbeat = Heartbeat(watchdogTimeout: null);

        heartbeat.Beat();
        heartbeat.Beat();
        _source.Status = _source.Status with { Inputs = ["b"] };
        heartbeat.Beat();

        Assert.Equal(["STATUS=a, 0 events/s, 0 alerts in 1 h", "STATUS=b, 0 events/s, 0 alerts in 1 h"], ReceiveAll());
    }

    [Fact]
    public async Task Beats_by_the_clock_and_says_when_the_daemon_stops()
    {
        using Heartbeat heartbeat = Heartbeat(TimeSpan.FromSeconds(30));

        await heartbeat.StartAsync(TestContext.Current.CancellationToken);

        _timer.TickNow();
        Assert.Equal("WATCHDOG=1", _manager.Receive());
        Assert.Equal("STATUS=a, 0 events/s, 0 alerts in 1 h", _manager.Receive());

        _lifetime.StopApplication();
        await heartbeat.StopAsync(TestContext.Current.CancellationToken);
        _timer.TickNow();
        Assert.Equal(["STOPPING=1\nSTATUS=stopping"], ReceiveAll());
    }

    Heartbeat Heartbeat(TimeSpan? watchdogTimeout) => new(
        new ServiceNotifier(_manager.Address, _time),
        _watchdog,
        new WatchdogSettings(watchdogTimeout),
        new StatusLine(new Counters(), _time),
        new LossReporter(new Lazy<ILogger>(NullLogger.Instance), _time),
        _lifetime,
        _timer,
        NullLogger<Heartbeat>.Instance,
        _source);

    List<string> ReceiveAll()
    {
        List<string> all = [];
        while (_manager.HasMore) all.Add(_manager.Receive());
        return all;
    }

    sealed class Source : IStatusSource
    {
        public StatusFacts Status { get; set; } = new(["a"], null, 0, 0, []);
    }
}
