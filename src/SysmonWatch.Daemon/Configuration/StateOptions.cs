namespace SysmonWatch.Daemon.Configuration;

/// <summary><c>state</c>: what survives a restart.</summary>
sealed record StateOptions
{
    /// <summary>Where the database is; absolute. Default $STATE_DIRECTORY (systemd sets it), else /var/lib/sysmonwatch.</summary>
    public string Directory { get; init; } = DefaultDirectory;

    /// <summary>How often positions and windows are written, if anything moved. Default 5 s; 1 s to 10 min.</summary>
    public TimeSpan CheckpointEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long alerts are kept once every sink has them. Default 7 d; 1 h to 3650 d.</summary>
    public TimeSpan KeepAlerts { get; init; } = TimeSpan.FromDays(7);

    /// <summary>The directory where neither systemd nor the configuration names one.</summary>
    public const string DefaultDirectory = "/var/lib/sysmonwatch";
}
