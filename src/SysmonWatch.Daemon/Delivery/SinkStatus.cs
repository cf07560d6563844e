namespace SysmonWatch.Daemon.Delivery;

/// <summary>How a sink is, for the status line and the counters.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Told">Alerts it took since start.</param>
/// <param name="Failed">Attempts it did not take since start.</param>
/// <param name="Dead">Alerts that were given up for it since start.</param>
/// <param name="FailingSince">When it began to fail; null where its last attempt succeeded.</param>
/// <param name="LastReason">Why the last attempt failed; null where it succeeded.</param>
/// <param name="NextTry">When it is tried again; null where it does not fail.</param>
sealed record SinkStatus(string Name, long Told, long Failed, long Dead, DateTimeOffset? FailingSince, string? LastReason, DateTimeOffset? NextTry);
