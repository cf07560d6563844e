using System.Threading.Tasks.Sources;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sigma.Engine;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>
/// A batch on its way through the stages. The reader puts it into two channels, to the detection workers and, in order, to the last stage, which
/// waits for its findings. Used again afterwards.
/// </summary>
/// <param name="longestRecord">The longest record taken, in bytes.</param>
sealed class WorkItem(int longestRecord = RecordBatch.DefaultLongestRecord) : IValueTaskSource
{
    // The last stage continues on the thread pool: a worker goes on with the next batch at once.
    ManualResetValueTaskSourceCore<bool> _matched = new() { RunContinuationsAsynchronously = true };

    /// <summary>The events.</summary>
    public EventBatch Batch { get; } = new(longestRecord);

    /// <summary>The rules it is evaluated with: a reload takes effect between two batches, for all stages at the same one.</summary>
    public CompiledRules Rules { get; set; } = null!;

    /// <summary>What the reader's side knew after this batch, where a checkpoint is to be written behind it; else null.</summary>
    public ReaderCheckpoint? Checkpoint { get; set; }

    /// <summary>Completes when the findings are there. To be awaited once for each use.</summary>
    public ValueTask Matched => new(this, _matched.Version);

    /// <summary>The findings are there.</summary>
    public void CompleteMatching() => _matched.SetResult(true);

    /// <summary>Matching failed, which is a bug; whoever waits gets the exception.</summary>
    public void FailMatching(Exception reason) => _matched.SetException(reason);

    /// <summary>Makes it new again.</summary>
    public void Clear()
    {
        _matched.Reset();
        Batch.Clear();
        Checkpoint = null;
    }

    void IValueTaskSource.GetResult(short token) => _matched.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _matched.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _matched.OnCompleted(continuation, state, token, flags);
}

/// <summary>The reader's part of a checkpoint.</summary>
/// <param name="Positions">Position by source.</param>
/// <param name="Forgotten">Sources that are not read any more.</param>
/// <param name="Tree">State of the process tree.</param>
/// <param name="Sequence">State of the sequence watch.</param>
sealed record ReaderCheckpoint(IReadOnlyDictionary<string, byte[]> Positions, IReadOnlyList<string> Forgotten, byte[] Tree, byte[] Sequence);
