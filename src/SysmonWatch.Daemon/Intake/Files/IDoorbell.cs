using Microsoft.Win32.SafeHandles;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>Says that it may be worth looking at files. It may be silent or ring for nothing; whoever waits looks for himself.</summary>
interface IDoorbell : IAsyncDisposable
{
    /// <summary>Why it will not ring, for the operator; null where it will.</summary>
    string? Trouble { get; }

    /// <summary>Rings from now on for these, and no others.</summary>
    /// <param name="directories">Directories in which names come and go.</param>
    /// <param name="files">Files that grow, and whose they are.</param>
    void Watch(IEnumerable<string> directories, IEnumerable<(SafeFileHandle File, WatchedFile Of)> files);

    /// <summary>Makes it ring, for whoever waits or waits next. From any thread, until it is disposed.</summary>
    void Ring();

    /// <summary>Waits until it rings, or for the given time (<see cref="Timeout.InfiniteTimeSpan"/>: only until it rings).</summary>
    /// <param name="grown">Gets the files that grew; it is known of all that did, unless names may have changed.</param>
    /// <param name="longest">The longest wait.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <returns>True where names may have changed, also after <see cref="Ring"/>; false where only files grew, or the time was over.</returns>
    ValueTask<bool> WaitAsync(HashSet<WatchedFile> grown, TimeSpan longest, CancellationToken stop);
}
