using System.Collections.Concurrent;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>
/// The batches there are. Their number bounds what is under way between reading and raising: when all are, reading waits, and the log file is the
/// buffer. Only as many are made as are needed at once. Thread-safe.
/// </summary>
/// <param name="most">How many batches at most.</param>
/// <param name="longestRecord">The longest record that one takes, in bytes.</param>
sealed class WorkItemPool(int most, int longestRecord = RecordBatch.DefaultLongestRecord) : IDisposable
{
    readonly SemaphoreSlim _left = new(most, most);
    // The one used last is still in the processor's caches.
    readonly ConcurrentStack<WorkItem> _idle = new();

    /// <summary>An empty batch; waits for one.</summary>
    public async ValueTask<WorkItem> RentAsync(CancellationToken stop)
    {
        await _left.WaitAsync(stop);
        return _idle.TryPop(out WorkItem? item) ? item : new WorkItem(longestRecord);
    }

    /// <summary>Gives a batch back.</summary>
    public void Return(WorkItem item)
    {
        item.Clear();
        _idle.Push(item);
        _left.Release();
    }

    public void Dispose() => _left.Dispose();
}
