using System.Globalization;
using SysmonWatch.Daemon.Configuration;

namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// Composes the line of <c>systemctl status</c>:
/// <c>following /var/log/syslog, lag 0 B, 12 events/s, 3 alerts in 1 h, slack ok, 5 lost</c>. Not thread-safe.
/// </summary>
sealed class StatusLine(Counters counters, TimeProvider time)
{
    const int Minutes = 60;

    // Alerts raised in each of the last 60 minutes, by minute number.
    readonly long[] _alerts = new long[Minutes];
    readonly long _started = time.GetTimestamp();
    long _minute;
    long _lastAlerts;
    long _lastEvents;
    long _lastAsked = time.GetTimestamp();
    double _rate;

    /// <summary>The line for now. Rates are those since the last call.</summary>
    public string Compose(StatusFacts facts)
    {
        CountAlerts(facts.Alerts);
        CountEvents(facts.Events);

        List<string> parts = facts.Notice.Length > 0 ? [facts.Notice] : [];
        parts.AddRange(facts.Inputs.Count > 0 ? facts.Inputs : ["no input"]);
        if (facts.LagBytes is { } lag) parts.Add($"lag {Bytes(lag)}");
        parts.Add(string.Create(CultureInfo.InvariantCulture, $"{(_rate is > 0 and < 10 ? Math.Round(_rate, 1) : Math.Round(_rate)):#,0.#} events/s"));
        long alerts = _alerts.Sum();
        parts.Add($"{Wording.Count(alerts, "alert")} in 1 h");
        parts.AddRange(facts.Sinks.Select(sink => $"{sink.Name} {sink.State}"));
        if (counters.Losses is > 0 and long lost) parts.Add(string.Create(CultureInfo.InvariantCulture, $"{lost:#,0} lost"));
        return string.Join(", ", parts);
    }

    void CountEvents(long events)
    {
        double seconds = time.GetElapsedTime(_lastAsked).TotalSeconds;

        // Asked twice in one moment there is no rate; the one before stands.
        if (seconds <= 0) return;
        _rate = Math.Max(0, events - _lastEvents) / seconds;
        _lastEvents = events;
        _lastAsked = time.GetTimestamp();
    }

    void CountAlerts(long alerts)
    {
        long minute = (long)time.GetElapsedTime(_started).TotalMinutes;
        for (long passed = Math.Max(_minute + 1, minute - Minutes + 1); passed <= minute; passed++) _alerts[passed % Minutes] = 0;
        _minute = minute;
        _alerts[minute % Minutes] += Math.Max(0, alerts - _lastAlerts);
        _lastAlerts = alerts;
    }

    static string Bytes(long count) => count switch
    {
        < 1024 => string.Create(CultureInfo.InvariantCulture, $"{count} B"),
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{count / 1024.0:0.#} KiB"),
        < 1024L * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{count / (1024.0 * 1024):0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{count / (1024.0 * 1024 * 1024):0.#} GiB"),
    };
}
