using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.Tests.Operations;

public sealed class LossReporterTests : IDisposable
{
    readonly FakeTimeProvider _time = new();
    readonly MessageList _log = new();
    readonly LossReporter _reporter;
    readonly Counters _counters;

    public void Dispose() => _counters.Dispose();

    public LossReporterTests()
    {
        _reporter = new LossReporter(new Lazy<ILogger>(() => _log), _time);
        _counters = new Counters(_reporter);
    }

    [Fact]
    public void Says_the_first_loss_at_once_and_sums_up_those_after_it()
    {
        Counter lost = _counters.Loss("events", "the queue was full");

        lost.Add();
        for (int i = 0; i < 1000; i++) lost.Add(2);
        _reporter.Flush();
        _time.Advance(TimeSpan.FromSeconds(59));
        _reporter.Flush();
        Assert.Equal(["Lost events: 1. Reason: the queue was full. Further losses of this kind are reported at most once a minute."], _log.Messages);

        _time.Advance(TimeSpan.FromSeconds(1));
        _reporter.Flush();
        _reporter.Flush();

        Assert.Equal("Lost events: 2000 more in 00:01:00, 2001 since the start. Reason: the queue was full.", Assert.Single(_log.Messages[1..]));
    }

    [Fact]
    public void Says_a_loss_at_once_again_after_a_quiet_time()
    {
        Counter lost = _counters.Loss("events", "the queue was full");

        lost.Add();
        _time.Advance(TimeSpan.FromHours(3));
        _reporter.Flush();
        lost.Add();

        Assert.Equal("Lost events: 1 more in 03:00:00, 2 since the start. Reason: the queue was full.", Assert.Single(_log.Messages[1..]));
    }

    [Fact]
    public void Keeps_each_reason_apart_and_says_the_detail()
    {
        _counters.Loss("events", "the queue was full").Add();
        _counters.Loss("events", "the line is too long").Add(1, "/var/log/syslog");

        Assert.Equal(
            [
                "Lost events: 1. Reason: the queue was full. Further losses of this kind are reported at most once a minute.",
                "Lost events: 1. Reason: the line is too long (/var/log/syslog). Further losses of this kind are reported at most once a minute.",
            ],
            _log.Messages);
    }

    [Fact]
    public void Says_the_rest_when_the_daemon_ends()
    {
        Counter lost = _counters.Loss("events", "the queue was full");
        lost.Add();
        lost.Add();

        _reporter.Finish();
        _reporter.Finish();

        Assert.Equal(2, _log.Messages.Count);
    }

    [Fact]
    public void Does_not_go_round_in_a_circle_when_the_log_itself_loses()
    {
        Counter lost = _counters.Loss("log messages", "the log could not be written");
        _log.OnMessage = () => lost.Add();

        lost.Add();
        _reporter.Flush();
        Assert.Single(_log.Messages);

        _time.Advance(TimeSpan.FromMinutes(1));
        _reporter.Flush();
        Assert.Equal(2, _log.Messages.Count);
        Assert.Equal(3, lost.Value);
    }

    [Fact]
    public void Says_every_loss_of_many_threads_exactly_once()
    {
        Counter lost = _counters.Loss("events", "the queue was full");

        Parallel.For(0, 4, _ =>
        {
            for (int i = 0; i < 10_000; i++)
            {
                lost.Add();
                if (i % 100 == 0) _time.Advance(TimeSpan.FromMinutes(1));
            }
        });
        _reporter.Finish();

        Assert.Equal(40_000, lost.Value);
        Assert.Equal(40_000, _log.Messages.Sum(message => long.Parse(message.Split(' ')[2].TrimEnd('.'), null)));
    }

    [Fact]
    public void Makes_no_more_counters_than_it_may()
    {
        for (int i = 0; i < 5000; i++) _counters.Loss("events", $"reason {i}").Add();

        string[] metrics = Metrics.Of(_counters);
        Assert.Equal(1001, metrics.Length);
        Assert.Equal(5000, _counters.Losses);
        Assert.Contains("sysmonwatch.losses{kind=other things,reason=other reasons} 4000", metrics);
    }

    sealed class MessageList : ILogger
    {
        public List<string> Messages { get; } = [];

        public Action? OnMessage { get; set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            Assert.Equal([new("MessageId", MessageIds.Loss)], Assert.IsType<KeyValuePair<string, object>[]>(state));
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (Messages) Messages.Add(formatter(state, exception));
            OnMessage?.Invoke();
        }
    }
}
