using System.Globalization;
using System.Text;
using System.Threading.Channels;
using CsCheck;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;

namespace SysmonWatch.Detection.Tests.Processes;

/// <summary>What an event says of its process stays as it was, although the memory of processes is used again.</summary>
public sealed class NodeReuseTests
{
    /// <summary>
    /// Batches are filled, given back in order or not, processes kept, and trees restored from what they saved, at random; each process is compared with that of a
    /// tree that uses nothing again.
    /// </summary>
    [Theory]
    [InlineData(8)]
    [InlineData(32)]
    public void Every_process_stays_what_it_was_until_its_batch_is_given_back_and_where_it_is_kept_for_ever(int most)
    {
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 1_000_000]).Array[1, 60].Sample(
            steps =>
            {
                var twins = new Twins(most);
                foreach ((int kind, int seed) in steps)
                {
                    switch (kind)
                    {
                        case <= 4:
                            twins.Fill(seed, 1 + (seed % 12));
                            break;
                        case <= 7:
                            twins.GiveBack(0);
                            break;
                        case 8:
                            if (seed % 3 == 0) twins.Restart();
                            else twins.GiveBack(seed);
                            break;
                        default:
                            twins.Keep(seed);
                            break;
                    }
                    twins.Check();
                }
            },
            iter: Thoroughness.Long ? 2_000 : 300);
    }

    [Theory]
    [InlineData(8, 1)]
    [InlineData(16, 3)]
    [InlineData(32, 12)]
    public void Nodes_are_used_again_and_processes_stay_what_they_were_in_a_long_run(int most, int underWay)
    {
        var random = new Random(most);
        var twins = new Twins(most);
        for (int i = 0; i < 600; i++)
        {
            twins.Fill(random.Next(), 20);
            if (random.Next(4) == 0) twins.Keep(random.Next());
            if (i % 50 == 0) twins.Check();
            while (twins.UnderWay > underWay) twins.GiveBack(0);
        }

        twins.Check();
        Assert.InRange(twins.DifferentNodes, 1, twins.Nodes / 4);
    }

    /// <summary>As the daemon does it: one thread fills, several look, one looks again, keeps and gives back.</summary>
    [Fact]
    public async Task Threads_that_look_at_a_batch_see_its_processes_as_they_were()
    {
        const int Batches = 8;
        CancellationToken stop = TestContext.Current.CancellationToken;
        var idle = Channel.CreateBounded<Filled>(Batches);
        var toWorkers = Channel.CreateBounded<Filled>(Batches);
        var inOrder = Channel.CreateBounded<Filled>(Batches);
        for (int i = 0; i < Batches; i++) await idle.Writer.WriteAsync(new Filled(), stop);
        BatchDecoder plain = Twins.Decoder(16, reuses: false), reusing = Twins.Decoder(16, reuses: true);
        var seen = new HashSet<ProcessNode>(ReferenceEqualityComparer.Instance);
        List<(EventReference Kept, string Said)> kept = [];
        int events = 0;

        async Task FillAsync()
        {
            Exception? failure = null;
            try
            {
                var other = new EventBatch();
                for (int number = 0; number < 1500; number++)
                {
                    Filled filled = await idle.Reader.ReadAsync(stop);
                    filled.Matched = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    Twins.Fill(number * 16, 16, number, filled, other, plain, reusing);
                    for (int i = 0; i < filled.Batch.Count; i++)
                    {
                        events++;
                        if (filled.Batch[i].Process is { } node) seen.Add(node);
                    }
                    await inOrder.Writer.WriteAsync(filled, stop);
                    await toWorkers.Writer.WriteAsync(filled, stop);
                }
            }
            catch (Exception e)
            {
                failure = e;
            }
            toWorkers.Writer.Complete(failure);
            inOrder.Writer.Complete(failure);
        }

        async Task WorkAsync()
        {
            await foreach (Filled filled in toWorkers.Reader.ReadAllAsync(stop))
            {
                try
                {
                    filled.Check();
                    filled.Matched.SetResult();
                }
                catch (Exception e)
                {
                    filled.Matched.SetException(e);
                }
            }
        }

        async Task RaiseAsync()
        {
            await foreach (Filled filled in inOrder.Reader.ReadAllAsync(stop))
            {
                await filled.Matched.Task;
                filled.Check();
                if (kept.Count < 300) kept.Add((Twins.Reference(filled.Batch[kept.Count % filled.Batch.Count]), filled.Said[kept.Count % filled.Batch.Count]));
                filled.Batch.Clear();
                await idle.Writer.WriteAsync(filled, stop);
            }
        }

        _ = Task.Run(FillAsync, stop);
        _ = Task.Run(WorkAsync, stop);
        _ = Task.Run(WorkAsync, stop);
        // Whatever goes wrong elsewhere ends this one.
        await Task.Run(RaiseAsync, stop);

        Assert.All(kept, pair => Assert.Equal(pair.Said, Twins.Say(pair.Kept.Process)));
        Assert.InRange(seen.Count, 1, events / 4);
    }

    /// <summary>Each start pushes the oldest process out; others are mentioned for the first time, or have no GUID, or a path that is put right.</summary>
    [Fact]
    public void With_a_full_table_nothing_is_put_on_the_heap_for_a_process()
    {
        const int EventsOfARound = 400;
        BatchDecoder decoder = Twins.Decoder(256, reuses: true);
        EventBatch[] batches = [new(), new(), new()];
        int number = 0, batch = 0;
        long evicted = decoder.Tree.Evictions;

        List<long> made = SteadyState.BytesOf(() =>
        {
            evicted = decoder.Tree.Evictions;
            EventBatch filling = batches[batch++ % batches.Length];
            filling.Clear();
            for (int i = 0; i < EventsOfARound; i++) filling.Records.Add(Lines.Next(++number), RecordOrigin.File, 0);
            decoder.Decode(filling);
        });

        Assert.Equal(0, made[^1]);
        Assert.InRange(decoder.Tree.Evictions - evicted, EventsOfARound / 2, EventsOfARound);
    }

    [Fact]
    public void What_lies_idle_is_bounded()
    {
        var pool = new ProcessNodePool(mostBytes: 2_000);
        pool.Begin(1, 1);
        ProcessNode[] made = [.. Enumerable.Range(0, 100).Select(_ => Make(pool))];
        foreach (ProcessNode node in made) pool.Forget(node);

        pool.Begin(2, 2);

        // Ten of 64 bytes of text and what is beside it.
        Assert.Equal(10, Enumerable.Range(0, 100).Select(_ => Make(pool)).Count(made.Contains));
    }

    [Fact]
    public void Without_batches_no_node_is_used_again()
    {
        var tree = new ProcessTree(mostProcesses: 2);
        var nodes = new HashSet<ProcessNode>(ReferenceEqualityComparer.Instance);
        var batch = new EventBatch();
        var decoder = new BatchDecoder(new SequenceWatch(), tree, new ArrivalClock(TimeSpan.FromMinutes(5)), new DetectionCounters());

        for (int i = 0; i < 100; i++)
        {
            batch.Clear();
            batch.Records.Add(Lines.Next(i), RecordOrigin.File, 0);
            decoder.Decode(batch);
            Assert.True(nodes.Add(batch[0].Process!));
        }

        Assert.InRange(tree.Evictions, 50, 200);
    }

    [Theory]
    [InlineData("/usr/bin/sudo")]
    [InlineData("/usr/bin/bash")]
    public void An_endless_chain_keeps_only_few_processes(string other)
    {
        BatchDecoder decoder = Twins.Decoder(8, reuses: true);
        var batch = new EventBatch();
        int most = 0;

        for (int i = 1; i <= 500; i++)
        {
            batch.Clear();
            batch.Records.Add(Lines.Start(i, i - 1, i % 2 == 0 ? other : "/usr/bin/bash", (i - 1) % 2 == 0 ? other : "/usr/bin/bash"), RecordOrigin.File, 0);
            decoder.Decode(batch);
            var reached = new HashSet<ProcessNode>(ReferenceEqualityComparer.Instance);
            Reach(batch[0].Process, reached);
            most = Math.Max(most, reached.Count);
        }

        Assert.InRange(most, ProcessNode.MostAncestors, 2 * (ProcessNode.MostAncestors + 1));

        static void Reach(ProcessNode? node, HashSet<ProcessNode> reached)
        {
            if (node is null || !reached.Add(node)) return;
            Reach(node.Parent, reached);
            Reach(node.FamilyRoot, reached);
        }
    }

    static ProcessNode Make(ProcessNodePool pool) => pool.Make("{guid}"u8, 7, "/bin/sh"u8, "sh"u8, "root"u8, 1, null, null);

    /// <summary>Lines that differ from each other in numbers of one width, so that making one needs no memory.</summary>
    static class Lines
    {
        static readonly byte[][] Kinds = [.. new[]
        {
            Encoding.ASCII.GetString(SomeEventLine(1, "{b08dfa60-0001-0000-0000-0000########}", "/usr/bin/bash", "{b08dfa60-0001-0000-0000-0000@@@@@@@@}", "/usr/bin/bash")),
            Encoding.ASCII.GetString(SomeEventLine(1, "{b08dfa60-0001-0000-0000-0000########}", "/usr/bin/python3.11", "{00000000-0000-0000-0000-000000000000}", "-")),
            Encoding.ASCII.GetString(SomeEventLine(11, "{b08dfa60-0002-0000-0000-0000########}", "/usr/bin/touch", null, null)),
            Encoding.ASCII.GetString(SomeEventLine(11, "{00000000-0000-0000-0000-000000000000}", "/usr/bin/touch", null, null)),
        }.Select(Encoding.ASCII.GetBytes)];

        public static ReadOnlySpan<byte> Next(int number) => Fill(Kinds[number % Kinds.Length], number, number - Kinds.Length);

        public static byte[] Start(int number, int parent, string image, string parentImage) => Fill(
            SomeEventLine(1, "{b08dfa60-0001-0000-0000-0000########}", image, "{b08dfa60-0001-0000-0000-0000@@@@@@@@}", parentImage), number, parent);

        static byte[] SomeEventLine(int id, string guid, string image, string? parent, string? parentImage) => Encoding.ASCII.GetBytes(
            $"2026-11-24T03:00:00.000000+00:00 lab sysmon: <Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{{ff032593-a8d3-4f13-b0d6-01fc615a0f97}}\"/><EventID>{id}</EventID><Version>5</Version><Level>4</Level><Task>{id}</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords>"
            + "<TimeCreated SystemTime=\"2026-11-24T02:00:00.000000000Z\"/><EventRecordID>########</EventRecordID><Correlation/><Execution ProcessID=\"538\" ThreadID=\"538\"/><Channel>Linux-Sysmon/Operational</Channel><Computer>lab</Computer><Security UserId=\"0\"/></System><EventData>"
            + $"<Data Name=\"RuleName\">-</Data><Data Name=\"UtcTime\">########</Data><Data Name=\"ProcessGuid\">{guid}</Data><Data Name=\"ProcessId\">########</Data><Data Name=\"Image\">{image}</Data>"
            + (id == 1 ? $"<Data Name=\"CommandLine\">run ########</Data><Data Name=\"User\">root</Data><Data Name=\"ParentProcessGuid\">{parent}</Data><Data Name=\"ParentProcessId\">@@@@@@@@</Data><Data Name=\"ParentImage\">{parentImage}</Data><Data Name=\"ParentCommandLine\">-</Data>" : "<Data Name=\"TargetFilename\">/tmp/./x</Data>")
            + "</EventData></Event>");

        /// <summary>Puts eight digits wherever eight of a mark or of the digits before are.</summary>
        static byte[] Fill(byte[] line, int number, int parent)
        {
            if (!Places.TryGetValue(line, out (int At, bool IsParent)[]? places)) Places[line] = places = [.. Find(line)];
            foreach ((int at, bool isParent) in places) (isParent ? parent : number).TryFormat(line.AsSpan(at, 8), out _, "d8", CultureInfo.InvariantCulture);
            return line;
        }

        static readonly Dictionary<byte[], (int At, bool IsParent)[]> Places = [];

        static IEnumerable<(int At, bool IsParent)> Find(byte[] line)
        {
            for (int at = 0; at + 8 <= line.Length; at++)
            {
                if (line.AsSpan(at, 8).SequenceEqual("########"u8)) yield return (at, false);
                if (line.AsSpan(at, 8).SequenceEqual("@@@@@@@@"u8)) yield return (at, true);
            }
        }
    }
}
