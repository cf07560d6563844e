using System.Diagnostics;

namespace SysmonWatch.Detection.Events;

/// <summary>
/// What is known about one process at one moment. Does not change: when more becomes known a new node takes its place, and events keep the node
/// of their own moment.
/// </summary>
/// <remarks>
/// Where batches are given back (BatchDecoder.ReusesProcesses), the memory of a node that nobody can see any more is used for another process. The node of
/// an event is safe until the event's batch is given back; who wants it for longer takes what <see cref="Keep"/> gives, as every <see cref="EventReference"/> does.
/// </remarks>
public sealed class ProcessNode
{
    /// <summary>How many ancestors are kept of a process at most; those beyond are forgotten, so that a chain of forks cannot grow without bound.</summary>
    public const int MostAncestors = 16;

    // All of its text, one behind the other: GUID, image, command line, user. One array, so that there is one object to look at and to use again.
    readonly byte[] _text;
    int _image;
    int _commandLine;
    int _user;
    int _end;
    ProcessNode? _kept;

    /// <summary>A node that is never used again.</summary>
    /// <param name="processGuid">ProcessGuid, UTF-8.</param>
    /// <param name="processId">Process id; 0 where unknown.</param>
    /// <param name="image">Path of the executable, UTF-8; empty where unknown.</param>
    /// <param name="commandLine">UTF-8; empty where unknown.</param>
    /// <param name="user">UTF-8; empty where unknown.</param>
    /// <param name="startedAt">Time of the event that started it, microseconds since 1970; 0 where it was running before.</param>
    /// <param name="parent">The parent as it was when this node was made; null where unknown.</param>
    /// <param name="familyRoot">The root of the process's family; null where the process is its own root.</param>
    public ProcessNode(
        ReadOnlySpan<byte> processGuid,
        int processId,
        ReadOnlySpan<byte> image,
        ReadOnlySpan<byte> commandLine,
        ReadOnlySpan<byte> user,
        long startedAt,
        ProcessNode? parent,
        ProcessNode? familyRoot = null)
        : this(processGuid.Length + image.Length + commandLine.Length + user.Length)
    {
        Become(processGuid, processId, image, commandLine, user, startedAt, parent, familyRoot);
    }

    /// <summary>A node that is nothing yet.</summary>
    /// <param name="capacity">Bytes of text it has room for.</param>
    internal ProcessNode(int capacity) => _text = capacity == 0 ? [] : GC.AllocateUninitializedArray<byte>(capacity);

    /// <summary>ProcessGuid, UTF-8.</summary>
    public ReadOnlyMemory<byte> ProcessGuid => _text.AsMemory(0, _image);

    /// <summary>Process id; 0 where unknown.</summary>
    public int ProcessId { get; private set; }

    /// <summary>Path of the executable, UTF-8; empty where unknown.</summary>
    public ReadOnlyMemory<byte> Image => _text.AsMemory(_image, _commandLine - _image);

    /// <summary>UTF-8; empty where unknown.</summary>
    public ReadOnlyMemory<byte> CommandLine => _text.AsMemory(_commandLine, _user - _commandLine);

    /// <summary>UTF-8; empty where unknown.</summary>
    public ReadOnlyMemory<byte> User => _text.AsMemory(_user, _end - _user);

    /// <summary>Time of the event that started it, microseconds since 1970; 0 where it was running before.</summary>
    public long StartedAt { get; private set; }

    /// <summary>The parent as it was when this node was made; null where unknown.</summary>
    public ProcessNode? Parent { get; private set; }

    /// <summary>The root of the process's family when that is another process; null where the process is its own root.</summary>
    /// <remarks>
    /// A family is the subtree under the nearest ancestor whose parent is a session or service manager; while that is unknown, under the topmost known process.
    /// Its own ancestors may be left out.
    /// </remarks>
    public ProcessNode? FamilyRoot { get; private set; }

    /// <summary>The root of the process's family; the process itself where it is the root.</summary>
    public ProcessNode Family => FamilyRoot ?? this;

    /// <summary>How many ancestors are known, 0 to <see cref="MostAncestors"/>.</summary>
    public int Depth { get; private set; }

    /// <summary>Bytes of text it has.</summary>
    internal int TextLength => _end;

    /// <summary>Bytes of text it has room for.</summary>
    internal int Capacity => _text.Length;

    /// <summary>This process without its ancestors, as what its family refers to; null while nobody does. For the pool, on its thread.</summary>
    internal ProcessNode? Alone { get; set; }

    /// <summary>How many nodes refer to this one. For the pool, on its thread.</summary>
    internal int Holders { get; set; }

    /// <summary>Where it stands between its making and its next. For the pool, on its thread.</summary>
    internal NodeState State { get; set; }

    /// <summary>
    /// The same with all its ancestors and its family, to be held for as long as one likes: a copy where the node's memory may be used again, and then the same
    /// one each time. To be called while the batch of an event that refers to the node has not been given back; from any thread.
    /// </summary>
    public ProcessNode Keep()
    {
        // Whether a node is single never changes, whatever else its pool notes there meanwhile. There are few ancestors, and a family has none.
        if (State == NodeState.Single) return this;
        return _kept ??= new ProcessNode(ProcessGuid.Span, ProcessId, Image.Span, CommandLine.Span, User.Span, StartedAt, Parent?.Keep(), FamilyRoot?.Keep());
    }

    /// <summary>Makes it the node of a process. Nobody may see it yet, or any more.</summary>
    internal void Become(
        ReadOnlySpan<byte> processGuid,
        int processId,
        ReadOnlySpan<byte> image,
        ReadOnlySpan<byte> commandLine,
        ReadOnlySpan<byte> user,
        long startedAt,
        ProcessNode? parent,
        ProcessNode? familyRoot)
    {
        Debug.Assert(Holders == 0, "Somebody still sees it.");
        Span<byte> text = _text;
        processGuid.CopyTo(text);
        _image = processGuid.Length;
        image.CopyTo(text[_image..]);
        _commandLine = _image + image.Length;
        commandLine.CopyTo(text[_commandLine..]);
        _user = _commandLine + commandLine.Length;
        user.CopyTo(text[_user..]);
        _end = _user + user.Length;
        ProcessId = processId;
        StartedAt = startedAt;
        Parent = parent;
        FamilyRoot = familyRoot;
        Depth = parent is null ? 0 : parent.Depth + 1;
    }

    /// <summary>The memory of its text, which is to be written soon.</summary>
    internal object TextMemory => _text;

    /// <summary>Lets go of what it refers to. Nobody may see it any more.</summary>
    internal void BecomeNothing()
    {
        Parent = null;
        FamilyRoot = null;
        Alone = null;
        _kept = null;
    }
}

/// <summary>Where a process node stands between its making and its next.</summary>
enum NodeState : byte
{
    /// <summary>Never used again.</summary>
    Single,

    /// <summary>Events to come may be given it.</summary>
    Remembered,

    /// <summary>No event to come is given it; events under way may have it.</summary>
    Forgotten,

    /// <summary>No event has it; other nodes may refer to it.</summary>
    Unseen,

    /// <summary>Nobody can see it.</summary>
    Free,
}
