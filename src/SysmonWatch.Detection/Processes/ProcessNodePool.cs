using System.Diagnostics;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Processes;

/// <summary>
/// Makes process nodes. Where it is told which batches of events are under way, it uses those again that nobody can see any more; so once as many processes
/// are remembered as may be, a start puts nothing on the heap. Not thread-safe.
/// </summary>
/// <remarks>
/// Who can see a node, and why it is not used again meanwhile:
/// 1. Whoever remembers processes. Only what was handed to <see cref="Forget"/> is ever used again.
/// 2. Events of batches under way. A forgotten node waits until every batch has been given back that was begun before it was forgotten.
/// 3. Other nodes, whose ancestor or family it is: it counts them, and this is where they are counted, so only what was made here may refer to what was made here.
/// Whoever wants one for longer than that takes a copy (<see cref="ProcessNode.Keep"/>), which is left to the garbage collector.
/// Nodes become free between two batches only: whoever makes several for one event need not fear that one of them is taken for the next.
/// </remarks>
/// <param name="mostBytes">How many bytes of each size may lie idle; what is beyond is left to the garbage collector.</param>
sealed class ProcessNodePool(long mostBytes)
{
    /// <summary>What a node takes beside its text, in bytes.</summary>
    const int NodeItself = 128;

    /// <summary>Bytes of a text that are fetched ahead; the processor sees by itself how a longer one goes on.</summary>
    const int MostFetched = 256;

    readonly Queue<(ProcessNode Node, long Batch)> _forgotten = new();
    readonly Stack<ProcessNode> _letGo = new();
    readonly Stack<ProcessNode>[] _free = [.. Enumerable.Range(0, TextSize.Count).Select(_ => new Stack<ProcessNode>())];
    long _batch;

    /// <summary>True where nodes are used again.</summary>
    bool IsOn => _batch > 0;

    /// <summary>The next batch begins. From the first one on, nodes are used again.</summary>
    /// <param name="batch">Its number; one more each time, from 1.</param>
    /// <param name="oldest">The number of the oldest batch that has not been given back; this one's where all others have.</param>
    public void Begin(long batch, long oldest)
    {
        _batch = batch;
        while (_forgotten.TryPeek(out (ProcessNode Node, long Batch) first) && first.Batch < oldest)
        {
            _forgotten.Dequeue();
            first.Node.State = NodeState.Unseen;
            if (first.Node.Holders == 0) LetGo(first.Node);
        }
    }

    /// <summary>A node of a process.</summary>
    /// <param name="guid">ProcessGuid.</param>
    /// <param name="processId">Process id; 0 where unknown.</param>
    /// <param name="image">Path of the executable.</param>
    /// <param name="commandLine">Command line.</param>
    /// <param name="user">User.</param>
    /// <param name="startedAt">Time of its start; 0 where unknown.</param>
    /// <param name="parent">Its parent; where that has very many ancestors, it is taken without them.</param>
    /// <param name="family">The root of its family; null where it is its own.</param>
    public ProcessNode Make(
        ReadOnlySpan<byte> guid,
        int processId,
        ReadOnlySpan<byte> image,
        ReadOnlySpan<byte> commandLine,
        ReadOnlySpan<byte> user,
        long startedAt,
        ProcessNode? parent,
        ProcessNode? family)
    {
        // Without this every process of an endless chain of forks would keep all before it alive.
        if (parent is { Depth: >= ProcessNode.MostAncestors - 1 }) parent = WithoutAncestors(parent, parent.FamilyRoot);
        if (family is { Parent: not null }) family = Alone(family);
        return New(guid, processId, image, commandLine, user, startedAt, parent, family, NodeState.Remembered);
    }

    /// <summary>A node is about to be forgotten: lets what that needs be fetched meanwhile.</summary>
    public static void ExpectToForget(ProcessNode node) => Prefetch.OfObject(node, NodeItself);

    /// <summary>No event to come will be given this node.</summary>
    public void Forget(ProcessNode node)
    {
        if (node.State == NodeState.Single) return;
        Debug.Assert(node.State == NodeState.Remembered, "It was forgotten before.");
        node.State = NodeState.Forgotten;
        // It will let go of them soon, and they have not been touched for longer.
        Prefetch.OfObject(node.Parent, NodeItself);
        Prefetch.OfObject(node.FamilyRoot, NodeItself);
        _forgotten.Enqueue((node, _batch));
    }

    /// <summary>
    /// The root of a family as its members refer to it. They are many and may live long; with its ancestors, whose families have roots in turn, they would keep an endless
    /// chain of sessions within sessions.
    /// </summary>
    ProcessNode Alone(ProcessNode root)
    {
        if (root.Alone is { } known) return known;
        ProcessNode alone = WithoutAncestors(root, null);
        Hold(alone);
        return root.Alone = alone;
    }

    /// <summary>A copy that only other nodes will refer to.</summary>
    ProcessNode WithoutAncestors(ProcessNode node, ProcessNode? family) =>
        New(node.ProcessGuid.Span, node.ProcessId, node.Image.Span, node.CommandLine.Span, node.User.Span, node.StartedAt, null, family, NodeState.Unseen);

    ProcessNode New(
        ReadOnlySpan<byte> guid,
        int processId,
        ReadOnlySpan<byte> image,
        ReadOnlySpan<byte> commandLine,
        ReadOnlySpan<byte> user,
        long startedAt,
        ProcessNode? parent,
        ProcessNode? family,
        NodeState state)
    {
        int size = TextSize.Rounded(guid.Length + image.Length + commandLine.Length + user.Length);
        int number = TextSize.Number(size);
        if (number < 0 || !_free[number].TryPop(out ProcessNode? node)) node = new ProcessNode(size);
        else if (_free[number].TryPeek(out ProcessNode? next)) Prefetch.OfObject(next.TextMemory, Math.Min(size, MostFetched));
        node.Become(guid, processId, image, commandLine, user, startedAt, parent, family);
        if (IsOn)
        {
            node.State = state;
            Hold(parent);
            Hold(family);
        }
        return node;
    }

    static void Hold(ProcessNode? node)
    {
        if (node is not null) node.Holders++;
    }

    /// <summary>Nobody can see a node: nor, perhaps, what only it referred to.</summary>
    void LetGo(ProcessNode node)
    {
        while (true)
        {
            Release(node.Parent);
            Release(node.FamilyRoot);
            Release(node.Alone);
            node.BecomeNothing();
            node.State = NodeState.Free;
            int number = TextSize.Number(node.Capacity);
            if (number >= 0 && (_free[number].Count + 1L) * (node.Capacity + NodeItself) <= mostBytes) _free[number].Push(node);
            // By a list and not by recursion, however long a chain may be.
            if (!_letGo.TryPop(out ProcessNode? next)) return;
            node = next;
        }
    }

    void Release(ProcessNode? node)
    {
        // What was made before the first batch, or elsewhere, is never used again and may have been counted in part only.
        if (node is null || node.State == NodeState.Single) return;
        if (--node.Holders == 0 && node.State == NodeState.Unseen) _letGo.Push(node);
    }
}
