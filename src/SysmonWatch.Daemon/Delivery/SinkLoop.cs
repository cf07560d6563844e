using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Delivery.Sinks;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Delivery;

/// <summary>
/// Tells one sink what the outbox holds for it, in order. Its queue is a window on the outbox; it sleeps until it is woken or a wait is over, so that
/// an idle one costs nothing. Whatever the sink does delays this loop only.
/// </summary>
/// <remarks>
/// A refusal (HTTP 400) may be for the alert's sake or the service's. It is the alert's where the service takes another one after it: then the alert
/// is set aside for a while, and after three times for good. It is the service's where it refuses two different ones: then all wait, none is given up
/// for it, and each time another one is tried beside the first, so that no number of bad alerts can look like a bad service for ever.
/// </remarks>
sealed partial class SinkLoop : IAsyncDisposable
{
    const int Window = 100;
    const int LargestDigest = 1000;

    // An attempt under way at the end gets so long; the whole end may take a second.
    static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(700);
    static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(100);
    // While many wait for a sink as quick as the journal, that they were told is noted together: a commit each would be ten times slower than telling.
    static readonly TimeSpan NotedWithin = TimeSpan.FromMilliseconds(20);

    readonly AlertRoute _route;
    readonly IAlertSink _sink;
    readonly RetrySchedule _schedule;
    readonly Breaker _breaker;
    readonly SinkReport _report;
    readonly StateStore _store;
    readonly TimeProvider _time;
    readonly ILogger _logger;
    readonly Counter _poisonous;
    readonly Counter _tooOld;
    readonly CancellationTokenSource _stopping = new();
    readonly CancellationTokenSource _abandoning = new();

    // A signal that is there already says all that a second one would.
    readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    readonly List<DeliveryMark> _told = [];
    Task _run = Task.CompletedTask;
    SinkStatus _status;
    long _toldSince;
    bool _isBehind;
    // Refused, and nothing was taken or refused since.
    (PendingDelivery Delivery, DeliveryResult Result)? _suspect;
    bool _saidAlone;
    // How often in a row the service has refused whatever it was given: decides what is tried beside the first.
    int _rounds;

    public SinkLoop(AlertRoute route, StateStore store, Counters counters, TimeProvider time, ILogger logger)
    {
        (_route, _sink, _store, _time, _logger) = (route, route.Sink, store, time, logger);
        _schedule = new RetrySchedule(route.Retry);
        _breaker = new Breaker(_schedule, time);
        _report = new SinkReport(time);
        _poisonous = counters.Loss($"alerts for {_sink.Name}", "it refuses them while it takes others; each is kept as a dead letter");
        _tooOld = counters.Loss($"alerts for {_sink.Name}", "it took nothing for as long as they are tried (retry.give_up_after); each is kept as a dead letter");
        _status = new SinkStatus(_sink.Name, 0, 0, 0, null, null, null);
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
            TimeSpan? wait;
            try
            {
                wait = await StepAsync();
            }
            finally
            {
                NoteTold();
            }
            Say();
            if (wait == TimeSpan.Zero) continue;
            await SleepAsync(_report.Remaining is { } unsaid && !(unsaid >= wait) ? unsaid : wait);
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
        TimeSpan left = _breaker.Remaining;
        if (left > TimeSpan.Zero && _suspect is null) return left;
        IReadOnlyList<PendingDelivery> due = _store.NextDue(_sink.Name, Window, _schedule.Longest);
        if (left > TimeSpan.Zero)
        {
            // What else there is tells whose fault the refusal was, and need not wait for it.
            due = [.. due.Where(d => d.AlertId != _suspect!.Value.Delivery.AlertId)];
            if (due.Count == 0) return IsAlone(_suspect!.Value.Delivery, _suspect.Value.Result);
            due = [due[_rounds % due.Count]];
        }
        if (due.Count == 0) return UntilNextTry();
        _isBehind = due.Count == Window;
        bool hasDigest = _sink.TakesDigests && due.Count(IsForDigest) > 1;
        // A critical alert is told whole, however late it is, and before the digest.
        foreach (PendingDelivery delivery in hasDigest ? due.Where(d => d.Level == RuleLevel.Critical) : due)
        {
            if (_stopping.IsCancellationRequested || !await TellOneAsync(delivery)) return TimeSpan.Zero;
        }
        if (hasDigest) await TellDigestAsync([.. _store.NextDue(_sink.Name, LargestDigest, _schedule.Longest).Where(IsForDigest)]);
        return TimeSpan.Zero;
    }

    /// <summary>Nothing else is there to be tried.</summary>
    TimeSpan IsAlone(PendingDelivery refused, DeliveryResult result)
    {
        if (refused.Attempts > 0)
        {
            // Others were taken right after it was refused before, so it is the alert.
            _suspect = null;
            _breaker.Succeeded();
            SetAside(refused, result);
            return TimeSpan.Zero;
        }
        if (!_saidAlone) Refuses(result);
        _saidAlone = true;
        return _breaker.Remaining;
    }

    TimeSpan? UntilNextTry()
    {
        if (_store.NextTry(_sink.Name) is not { } next) return null;
        TimeSpan wait = next - _time.GetUtcNow();
        return wait < ShortestWait ? ShortestWait : wait > _schedule.Longest ? _schedule.Longest : wait;
    }

    static bool IsForDigest(PendingDelivery delivery) => delivery.RaisedAt - delivery.OccurredAt > IAlertSink.OldWhenRaised && delivery.Level != RuleLevel.Critical;

    /// <returns>True where the next one may follow.</returns>
    async Task<bool> TellOneAsync(PendingDelivery delivery)
    {
        DeliveryResult? result = await TellAsync([delivery]);
        if (result is null or { Outcome: DeliveryOutcome.Told }) return true;
        if (result.Outcome != DeliveryOutcome.Rejected)
        {
            Fails(result);
            return false;
        }
        if (_suspect is { } suspect && suspect.Delivery.AlertId != delivery.AlertId)
        {
            // Two different ones, and nothing taken between them.
            RefusesAll(result);
            return false;
        }
        _suspect = (delivery, result);
        _saidAlone = false;
        _breaker.Failed(result, Chance());
        return false;
    }

    /// <summary>Tells several in one message; where it is refused, finds by halving which of them is, and tells the others.</summary>
    async Task TellDigestAsync(PendingDelivery[] whole)
    {
        if (whole.Length == 0) return;
        var untried = new Stack<PendingDelivery[]>();
        PendingDelivery[] part = whole;
        for (int half = 0; ; half++)
        {
            DeliveryResult? result = await TellAsync(part);
            if (result is null) return;
            if (result.Outcome == DeliveryOutcome.Told) break;
            if (result.Outcome != DeliveryOutcome.Rejected)
            {
                Fails(result);
                return;
            }
            if (part.Length == 1)
            {
                // Down to one, all refused: what was beside it decides whether it is that one or the service.
                if (untried.Count > 0 && await TellAsync(untried.Peek()) is { } beside)
                {
                    if (beside.Outcome == DeliveryOutcome.Told)
                    {
                        untried.Pop();
                        SetAside(part[0], result);
                        break;
                    }
                    result = beside;
                }
                RefusesAll(result);
                return;
            }
            (PendingDelivery[] one, PendingDelivery[] other) = (part[..(part.Length / 2)], part[(part.Length / 2)..]);
            // Another way down each time, so that the way does not always end at bad ones.
            if (half < 31 && ((_rounds >> half) & 1) == 1) (one, other) = (other, one);
            untried.Push(other);
            part = one;
        }
        _rounds = 0;
        while (untried.TryPop(out PendingDelivery[]? next))
        {
            if (_stopping.IsCancellationRequested || await TellAsync(next) is not { } result) return;
            if (result.Outcome == DeliveryOutcome.Told) continue;
            if (result.Outcome != DeliveryOutcome.Rejected)
            {
                Fails(result);
                return;
            }
            if (next.Length == 1)
            {
                SetAside(next[0], result);
                continue;
            }
            untried.Push(next[(next.Length / 2)..]);
            untried.Push(next[..(next.Length / 2)]);
        }
    }

    /// <summary>Tells alerts in one message, and notes it where they were taken.</summary>
    /// <returns>Null where nothing was tried, or it is not known what came of it.</returns>
    async Task<DeliveryResult?> TellAsync(PendingDelivery[] deliveries)
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
            else Dead(delivery, "the alert in the outbox cannot be read");
        }
        if (alerts.Count == 0) return null;
        DeliveryResult result;
        try
        {
            result = alerts.Count == 1 ? await _sink.TellAsync(alerts[0], _abandoning.Token) : await _sink.TellDigestAsync(alerts, _abandoning.Token);
        }
        catch (OperationCanceledException) when (_abandoning.IsCancellationRequested)
        {
            // Whether it was taken is not known; told again after the start it has the same id.
            return null;
        }
        catch (Exception e)
        {
            // A bug in one sink must not end its loop. The message may hold what must not be shown, the type does not.
            result = new DeliveryResult(DeliveryOutcome.Unavailable, $"unexpected {e.GetType().Name}");
        }
        if (result.Outcome == DeliveryOutcome.Told) Took(readable);
        else Volatile.Write(ref _status, Status with { Failed = Status.Failed + 1 });
        return result;
    }

    void Took(List<PendingDelivery> deliveries)
    {
        if (_told.Count == 0) _toldSince = _time.GetTimestamp();
        _told.AddRange(deliveries.Select(d => new DeliveryMark(d.AlertId, DeliveryState.Told)));
        if (!_isBehind || _time.GetElapsedTime(_toldSince) > NotedWithin) NoteTold();
        _breaker.Succeeded();
        _report.Took(deliveries.Count);
        _rounds = 0;
        Volatile.Write(ref _status, Status with { Told = Status.Told + deliveries.Count, FailingSince = null, LastReason = null, NextTry = null });
        if (_suspect is not { } suspect) return;
        _suspect = null;
        if (deliveries.All(d => d.AlertId != suspect.Delivery.AlertId)) SetAside(suspect.Delivery, suspect.Result);
    }

    void NoteTold()
    {
        if (_told.Count > 0) _store.Mark(_sink.Name, [.. _told]);
        _told.Clear();
    }

    /// <summary>The service is not there, or not for us: all wait.</summary>
    void Fails(DeliveryResult result)
    {
        _suspect = null;
        _breaker.Failed(result, Chance());
        Refuses(result);
    }

    /// <summary>It refused whatever it was given: its state, not that of the alerts.</summary>
    void RefusesAll(DeliveryResult result)
    {
        _rounds++;
        if (_suspect is null) _breaker.Failed(result, Chance());
        _suspect = null;
        Refuses(result);
    }

    void Refuses(DeliveryResult result)
    {
        DateTimeOffset now = _time.GetUtcNow();
        Volatile.Write(ref _status, Status with { FailingSince = Status.FailingSince ?? now, LastReason = result.Reason, NextTry = now + _breaker.Remaining });
        _report.Refused(result.Reason);
        // Not after a single failure: what has waited long because the daemon or the host was busy has not been tried long.
        if (_breaker.Failures < RetrySchedule.FewestAttempts || _store.GiveUp(_sink.Name, _schedule.GiveUpAfter, result.Reason) is not (> 0 and int given)) return;
        Volatile.Write(ref _status, Status with { Dead = Status.Dead + given });
        _tooOld.Add(given, result.Reason);
    }

    /// <summary>The service takes others and not this one.</summary>
    void SetAside(PendingDelivery delivery, DeliveryResult result)
    {
        int attempts = delivery.Attempts + 1;
        if (attempts >= RetrySchedule.AttemptsOfRejected) Dead(delivery, result.Reason);
        else _store.Mark(_sink.Name, [new DeliveryMark(delivery.AlertId, DeliveryState.Pending, _time.GetUtcNow() + _schedule.WaitAfter(attempts, result, Chance()), result.Reason)]);
    }

    void Dead(PendingDelivery delivery, string reason)
    {
        _store.MarkDead(_sink.Name, delivery.AlertId, reason);
        Volatile.Write(ref _status, Status with { Dead = Status.Dead + 1 });
        _poisonous.Add(1, $"{delivery.AlertId}: {reason}");
    }

    void Say()
    {
        if (!_report.TrySay(out SinkLine line)) return;
        if (line.Reason is { } reason && line is { Refused: <= 1, Told: 0 }) LogFails(_sink.Name, _sink.Endpoint, reason, _time.GetUtcNow() + _breaker.Remaining);
        else if (line.Reason is { } again) LogFailsAgain(_sink.Name, _sink.Endpoint, again, line.Refused, line.Told, TimeSpan.FromSeconds(Math.Round(line.Since.TotalSeconds)));
        else LogRecovered(_sink.Name, _sink.Endpoint, line.Refused, line.Told, TimeSpan.FromSeconds(Math.Round(line.Since.TotalSeconds)));
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

    [LoggerMessage(3101, LogLevel.Warning, "{Sink} ({Endpoint}) takes no alerts: {Reason}. They are kept and tried again, next at {NextTry:u}.")]
    partial void LogFails(string sink, string endpoint, string reason, DateTimeOffset nextTry);

    [LoggerMessage(3104, LogLevel.Warning, "{Sink} ({Endpoint}) takes no alerts: {Reason}. In the last {Since:c} it refused {Refused} times and took {Told} alerts; the others are kept and tried again.")]
    partial void LogFailsAgain(string sink, string endpoint, string reason, int refused, int told, TimeSpan since);

    [LoggerMessage(3102, LogLevel.Information, "{Sink} ({Endpoint}) takes alerts. In the last {Since:c} it refused {Refused} times and took {Told}.")]
    partial void LogRecovered(string sink, string endpoint, int refused, int told, TimeSpan since);
}
