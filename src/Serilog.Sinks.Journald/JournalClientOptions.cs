namespace Serilog.Sinks.Journald;

/// <summary>Where journald listens and how long to wait for it.</summary>
public sealed record JournalClientOptions
{
    /// <summary>Where journald listens on every host with systemd.</summary>
    public const string DefaultSocketPath = "/run/systemd/journal/socket";

    /// <summary>Path of journald's socket for native messages, at most 107 bytes. Default <see cref="DefaultSocketPath"/>.</summary>
    public string SocketPath { get; init; } = DefaultSocketPath;

    /// <summary>How long one entry may wait for a journald that does not keep up. Default 1 s; zero does not wait.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The clock that the wait is measured with. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
