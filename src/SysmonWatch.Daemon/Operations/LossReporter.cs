using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// Logs each kind of loss: the first at once, those after it at most once a minute in one sum. Thread-safe. A loss that logging itself causes is
/// counted and reported with the next sum, so that it cannot cause itself again.
/// </summary>
/// <param name="logger">Asked for at the first loss only: a log that counts its own failures needs the counters, and they need this.</param>
/// <param name="time">Measures the minute.</param>
sealed partial class LossReporter(Lazy<ILogger> logger, TimeProvider time) : ILossListener
{
    /// <summary>How long one kind of loss is not reported again.</summary>
    static readonly TimeSpan Silence = TimeSpan.FromMinutes(1);

    /// <summary>Makes the message findable and explained (<c>journalctl -x</c>), whatever it counts.</summary>
    static readonly KeyValuePair<string, object>[] MessageId = [new("MessageId", MessageIds.Loss)];

    readonly ConcurrentDictionary<Counter, Reported> _reported = new();

    /// <inheritdoc />
    public void OnLoss(Counter counter) => Report(counter, _reported.GetOrAdd(counter, static _ => new Reported()), evenIfNotDue: false);

    /// <summary>Reports what was lost and is due. To be called periodically.</summary>
    public void Flush() => ReportAll(evenIfNotDue: false);

    /// <summary>Reports everything that was not reported yet, before the daemon ends.</summary>
    public void Finish() => ReportAll(evenIfNotDue: true);

    void ReportAll(bool evenIfNotDue)
    {
        foreach ((Counter counter, Reported reported) in _reported) Report(counter, reported, evenIfNotDue);
    }

    void Report(Counter counter, Reported reported, bool evenIfNotDue)
    {
        long lost;
        long total;
        TimeSpan since;
        bool isFirst;
        lock (reported)
        {
            total = counter.Value;
            lost = total - reported.Total;
            isFirst = reported.Total == 0;
            since = isFirst ? TimeSpan.Zero : time.GetElapsedTime(reported.At);
            if (lost == 0 || (!isFirst && !evenIfNotDue && since < Silence)) return;

            // Before the message, so that a loss caused by the message finds it reported.
            reported.Total = total;
            reported.At = time.GetTimestamp();
        }

        using IDisposable? scope = logger.Value.BeginScope(MessageId);
        string reason = counter.Detail is { } detail ? $"{counter.Reason} ({detail})" : counter.Reason;
        if (isFirst) LogFirst(logger.Value, counter.Kind, lost, reason);
        else LogMore(logger.Value, counter.Kind, lost, TimeSpan.FromSeconds(Math.Round(since.TotalSeconds)), total, reason);
    }

    [LoggerMessage(5001, LogLevel.Warning, "Lost {Name}: {Lost}. Reason: {Reason}. Further losses of this kind are reported at most once a minute.")]
    static partial void LogFirst(ILogger logger, string name, long lost, string reason);

    [LoggerMessage(5002, LogLevel.Warning, "Lost {Name}: {Lost} more in {Since:c}, {Total} since the start. Reason: {Reason}.")]
    static partial void LogMore(ILogger logger, string name, long lost, TimeSpan since, long total, string reason);

    sealed class Reported
    {
        public long Total;
        public long At;
    }
}
