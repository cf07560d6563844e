using SysmonWatch.Daemon.Pipeline;

namespace SysmonWatch.Daemon.Tests.Pipeline;

public class WorkItemPoolTests
{
    [Fact]
    public async Task Gives_no_more_batches_than_there_may_be_and_the_same_ones_again()
    {
        using var pool = new WorkItemPool(2);
        CancellationToken stop = TestContext.Current.CancellationToken;
        WorkItem one = await pool.RentAsync(stop), other = await pool.RentAsync(stop);

        ValueTask<WorkItem> third = pool.RentAsync(stop);
        Assert.False(third.IsCompleted);

        pool.Return(other);
        Assert.Same(other, await third);
        Assert.NotSame(one, other);
    }

    [Fact]
    public async Task A_batch_that_comes_back_is_empty_and_waits_for_findings_again()
    {
        using var pool = new WorkItemPool(1);
        CancellationToken stop = TestContext.Current.CancellationToken;
        WorkItem item = await pool.RentAsync(stop);
        item.Checkpoint = new ReaderCheckpoint(new Dictionary<string, byte[]>(), [], [], []);
        item.CompleteMatching();
        await item.Matched;

        pool.Return(item);
        item = await pool.RentAsync(stop);

        Assert.Null(item.Checkpoint);
        Assert.False(item.Matched.IsCompleted);
    }
}
