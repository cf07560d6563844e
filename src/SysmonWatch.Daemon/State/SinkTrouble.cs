namespace SysmonWatch.Daemon.State;

/// <summary>Alerts that a sink did not take and that still wait for it.</summary>
/// <param name="Sink">Its name.</param>
/// <param name="Waiting">How many wait.</param>
/// <param name="Reason">Why the one that was tried most often failed.</param>
sealed record SinkTrouble(string Sink, long Waiting, string Reason);
