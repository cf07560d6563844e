using System.Threading.Channels;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Detection.Batches;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>One of several that match rules: takes batches as they come and adds their findings.</summary>
sealed class DetectionWorker(ChannelReader<WorkItem> batches, StageProgress progress, Action<Exception> onBug)
{
    /// <summary>Works until the channel is completed.</summary>
    public async Task RunAsync()
    {
        BatchMatcher? matcher = null;
        while (true)
        {
            progress.Resting();
            if (!await batches.WaitToReadAsync()) return;
            while (batches.TryRead(out WorkItem? item))
            {
                progress.Working();
                if (!ReferenceEquals(matcher?.Rules, item.Rules)) matcher = new BatchMatcher(item.Rules) { OnBug = onBug };
                try
                {
                    matcher.Match(item.Batch);
                    item.CompleteMatching();
                }
                catch (Exception bug)
                {
                    // The last stage waits for this batch and takes the daemon down with the reason, instead of waiting for ever.
                    item.FailMatching(bug);
                    return;
                }
            }
        }
    }
}
