namespace SysmonWatch.Detection.Events;

/// <summary>What is said of one process. Texts are UTF-8 and empty where unknown.</summary>
public readonly ref struct ProcessDetails
{
    /// <summary>ProcessGuid.</summary>
    public ReadOnlySpan<byte> ProcessGuid { get; init; }

    /// <summary>Process id; 0 where unknown.</summary>
    public int ProcessId { get; init; }

    /// <summary>Path of the executable.</summary>
    public ReadOnlySpan<byte> Image { get; init; }

    /// <summary>Command line.</summary>
    public ReadOnlySpan<byte> CommandLine { get; init; }

    /// <summary>User.</summary>
    public ReadOnlySpan<byte> User { get; init; }

    /// <summary>Time of the event that started it, microseconds since 1970; 0 where it was running before.</summary>
    public long StartedAt { get; init; }
}

/// <summary>
/// What is known about one process at one moment. Immutable: when more becomes known a new node takes its place, and events keep the node
/// of their own moment.
/// </summary>
public sealed class ProcessNode
{
    /// <summary>How many ancestors are kept of a process at most; those beyond are forgotten, so that a chain of forks cannot grow without bound.</summary>
    public const int MostAncestors = 16;

    // All of its text, one behind the other: GUID, image, command line, user. One array, so that there are two objects for a process and not five.
    readonly byte[] _text;
    readonly int _image;
    readonly int _commandLine;
    readonly int _user;
    ProcessNode? _withoutAncestors;

    /// <param name="process">What is said of it; copied.</param>
    /// <param name="parent">The parent as it was when this node was made; null where unknown.</param>
    /// <param name="familyRoot">The root of the process's family; null where the process is its own root.</param>
    public ProcessNode(in ProcessDetails process, ProcessNode? parent, ProcessNode? familyRoot = null)
    {
        _image = process.ProcessGuid.Length;
        _commandLine = _image + process.Image.Length;
        _user = _commandLine + process.CommandLine.Length;
        _text = GC.AllocateUninitializedArray<byte>(_user + process.User.Length);
        process.ProcessGuid.CopyTo(_text);
        process.Image.CopyTo(_text.AsSpan(_image));
        process.CommandLine.CopyTo(_text.AsSpan(_commandLine));
        process.User.CopyTo(_text.AsSpan(_user));
        ProcessId = process.ProcessId;
        StartedAt = process.StartedAt;
        Parent = parent;
        FamilyRoot = familyRoot;
        Depth = parent is null ? 0 : parent.Depth + 1;
    }

    ProcessNode(ProcessNode same, ProcessNode? familyRoot)
    {
        (_text, _image, _commandLine, _user) = (same._text, same._image, same._commandLine, same._user);
        (ProcessId, StartedAt, FamilyRoot) = (same.ProcessId, same.StartedAt, familyRoot);
    }

    /// <summary>ProcessGuid, UTF-8.</summary>
    public ReadOnlyMemory<byte> ProcessGuid => _text.AsMemory(0, _image);

    /// <summary>Process id; 0 where unknown.</summary>
    public int ProcessId { get; }

    /// <summary>Path of the executable, UTF-8; empty where unknown.</summary>
    public ReadOnlyMemory<byte> Image => _text.AsMemory(_image, _commandLine - _image);

    /// <summary>UTF-8; empty where unknown.</summary>
    public ReadOnlyMemory<byte> CommandLine => _text.AsMemory(_commandLine, _user - _commandLine);

    /// <summary>UTF-8; empty where unknown.</summary>
    public ReadOnlyMemory<byte> User => _text.AsMemory(_user);

    /// <summary>Time of the event that started it, microseconds since 1970; 0 where it was running before.</summary>
    public long StartedAt { get; }

    /// <summary>The parent as it was when this node was made; null where unknown.</summary>
    public ProcessNode? Parent { get; }

    /// <summary>The root of the process's family when that is another process; null where the process is its own root.</summary>
    /// <remarks>
    /// A family is the subtree under the nearest ancestor whose parent is a session or service manager; while that is unknown, under the topmost known process.
    /// Its own ancestors may be left out.
    /// </remarks>
    public ProcessNode? FamilyRoot { get; }

    /// <summary>The root of the process's family; the process itself where it is the root.</summary>
    public ProcessNode Family => FamilyRoot ?? this;

    /// <summary>How many ancestors are known, 0 to <see cref="MostAncestors"/>.</summary>
    public int Depth { get; }

    /// <summary>Bytes of text it has.</summary>
    internal int TextLength => _text.Length;

    /// <summary>The same process as the parent of another that must not keep all before it in memory.</summary>
    internal ProcessNode WithoutAncestors() => new(this, FamilyRoot);

    /// <summary>
    /// The same process as the root of its family. Its members are many and may live long; with its ancestors, whose families have roots in turn, they would keep an
    /// endless chain of sessions within sessions. For the thread that makes nodes.
    /// </summary>
    internal ProcessNode AsFamilyRoot() => Parent is null ? this : _withoutAncestors ??= new(this, null);
}
