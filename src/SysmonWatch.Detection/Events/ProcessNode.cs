namespace SysmonWatch.Detection.Events;

/// <summary>
/// What is known about one process at one moment. Immutable: when more becomes known a new node takes its place, and events keep the node of
/// their own moment.
/// </summary>
/// <param name="ProcessGuid">ProcessGuid, UTF-8.</param>
/// <param name="ProcessId">Process id; 0 where unknown.</param>
/// <param name="Image">Path of the executable, UTF-8; empty where unknown.</param>
/// <param name="CommandLine">UTF-8; empty where unknown.</param>
/// <param name="User">UTF-8; empty where unknown.</param>
/// <param name="StartedAt">Time of the event that started it, microseconds since 1970; 0 where it was running before.</param>
/// <param name="Parent">The parent as it was when this node was made; null where unknown.</param>
public sealed record ProcessNode(
    ReadOnlyMemory<byte> ProcessGuid,
    int ProcessId,
    ReadOnlyMemory<byte> Image,
    ReadOnlyMemory<byte> CommandLine,
    ReadOnlyMemory<byte> User,
    long StartedAt,
    ProcessNode? Parent)
{
    /// <summary>How many ancestors are kept of a process at most; those beyond are forgotten, so that a chain of forks cannot grow without bound.</summary>
    public const int MostAncestors = 16;

    /// <summary>The root of the process's family when that is another process; null where the process is its own root.</summary>
    /// <remarks>A family is the subtree under the nearest ancestor whose parent is a session or service manager; while that is unknown, under the topmost known process.</remarks>
    public ProcessNode? FamilyRoot { get; init; }

    /// <summary>The root of the process's family; the process itself where it is the root.</summary>
    public ProcessNode Family => FamilyRoot ?? this;

    /// <summary>How many ancestors are known, 0 to <see cref="MostAncestors"/>.</summary>
    public int Depth { get; } = Parent is null ? 0 : Parent.Depth + 1;
}
