namespace SysmonWatch.Detection.Batches;

/// <summary>Which batches have been filled and not been given back. For the thread that fills them.</summary>
sealed class BatchesUnderWay
{
    readonly Queue<(EventBatch Batch, long Turn)> _filled = new();
    long _last;

    /// <summary>The number of the oldest; after <see cref="Begin"/>, when there is one.</summary>
    public long Oldest => _last - _filled.Count + 1;

    /// <summary>A batch is about to be filled.</summary>
    /// <returns>Its number: one more each time, from 1.</returns>
    public long Begin(EventBatch batch)
    {
        // Only those before which none is under way: one that is given back out of turn waits for them.
        while (_filled.TryPeek(out (EventBatch Batch, long Turn) oldest) && oldest.Batch.IsGivenBack(oldest.Turn)) _filled.Dequeue();
        _filled.Enqueue((batch, batch.Begin()));
        return ++_last;
    }
}
