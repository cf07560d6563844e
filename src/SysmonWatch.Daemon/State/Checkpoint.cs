namespace SysmonWatch.Daemon.State;

/// <summary>
/// Where everything stood as a marker passed: written as a whole or not at all. A source or a name that is not in it keeps what it had.
/// </summary>
/// <param name="Positions">From the key of a source to its position, in that source's own form.</param>
/// <param name="Snapshots">From the name of a stage to its state, in that stage's own form.</param>
/// <param name="Forgotten">Keys of sources that are gone for good.</param>
sealed record Checkpoint(
    IReadOnlyDictionary<string, byte[]> Positions, IReadOnlyDictionary<string, Snapshot> Snapshots, IReadOnlyList<string> Forgotten)
{
    /// <summary>Nothing known: the first start.</summary>
    public static Checkpoint Empty { get; } = new(new Dictionary<string, byte[]>(), new Dictionary<string, Snapshot>(), []);
}
