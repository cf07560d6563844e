using System.Buffers;
using System.Globalization;
using System.Text;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;

namespace SysmonWatch.Detection.Tests.Processes;

/// <summary>A batch, and what its events must say of their processes.</summary>
sealed class Filled
{
    public EventBatch Batch { get; } = new();

    /// <summary>What the tree that uses nothing again says of each event's process.</summary>
    public List<string> Said { get; } = [];

    /// <summary>For threads: somebody has looked at it.</summary>
    public TaskCompletionSource Matched { get; set; } = new();

    public void Check()
    {
        Assert.Equal(Said.Count, Batch.Count);
        for (int i = 0; i < Batch.Count; i++) Assert.Equal(Said[i], Twins.Say(Batch[i].Process));
    }
}

/// <summary>Two decoders that are given the same lines, of which one uses the memory of processes again.</summary>
sealed class Twins(int mostProcesses)
{
    readonly BatchDecoder _plain = Decoder(mostProcesses, reuses: false);
    readonly BatchDecoder _reusing = Decoder(mostProcesses, reuses: true);
    readonly EventBatch _other = new();
    readonly List<Filled> _underWay = [];
    readonly Stack<Filled> _idle = new();
    readonly List<(EventReference Kept, string Said)> _kept = [];
    readonly HashSet<ProcessNode> _nodes = new(ReferenceEqualityComparer.Instance);
    int _records;

    /// <summary>How many batches are under way.</summary>
    public int UnderWay => _underWay.Count;

    /// <summary>How many events had a process.</summary>
    public int Nodes { get; private set; }

    /// <summary>How many nodes there were for them.</summary>
    public int DifferentNodes => _nodes.Count;

    public static BatchDecoder Decoder(int mostProcesses, bool reuses) =>
        new(new SequenceWatch(), new ProcessTree(mostProcesses), new ArrivalClock(TimeSpan.FromDays(1)), new DetectionCounters()) { ReusesProcesses = reuses };

    /// <summary>Fills a batch with events made of a seed.</summary>
    public void Fill(int seed, int count)
    {
        Filled filled = _idle.TryPop(out Filled? idle) ? idle : new Filled();
        Fill(_records, count, seed, filled, _other, _plain, _reusing);
        _records += count;
        _underWay.Add(filled);
        for (int i = 0; i < filled.Batch.Count; i++)
        {
            if (filled.Batch[i].Process is not { } node) continue;
            Nodes++;
            _nodes.Add(node);
        }
        filled.Check();
    }

    public static void Fill(int record, int count, int seed, Filled filled, EventBatch other, BatchDecoder plain, BatchDecoder reusing)
    {
        other.Clear();
        for (int i = 0; i < count; i++)
        {
            byte[] line = SomeProcesses.Line((seed * 31) + i, record + i);
            other.Records.Add(line, RecordOrigin.File, 0);
            filled.Batch.Records.Add(line, RecordOrigin.File, 0);
        }
        plain.Decode(other);
        reusing.Decode(filled.Batch);
        Assert.Equal(count, other.Count);
        filled.Said.Clear();
        for (int i = 0; i < other.Count; i++) filled.Said.Add(Say(other[i].Process));
    }

    /// <summary>Gives back one of the batches under way, if there is any.</summary>
    public void GiveBack(int which)
    {
        if (_underWay.Count == 0) return;
        Filled filled = _underWay[which % _underWay.Count];
        filled.Check();
        filled.Batch.Clear();
        _underWay.Remove(filled);
        _idle.Push(filled);
    }

    /// <summary>Keeps the process of an event under way, if there is any.</summary>
    public void Keep(int which)
    {
        if (_underWay.Count == 0) return;
        Filled filled = _underWay[which % _underWay.Count];
        int e = which / 7 % filled.Batch.Count;
        _kept.Add((Reference(filled.Batch[e]), filled.Said[e]));
    }

    /// <summary>Both go on from what they saved.</summary>
    public void Restart()
    {
        foreach (ProcessTree tree in (ProcessTree[])[_plain.Tree, _reusing.Tree])
        {
            var saved = new ArrayBufferWriter<byte>();
            tree.Save(saved);
            Assert.True(tree.TryRestore(saved.WrittenSpan));
        }
    }

    /// <summary>All that is under way or kept is what it was.</summary>
    public void Check()
    {
        foreach (Filled filled in _underWay) filled.Check();
        foreach ((EventReference kept, string said) in _kept) Assert.Equal(said, Say(kept.Process));
        Assert.Equal((_plain.Tree.Count, _plain.Tree.Evictions), (_reusing.Tree.Count, _reusing.Tree.Evictions));
    }

    public static EventReference Reference(SysmonEvent e) => new(e.Identify(), e.Process, "", e.Marks);

    /// <summary>All that can be seen of a process and of all that it refers to.</summary>
    public static string Say(ProcessNode? node)
    {
        var text = new StringBuilder();
        for (; node is not null; node = node.Parent)
        {
            One(node);
            if (node.FamilyRoot is { } family)
            {
                text.Append(" family ");
                One(family);
            }
            text.Append("; ");
        }
        return text.ToString();

        void One(ProcessNode one) => text.Append(
            CultureInfo.InvariantCulture,
            $"{Text(one.ProcessGuid)} {one.ProcessId} {Text(one.Image)} {Text(one.CommandLine)} {Text(one.User)} {one.StartedAt} {one.Depth}");

        static string Text(ReadOnlyMemory<byte> text) => Encoding.Latin1.GetString(text.Span);
    }
}
