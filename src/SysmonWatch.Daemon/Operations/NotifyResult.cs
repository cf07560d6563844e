namespace SysmonWatch.Daemon.Operations;

/// <summary>What became of a message to the service manager.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Reason">Why it was not sent, for people; empty where it was.</param>
readonly record struct NotifyResult(NotifyStatus Status, string Reason = "");

/// <summary>What became of a message to the service manager.</summary>
enum NotifyStatus
{
    /// <summary>The service manager has it in its queue.</summary>
    Sent,

    /// <summary>No service manager wants messages: NOTIFY_SOCKET is not set.</summary>
    NobodyAsked,

    /// <summary>It could not be sent.</summary>
    Failed,
}
