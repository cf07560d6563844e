namespace SysmonWatch.Daemon.State;

/// <summary>What the last stage of the pipeline needs of the store. The order of its calls is promise 1: alerts before the position behind them.</summary>
interface IAlertStore
{
    /// <summary>Puts alerts into the outbox, all or none, before anyone is told. An id that is there already is passed over.</summary>
    AddResult AddAlerts(IReadOnlyList<StoredAlert> alerts);

    /// <summary>Gives an alert that is in the outbox another JSON, such as one with its final count; whoever was told is not told again.</summary>
    void ReplaceAlert(string alertId, byte[] json);

    /// <summary>Writes positions and snapshots, all or nothing, after every alert that is held in memory.</summary>
    /// <returns>Null where it is on disk.</returns>
    StoreFailure? Commit(Checkpoint checkpoint);
}
