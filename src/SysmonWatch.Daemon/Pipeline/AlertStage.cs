using System.Buffers;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Sequence;
using SysmonWatch.Detection.Sigma.Engine;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>
/// The last stage: takes the batches in order once their findings are there, raises alerts, puts them on disk before anyone is told, and writes the
/// checkpoints that travel with the batches. One loop.
/// </summary>
sealed partial class AlertStage(
    ChannelReader<WorkItem> inOrder,
    WorkItemPool pool,
    AlertRaiser raiser,
    AlertOutbox outbox,
    IAlertStore store,
    CheckpointSchedule schedule,
    StageProgress progress,
    Counters counters,
    TimeProvider time,
    ILogger<AlertStage> logger)
{
    /// <summary>Names of the snapshots in the store.</summary>
    public const string TreeSnapshot = "process-tree", SequenceSnapshot = "sequence", CorrelationSnapshot = "correlation", SuppressionSnapshot = "suppression";

    static readonly TimeSpan SaysThatItWaitsAfter = TimeSpan.FromSeconds(10);

    readonly List<Alert> _raised = [];
    readonly List<Alert> _closed = [];
    readonly Counter _lostInKernel = counters.Loss("Sysmon events", "the kernel's buffer was full before Sysmon could read them; narrow the Sysmon configuration");
    readonly Counter _lostToLimits = counters.Loss("Sysmon lines", "journald or rsyslog dropped them because of its rate limit; raise RateLimitBurst or the imjournal limit");
    readonly Counter _lostOnTheWay = counters.Loss("Sysmon events", "their numbers are missing: lines were lost between Sysmon and here, by rsyslog, journald or somebody");
    CompiledRules? _rules;

    /// <summary>Works until the channel is completed.</summary>
    /// <param name="stop">Ends waiting for the journal; what is not in the store then is read again after the start.</param>
    public async Task RunAsync(CancellationToken stop = default)
    {
        bool goesOn = true;
        while (true)
        {
            progress.Resting();
            if (!await inOrder.WaitToReadAsync(CancellationToken.None)) return;
            while (inOrder.TryRead(out WorkItem? item))
            {
                progress.Working();
                await item.Matched;
                goesOn = goesOn && await ProcessAsync(item, stop);
                pool.Return(item);
            }
        }
    }

    /// <returns>False where the end came while alerts could not be stored: nothing may be stored behind them.</returns>
    async ValueTask<bool> ProcessAsync(WorkItem item, CancellationToken stop)
    {
        if (!ReferenceEquals(_rules, item.Rules))
        {
            if (_rules is not null) raiser.Use(item.Rules);
            _rules = item.Rules;
        }
        raiser.Process(item.Batch, _raised, _closed);
        foreach (SysmonNotice notice in item.Batch.Notices) Note(item.Batch, notice);
        foreach (SequenceFact fact in item.Batch.Facts) Note(fact);
        if (_raised.Count > 0)
        {
            if (!await IsRoomAsync(stop)) return false;
            outbox.Raise(_raised);
        }
        foreach (Alert alert in _closed)
        {
            if (alert.Count > 1) outbox.TellRepeats(alert);
        }
        _raised.Clear();
        _closed.Clear();
        if (item.Checkpoint is { } checkpoint) Write(checkpoint);
        return true;
    }

    /// <summary>Waits while the journal has too many alerts still to take. The reader waits behind us then, and the log holds what comes.</summary>
    async ValueTask<bool> IsRoomAsync(CancellationToken stop)
    {
        Task room = store.WhenThereIsRoom;
        if (room.IsCompleted) return true;
        // Waiting for somebody else is no reason for the watchdog to start the daemon anew.
        progress.Resting();
        try
        {
            try
            {
                await room.WaitAsync(SaysThatItWaitsAfter, time, stop);
            }
            catch (TimeoutException)
            {
                LogWaits(logger);
                await room.WaitAsync(stop);
                LogWaitsNoMore(logger);
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        progress.Working();
        return true;
    }

    void Write(ReaderCheckpoint reader)
    {
        long started = time.GetTimestamp();
        var correlation = new ArrayBufferWriter<byte>(4096);
        raiser.Correlation.Save(correlation);
        var suppression = new ArrayBufferWriter<byte>(4096);
        raiser.Suppression.Save(suppression);
        // The store says itself when it cannot be written; the position then stands still.
        StoreFailure? failure = store.Commit(new Checkpoint(
            reader.Positions,
            new Dictionary<string, Snapshot>
            {
                [TreeSnapshot] = Snapshot.Whole(reader.Tree),
                [SequenceSnapshot] = Snapshot.Whole(reader.Sequence),
                [CorrelationSnapshot] = Snapshot.Whole(correlation.WrittenSpan),
                [SuppressionSnapshot] = Snapshot.Whole(suppression.WrittenSpan),
            },
            reader.Forgotten));
        schedule.LastFailed = failure is not null;
        schedule.LastCost = time.GetElapsedTime(started);
    }

    void Note(SequenceFact fact)
    {
        switch (fact)
        {
            case GapFact gap:
                _lostOnTheWay.Add((long)Math.Min(gap.Count, int.MaxValue), $"{SafeText.Show(gap.Computer, 64)}, {gap.From} to {gap.To}");
                break;
            case ResetFact reset:
                LogReset(logger, SafeText.Show(reset.Computer, 64), reset.Last, reset.First);
                break;
            default:
                break;
        }
    }

    void Note(EventBatch batch, SysmonNotice notice)
    {
        if (notice.Forged) return;
        long count = (long)Math.Min(notice.Count, int.MaxValue) * notice.Repeats;
        switch (notice.Kind)
        {
            case NoticeKind.LostEvents:
                _lostInKernel.Add(Math.Max(count, 1));
                break;
            case NoticeKind.SuppressedMessages or NoticeKind.RateLimited:
                _lostToLimits.Add(Math.Max(count, 1));
                break;
            case NoticeKind.TelemetryFailed:
                string text = Encoding.UTF8.GetString(batch.Records.Buffer, notice.Text.Start, notice.Text.Length);
                LogTelemetryFailed(logger, SafeText.Show(text, 300));
                break;
            default:
                break;
        }
    }

    [LoggerMessage(2103, LogLevel.Error, "The journal takes no alerts, and so many wait for it that no more are read: the input waits, nothing is lost. Look at systemd-journald.")]
    static partial void LogWaits(ILogger logger);

    [LoggerMessage(2104, LogLevel.Information, "The journal takes alerts again, and reading goes on.")]
    static partial void LogWaitsNoMore(ILogger logger);

    [LoggerMessage(2102, LogLevel.Warning, "The event numbers of {Computer} started anew: {Last} was followed by {First}. Sysmon was removed and installed again, or /opt/sysmon/eventId was deleted.")]
    static partial void LogReset(ILogger logger, string computer, ulong last, ulong first);

    [LoggerMessage(2101, LogLevel.Error, "Sysmon sees nothing: {Text}. Look at journalctl -u sysmon; often its eBPF programs do not fit the running kernel.")]
    static partial void LogTelemetryFailed(ILogger logger, string text);
}
