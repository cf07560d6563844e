using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Configuration;

/// <summary><c>limits</c>: every bound. What goes beyond one is counted and said.</summary>
sealed record LimitsOptions
{
    /// <summary>Longest line that is taken; a longer one is skipped. Default 512 KiB; 64 KiB to 16 MiB.</summary>
    /// <remarks>A Sysmon message has at most 64 KiB, and rsyslog writes a control character as four (#ooo).</remarks>
    public int LineLength { get; init; } = RecordBatch.DefaultLongestRecord;

    /// <summary>Files that are followed at a time, where globs match more. Default 4,096; 1 to 65,536.</summary>
    public int Files { get; init; } = 4_096;

    /// <summary>Batches of events that wait between two stages; then reading waits. Default 16; 2 to 1024.</summary>
    public int ChannelBatches { get; init; } = 16;

    /// <summary>Threads that match rules. Default 0: as many as there are processors, at most 4; up to 64.</summary>
    public int DetectionWorkers { get; init; }

    /// <summary>Groups over all correlations; the longest untouched goes first. Default 100,000; 1,000 to 10,000,000.</summary>
    public int CorrelationGroups { get; init; } = 100_000;

    /// <summary>Events remembered over all correlation groups. Default 1,000,000; 10,000 to 100,000,000.</summary>
    public int CorrelationEntries { get; init; } = 1_000_000;

    /// <summary>Processes in the process tree; ended and longest unseen go first. Default 65,536; 1,000 to 4,000,000.</summary>
    public int ProcessTreeNodes { get; init; } = 65_536;

    /// <summary>Alerts in the outbox, told ones included. Default 100,000; 1,000 to 10,000,000.</summary>
    public int OutboxAlerts { get; init; } = 100_000;

    /// <summary>Bytes of the alerts in the outbox. Default 256 MiB; 1 MiB to 64 GiB.</summary>
    public long OutboxBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>Alerts held in memory while the state directory cannot be written. Default 10,000; 100 to 1,000,000.</summary>
    public int MemoryAlerts { get; init; } = 10_000;
}
