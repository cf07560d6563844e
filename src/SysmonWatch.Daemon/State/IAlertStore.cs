namespace SysmonWatch.Daemon.State;

/// <summary>What the last stage of the pipeline needs of the store. The order of its calls is promise 1: alerts before the position behind them.</summary>
interface IAlertStore
{
    /// <summary>Puts alerts into the outbox, all or none, before anyone is told. An id that is there already is passed over.</summary>
    AddResult AddAlerts(IReadOnlyList<StoredAlert> alerts);

    /// <summary>
    /// Completes when more alerts may come: at once, unless so many wait for the journal that it must take some first. What waits here makes the input
    /// wait, and the log is what holds what comes meanwhile.
    /// </summary>
    Task WhenThereIsRoom => Task.CompletedTask;

    /// <summary>Gives an alert that is in the outbox another JSON, such as one with its final count; whoever was told is not told again.</summary>
    void ReplaceAlert(string alertId, byte[] json);

    /// <summary>Writes positions and snapshots, all or nothing, after every alert that is held in memory.</summary>
    /// <returns>Null where it is on disk.</returns>
    StoreFailure? Commit(Checkpoint checkpoint);
}
