using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// Says each kind of loss in the log: the first at once, those after it at most once a minute in one sum. Thread-safe. A loss that logging itself
/// causes is counted and said with the next sum, so it cannot go round in a circle.
/// </summary>
/// <param name="logger">Asked for at the first loss only: a log that counts its own failures needs the counters, and they need this.</param>
/// <param name="time">Measures the minute.</param>
sealed partial class LossReporter(Lazy<ILogger> logger, TimeProvider time) : ILossListener
{
    /// <summary>How long one kind of loss is silent after it was said.</summary>
    static readonly TimeSpan Silence = TimeSpan.FromMinutes(1);

    /// <summary>Makes the message findable and explained (<c>journalctl -x</c>), whatever it counts.</summary>
    static readonly KeyValuePair<string, object>[] MessageId = [new("MessageId", MessageIds.Loss)];

    readonly ConcurrentDictionary<Counter, Said> _said = new();

    /// <inheritdoc />
    public void OnLoss(Counter counter) => Say(counter, _said.GetOrAdd(counter, static _ => new Said()), evenIfSilent: false);

    /// <summary>Says what was lost and not said yet and is due. To be called every now and then.</summary>
    public void Flush() => SayAll(evenIfSilent: false);

    /// <summary>Says everything that was not said yet: the daemon ends.</summary>
    public void Finish() => SayAll(evenIfSilent: true);

    void SayAll(bool evenIfSilent)
    {
        foreach ((Counter counter, Said said) in _said) Say(counter, said, evenIfSilent);
    }

    void Say(Counter counter, Said said, bool evenIfSilent)
    {
        long lost;
        long total;
        TimeSpan since;
        bool isFirst;
        lock (said)
        {
            total = counter.Value;
            lost = total - said.Total;
            isFirst = said.Total == 0;
            since = isFirst ? TimeSpan.Zero : time.GetElapsedTime(said.At);
            if (lost == 0 || (!isFirst && !evenIfSilent && since < Silence)) return;

            // Before the message, so that a loss the message causes finds it said.
            said.Total = total;
            said.At = time.GetTimestamp();
        }

        using IDisposable? scope = logger.Value.BeginScope(MessageId);
        string reason = counter.Detail is { } detail ? $"{counter.Reason} ({detail})" : counter.Reason;
        if (isFirst) LogFirst(logger.Value, counter.Kind, lost, reason);
        else LogMore(logger.Value, counter.Kind, lost, TimeSpan.FromSeconds(Math.Round(since.TotalSeconds)), reason, total);
    }

    [LoggerMessage(5001, LogLevel.Warning, "Lost {Lost} {Name}: {Reason}. More of this kind are told once a minute at most.")]
    static partial void LogFirst(ILogger logger, string name, long lost, string reason);

    [LoggerMessage(5002, LogLevel.Warning, "Lost {Lost} more {Name} in {Since:c}: {Reason}. {Total} since the start.")]
    static partial void LogMore(ILogger logger, string name, long lost, TimeSpan since, string reason, long total);

    sealed class Said
    {
        public long Total;
        public long At;
    }
}
