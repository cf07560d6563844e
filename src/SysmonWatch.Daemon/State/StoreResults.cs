namespace SysmonWatch.Daemon.State;

/// <summary>What came of putting alerts in.</summary>
/// <param name="New">Ids that were not there before, in the order given: these are to be told.</param>
/// <param name="Failure">Null where they are on disk (or the store is in memory on purpose); else they are held in memory, and the position must stand still.</param>
/// <param name="Evicted">Deliveries that were given up to keep the bound.</param>
sealed record AddResult(IReadOnlyList<string> New, StoreFailure? Failure, int Evicted);

/// <summary>How the store is, for the status line and the counters.</summary>
/// <param name="Failure">Null where all is well.</param>
/// <param name="InMemory">Alerts held in memory because they could not be written.</param>
/// <param name="Evicted">Deliveries given up since start to keep a bound.</param>
/// <param name="Pending">Deliveries that are still to be made, by sink.</param>
/// <param name="Dead">Deliveries that were given up and are still kept, by sink.</param>
sealed record StoreStatus(
    StoreFailure? Failure, int InMemory, long Evicted, IReadOnlyDictionary<string, long> Pending, IReadOnlyDictionary<string, long> Dead);

/// <summary>Bounds of an outbox.</summary>
/// <param name="Alerts">Most alerts, told ones included.</param>
/// <param name="Bytes">Most bytes of the database: alerts, deliveries and snapshots.</param>
/// <param name="Keep">How long an alert is kept after everybody was told.</param>
sealed record OutboxLimits(int Alerts, long Bytes, TimeSpan Keep);
