using System.Buffers;
using System.Threading.Channels;
using SysmonWatch.Daemon.Intake.Sources;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>
/// The first stage: takes records from the source, makes events of them and hands the batches on. One loop; decides when a checkpoint is written.
/// </summary>
sealed class ReaderStage(
    BatchDecoder decoder,
    WorkItemPool pool,
    ChannelWriter<WorkItem> toWorkers,
    ChannelWriter<WorkItem> inOrder,
    CheckpointSchedule schedule,
    StageProgress progress,
    TimeProvider time) : IDisposable
{
    // Names of all inputs that may have a saved position: that of one that is not read any more is old when it is read again.
    readonly HashSet<string> _known = new(StringComparer.Ordinal);
    readonly Lock _switching = new();
    // Both under the lock: whoever asks interrupts the read that is under way, or the first of those to come.
    readonly List<RecordSource> _asked = [];
    CancellationTokenSource _interrupt = new();
    volatile CompiledRules? _rules;
    volatile RecordSource? _source;

    /// <summary>The rules of the next batch. May be set from any thread.</summary>
    public CompiledRules Rules
    {
        get => _rules!;
        set => _rules = value;
    }

    /// <summary>What is read at the moment.</summary>
    public RecordSource? Source => _source;

    /// <summary>True once the source is open: it has looked at its files and waits, or has read. False where it ended before that.</summary>
    public Task<bool> Opened => _opened.Task;

    readonly TaskCompletionSource<bool> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Names of the inputs that have a saved position; to be said before the start.</summary>
    public IEnumerable<string> Saved
    {
        init => _known.UnionWith(value);
    }

    /// <summary>Goes over to another source after the batch that is being read. From any thread; the old source is disposed.</summary>
    public void SwitchTo(RecordSource source)
    {
        lock (_switching)
        {
            _asked.Add(source);
            _interrupt.Cancel();
        }
    }

    /// <summary>What could not be written can be now: a checkpoint is made at once, also where nothing comes. From any thread.</summary>
    public void SaveAgain()
    {
        lock (_switching)
        {
            if (schedule.LastFailed) _interrupt.Cancel();
        }
    }

    /// <summary>Reads until it is stopped or the source ends; then writes a last checkpoint and completes the channels.</summary>
    public async Task RunAsync(RecordSource source, CancellationToken stop)
    {
        _source = source;
        try
        {
            while (!stop.IsCancellationRequested && await ReadOneAsync(stop)) { }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopped while waiting; what was read is on its way.
        }
        finally
        {
            await FinishAsync();
            _opened.TrySetResult(false);
        }
    }

    public void Dispose() => _interrupt.Dispose();

    async Task<bool> ReadOneAsync(CancellationToken stop)
    {
        await SwitchAsync();
        progress.Resting();
        WorkItem item = await pool.RentAsync(stop);
        bool more = true;
        try
        {
            // A timer only while there is something to write: an idle host is not woken.
            using CancellationTokenSource? due = schedule.IsDirty ? new CancellationTokenSource(schedule.Remaining, time) : null;
            using var wait = CancellationTokenSource.CreateLinkedTokenSource(stop, _interrupt.Token, due?.Token ?? CancellationToken.None);
            ValueTask<bool> reading = _source!.ReadAsync(item.Batch.Records, wait.Token);
            _opened.TrySetResult(true);
            more = await reading;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            item.Batch.Clear();
        }
        catch
        {
            pool.Return(item);
            throw;
        }
        progress.Working();
        item.Rules = Rules;
        bool hasRecords = item.Batch.Records.Records.Count > 0;
        decoder.Decode(item.Batch, EventTime.From(time.GetUtcNow()));
        schedule.Moved();
        // A position without records (the first start at the end) is worth saving at once.
        if (schedule.Remaining == TimeSpan.Zero || !hasRecords) AttachCheckpoint(item);
        await HandOnAsync(item);
        return more;
    }

    async Task SwitchAsync()
    {
        RecordSource? next;
        RecordSource[] superseded;
        CancellationTokenSource interrupted;
        lock (_switching)
        {
            if (!_interrupt.IsCancellationRequested) return;
            (interrupted, _interrupt) = (_interrupt, new CancellationTokenSource());
            superseded = _asked.Count == 0 ? [] : [.. _asked.SkipLast(1), _source!];
            next = _asked.Count == 0 ? null : _asked[^1];
            _asked.Clear();
        }
        interrupted.Dispose();
        if (next is null) return;
        next.Restore(_source!.Positions());
        _source = next;
        foreach (RecordSource source in superseded) await source.DisposeAsync();
    }

    async Task FinishAsync()
    {
        if (_source is not null && (schedule.IsDirty || schedule.LastFailed))
        {
            WorkItem last = await pool.RentAsync(CancellationToken.None);
            last.Rules = Rules;
            AttachCheckpoint(last);
            await HandOnAsync(last);
        }
        toWorkers.TryComplete();
        inOrder.TryComplete();
        progress.Resting();
    }

    void AttachCheckpoint(WorkItem item)
    {
        var tree = new ArrayBufferWriter<byte>(64 * 1024);
        decoder.Tree.Save(tree);
        var sequence = new ArrayBufferWriter<byte>(4096);
        decoder.Sequence.Save(sequence);
        _known.UnionWith(_source!.Names);
        item.Checkpoint = new ReaderCheckpoint(
            _source.Positions(), [.. _known.Except(_source.Names)], tree.WrittenSpan.ToArray(), sequence.WrittenSpan.ToArray());
        schedule.Taken();
    }

    async Task HandOnAsync(WorkItem item)
    {
        // Both channels hold as many as there are batches, so neither write ever waits.
        await inOrder.WriteAsync(item, CancellationToken.None);
        await toWorkers.WriteAsync(item, CancellationToken.None);
    }
}
