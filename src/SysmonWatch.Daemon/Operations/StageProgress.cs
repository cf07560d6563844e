namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// How one stage reports progress. Used by one thread at a time, the stage's own; costs one write. <see cref="Dispose"/> when the stage ends.
/// </summary>
sealed class StageProgress(string name, Watchdog watchdog) : IDisposable
{
    // Bit 0: has work. The rest: how often it reported anything.
    long _mark;

    /// <summary>As it is shown to people.</summary>
    public string Name => name;

    internal long Mark => Volatile.Read(ref _mark);

    /// <summary>It has work now, or has done a piece of it and has more. Call it at least every few seconds while there is work.</summary>
    public void Working() => Volatile.Write(ref _mark, (_mark + 2) | 1);

    /// <summary>It waits for work; that may take for ever.</summary>
    public void Resting() => Volatile.Write(ref _mark, (_mark + 2) & ~1L);

    /// <summary>The watchdog forgets it.</summary>
    public void Dispose() => watchdog.Forget(this);

    internal static bool IsWorking(long mark) => (mark & 1) != 0;
}
