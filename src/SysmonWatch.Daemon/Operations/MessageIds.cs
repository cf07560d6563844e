namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// MESSAGE_ID of what the daemon writes to the journal, one for each kind, for ever: people filter by them, and deploy/sysmonwatch.catalog explains
/// them. Random 128-bit numbers, made with <c>systemd-id128 new</c> or alike.
/// </summary>
static class MessageIds
{
    /// <summary>An alert of one rule on one event, with its repeats.</summary>
    public const string Finding = "acc4b11b1e484c86ae09aaf57a5f9308";

    /// <summary>An alert of a correlation rule.</summary>
    public const string Correlation = "16a2e4aa093243ecb40a3713c6c06b44";

    /// <summary>An alert of a built-in watcher.</summary>
    public const string Watcher = "db69e8f8ce714fa5aa8f4b6b9c5b1f4c";

    /// <summary>Something was lost, with count and reason.</summary>
    public const string Loss = "58c84dc0c9a84cf4b62002c04b717e81";
}
