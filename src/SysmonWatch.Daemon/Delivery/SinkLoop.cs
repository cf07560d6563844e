using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Delivery.Sinks;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Delivery;

/// <summary>
/// Tells one sink what the outbox holds for it, in order. Its queue is a window on the outbox; it sleeps until it is woken or a wait is over, so that
/// an idle one costs nothing. Whatever the sink does delays this loop only.
/// </summary>
sealed partial class SinkLoop : IAsyncDisposable
{
    const int Window = 50;
    const int LargestDigest = 1000;

    // An attempt under way at the end gets so long; the whole end may take a second.
    static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(700);
    static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(100);

    readonly AlertRoute _route;
    readonly IAlertSink _sink;
    readonly RetrySchedule _schedule;
    readonly Breaker _breaker;
    readonly StateStore _store;
    readonly TimeProvider _time;
    readonly ILogger _logger;
    readonly CancellationTokenSource _stopping = new();
    readonly CancellationTokenSource _abandoning = new();

    // A signal that is there already says all that a second one would.
    readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    Task _run = Task.CompletedTask;
    SinkStatus _status;

    public SinkLoop(AlertRoute route, StateStore store, TimeProvider time, ILogger logger)
    {
        (_route, _sink, _store, _time, _logger) = (route, route.Sink, store, time, logger);
        _schedule = new RetrySchedule(route.Retry);
        _breaker = new Breaker(_schedule);
        _status = new SinkStatus(_sink.Name, 0, 0, 0, _sink.Problem is null ? null : time.GetUtcNow(), _sink.Problem, null);
    }

    /// <summary>What it tells and to whom.</summary>
    public AlertRoute Route => _route;

    /// <summary>How it is. Thread-safe.</summary>
    public SinkStatus Status => Volatile.Read(ref _status);

    /// <summary>Begins to tell.</summary>
    public void Start() => _run = Task.Run(RunAsync);

    /// <summary>There is something new in the outbox. Thread-safe.</summary>
    public void Wake() => _signal.Writer.TryWrite(true);

    /// <summary>Ends after the attempt that is under way, or without it after a short time.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        try
        {
            await _run.WaitAsync(Grace, _time);
        }
        catch (TimeoutException)
        {
            await _abandoning.CancelAsync();
            await _run;
        }
        _stopping.Dispose();
        _abandoning.Dispose();
        (_sink as IDisposable)?.Dispose();
    }

    async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            TimeSpan? wait = await StepAsync();
            if (wait == TimeSpan.Zero) continue;
            await SleepAsync(wait);
        }
    }

    async Task SleepAsync(TimeSpan? wait)
    {
        using CancellationTokenSource timer = wait is { } time ? new CancellationTokenSource(time, _time) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, _stopping.Token);
        try
        {
            await _signal.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            // The wait is over, or the end has come; the loop sees which.
        }
    }

    /// <summary>Tells what is due.</summary>
    /// <returns>How long nothing can be done; null where only a signal changes that, zero where there may be more now.</returns>
    async Task<TimeSpan?> StepAsync()
    {
        TimeSpan left = _breaker.Remaining(_time.GetUtcNow());
        if (left > TimeSpan.Zero) return left;
        IReadOnlyList<PendingDelivery> due = _store.NextDue(_sink.Name, Window, _schedule.Longest);
        if (due.Count == 0) return UntilNextTry();
        bool hasDigest = _sink.TakesDigests && due.Count(IsForDigest) > 1;
        // A critical alert is told whole, however late it is, and before the digest.
        foreach (PendingDelivery delivery in hasDigest ? due.Where(d => d.Level == RuleLevel.Critical) : due)
        {
            if (_stopping.IsCancellationRequested) return TimeSpan.Zero;
            if (!await TellAsync([delivery], (alerts, cancellation) => _sink.TellAsync(alerts[0], cancellation))) return _breaker.Remaining(_time.GetUtcNow());
        }
        if (hasDigest)
        {
            PendingDelivery[] late = [.. _store.NextDue(_sink.Name, LargestDigest, _schedule.Longest).Where(IsForDigest)];
            if (!await TellAsync(late, (alerts, cancellation) => _sink.TellDigestAsync(alerts, cancellation))) return _breaker.Remaining(_time.GetUtcNow());
        }
        return TimeSpan.Zero;
    }

    TimeSpan? UntilNextTry()
    {
        if (_store.NextTry(_sink.Name) is not { } next) return null;
        TimeSpan wait = next - _time.GetUtcNow();
        return wait < ShortestWait ? ShortestWait : wait > _schedule.Longest ? _schedule.Longest : wait;
    }

    static bool IsForDigest(PendingDelivery delivery) => delivery.RaisedAt - delivery.OccurredAt > IAlertSink.OldWhenRaised && delivery.Level != RuleLevel.Critical;

    /// <summary>Tells alerts in one message and notes what came of it.</summary>
    /// <returns>False where the sink is to be left alone for a while.</returns>
    async Task<bool> TellAsync(PendingDelivery[] deliveries, Func<IReadOnlyList<Alert>, CancellationToken, ValueTask<DeliveryResult>> tell)
    {
        var alerts = new List<Alert>(deliveries.Length);
        var readable = new List<PendingDelivery>(deliveries.Length);
        foreach (PendingDelivery delivery in deliveries)
        {
            if (TryRead(delivery, out Alert? alert))
            {
                alerts.Add(alert!);
                readable.Add(delivery);
            }
            else
            {
                _store.MarkDead(_sink.Name, delivery.AlertId, "the alert in the outbox cannot be read");
                NoteDead(1, delivery.AlertId, "the alert in the outbox cannot be read");
            }
        }
        if (alerts.Count == 0) return true;
        DeliveryResult result;
        try
        {
            result = await tell(alerts, _abandoning.Token);
        }
        catch (OperationCanceledException) when (_abandoning.IsCancellationRequested)
        {
            // Whether it was taken is not known; told again after the start it has the same id.
            return true;
        }
        catch (Exception e)
        {
            // A bug in one sink must not end its loop. The message may hold what must not be shown, the type does not.
            result = new DeliveryResult(DeliveryOutcome.Unavailable, $"unexpected {e.GetType().Name}");
        }
        return result.Outcome == DeliveryOutcome.Told ? Took(readable) : Refused(readable, result);
    }

    bool Took(List<PendingDelivery> deliveries)
    {
        _store.Mark(_sink.Name, [.. deliveries.Select(d => new DeliveryMark(d.AlertId, DeliveryState.Told))]);
        int failures = _breaker.Succeeded();
        if (failures > 0) LogRecovered(_sink.Name, _sink.Endpoint, failures);
        SinkStatus before = Status;
        Volatile.Write(ref _status, before with { Told = before.Told + deliveries.Count, FailingSince = null, LastReason = null, NextTry = null });
        return true;
    }

    bool Refused(List<PendingDelivery> deliveries, DeliveryResult result)
    {
        DateTimeOffset now = _time.GetUtcNow();
        bool isTheAlertsOwn = result.Outcome == DeliveryOutcome.Rejected;
        DateTimeOffset again = isTheAlertsOwn ? default : _breaker.Failed(now, result, Chance());
        var marks = new List<DeliveryMark>(deliveries.Count);
        bool sweep = false;
        foreach (PendingDelivery delivery in deliveries)
        {
            int attempts = delivery.Attempts + 1;
            bool givesUp = _schedule.GivesUp(now - delivery.RaisedAt, attempts, result.Outcome);
            DateTimeOffset next = isTheAlertsOwn ? now + _schedule.WaitAfter(attempts, result, Chance()) : again;
            marks.Add(new DeliveryMark(delivery.AlertId, givesUp ? DeliveryState.Dead : DeliveryState.Pending, next, result.Reason));
            if (!givesUp) continue;
            NoteDead(1, delivery.AlertId, result.Reason);
            sweep |= !isTheAlertsOwn;
        }
        _store.Mark(_sink.Name, marks);
        // Those behind it are as old and would each wait for its own attempts.
        if (sweep && _store.GiveUp(_sink.Name, _schedule.GiveUpAfter, result.Reason) is > 0 and int others) NoteDead(others, deliveries[0].AlertId, result.Reason);
        SinkStatus before = Status;
        if (isTheAlertsOwn) Volatile.Write(ref _status, before with { Failed = before.Failed + 1 });
        else Volatile.Write(ref _status, before with { Failed = before.Failed + 1, FailingSince = before.FailingSince ?? now, LastReason = result.Reason, NextTry = again });
        // Said once as it begins and when the reason is another; each retry would be a flood.
        if (isTheAlertsOwn || before.LastReason != result.Reason) LogRefused(_sink.Name, _sink.Endpoint, deliveries[0].AlertId, result.Reason, marks[0].NextTry);
        return isTheAlertsOwn;
    }

    void NoteDead(int count, string alertId, string reason)
    {
        SinkStatus before = Status;
        Volatile.Write(ref _status, before with { Dead = before.Dead + count });
        LogDead(_sink.Name, _sink.Endpoint, count, alertId, reason);
    }

    static bool TryRead(PendingDelivery delivery, out Alert? alert)
    {
        try
        {
            alert = JsonSerializer.Deserialize(delivery.Json, AlertJson.Default.Alert);
            return alert is not null;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            alert = null;
            return false;
        }
    }

    // Not for security: spreads the retries of several hosts.
    static double Chance() => Random.Shared.NextDouble();

    [LoggerMessage(3101, LogLevel.Warning, "{Sink} ({Endpoint}) did not take alert {AlertId}: {Reason}. Next try at {NextTry:u}; alerts for it are kept.")]
    partial void LogRefused(string sink, string endpoint, string alertId, string reason, DateTimeOffset nextTry);

    [LoggerMessage(3102, LogLevel.Information, "{Sink} ({Endpoint}) takes alerts again after {Failures} failed attempts.")]
    partial void LogRecovered(string sink, string endpoint, int failures);

    [LoggerMessage(3103, LogLevel.Error, "{Sink} ({Endpoint}) was not told {Count} alerts, {AlertId} among them, and they are given up: {Reason}. The journal has them.")]
    partial void LogDead(string sink, string endpoint, int count, string alertId, string reason);
}
