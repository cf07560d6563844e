using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.Tests.Operations;

public sealed class StatusLineTests : IDisposable
{
    readonly FakeTimeProvider _time = new();
    readonly Counters _counters = new();
    readonly StatusLine _line;

    public void Dispose() => _counters.Dispose();

    public StatusLineTests() => _line = new StatusLine(_counters, _time);

    [Fact]
    public void Says_everything_on_one_line()
    {
        _counters.Loss("events", "why").Add(1234);
        _time.Advance(TimeSpan.FromSeconds(10));

        string line = _line.Compose(new(["following /var/log/syslog", "waiting for /var/log/messages"], 2048, 12_340, 3, [("slack", "ok"), ("teams", "down")]));

        Assert.Equal("following /var/log/syslog, waiting for /var/log/messages, lag 2 KiB, 1,234 events/s, 3 alerts in 1 h, slack ok, teams down, 1,234 lost", line);
    }

    [Fact]
    public void Says_the_least_where_there_is_nothing_to_say() =>
        Assert.Equal("no input, 0 events/s, 0 alerts in 1 h", _line.Compose(new([], null, 0, 0, [])));

    [Fact]
    public void Has_the_rate_since_the_last_time()
    {
        Assert.Contains(" 0 events/s", After(0, 50), StringComparison.Ordinal);
        Assert.Contains(" 10 events/s", After(10, 100), StringComparison.Ordinal);
        Assert.Contains(" 10 events/s", After(10, 200), StringComparison.Ordinal);
        Assert.Contains(" 0.5 events/s", After(10, 205), StringComparison.Ordinal);
        Assert.Contains(" 0.5 events/s", After(0, 205), StringComparison.Ordinal);
        Assert.Contains(" 0 events/s", After(10, 205), StringComparison.Ordinal);
    }

    [Fact]
    public void Forgets_alerts_after_an_hour()
    {
        Assert.Contains("1 alert in", Alerts(0, 1), StringComparison.Ordinal);
        Assert.Contains("3 alerts in", Alerts(30, 3), StringComparison.Ordinal);
        Assert.Contains("3 alerts in", Alerts(29, 3), StringComparison.Ordinal);
        Assert.Contains("2 alerts in", Alerts(1, 3), StringComparison.Ordinal);
        Assert.Contains("0 alerts in", Alerts(100, 3), StringComparison.Ordinal);
        Assert.Contains("1 alert in", Alerts(100_000, 4), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "lag 0 B")]
    [InlineData(1023, "lag 1023 B")]
    [InlineData(1536, "lag 1.5 KiB")]
    [InlineData(3 * 1024 * 1024, "lag 3 MiB")]
    [InlineData(5L * 1024 * 1024 * 1024, "lag 5 GiB")]
    public void Says_the_lag_in_units(long bytes, string expected) =>
        Assert.Contains(expected + ",", _line.Compose(new([], bytes, 0, 0, [])), StringComparison.Ordinal);

    string After(int seconds, long events)
    {
        _time.Advance(TimeSpan.FromSeconds(seconds));
        return _line.Compose(new([], null, events, 0, []));
    }

    string Alerts(int minutes, long alerts)
    {
        _time.Advance(TimeSpan.FromMinutes(minutes));
        return _line.Compose(new([], null, 0, alerts, []));
    }
}
