using System.Buffers.Binary;
using CsCheck;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using Remembered = SysmonWatch.Detection.Processes.ProcessTable.Remembered;

namespace SysmonWatch.Detection.Tests.Processes;

/// <summary>The table against a plain list, in the order in which processes are forgotten, with every look-up a search from its beginning.</summary>
public sealed class ProcessTableTests
{
    const long SizeBesideText = 200;

    static readonly UInt128[] Guids = [1, 2, .. new ulong[] { 0x5600_0000_0000, 0x5600_0000_1000, 0x49_b989, 0x5555_5555_8000 }
        .SelectMany(address => new[] { 7UL, 8UL }.Select(second => new UInt128(second << 16, BinaryPrimitives.ReverseEndianness(address))))];

    static readonly Gen<ProcessKey> Key = Gen.Select(Gen.Int[1, 2], Gen.Int[0, Guids.Length - 1], Gen.Int[0, 3]).Select((computer, guid, process) => new ProcessKey((ulong)computer, Guids[guid], process));

    [Theory]
    [InlineData(1, long.MaxValue)]
    [InlineData(3, long.MaxValue)]
    [InlineData(8, long.MaxValue)]
    [InlineData(1000, 900)]
    [InlineData(1000, 1)]
    public void Is_a_list_that_forgets_its_first_unless_it_was_seen(int most, long mostBytes)
    {
        Gen.Select(Gen.Int[0, 6], Key, Gen.Int[0, 300], Gen.Int[0, 2], Gen.Bool).Array[1, 120].Sample(steps =>
        {
            var table = new ProcessTable(most, mostBytes);
            var model = new Model(most, mostBytes);
            foreach ((int kind, ProcessKey key, int text, int family, bool started) in steps)
            {
                switch (kind)
                {
                    case 0 or 1 or 2:
                        var root = new ProcessNode(new ProcessDetails { ProcessGuid = [(byte)family], ProcessId = family }, null);
                        var node = new ProcessNode(new ProcessDetails { ProcessId = key.ProcessId, Image = new byte[text], StartedAt = started ? 1 : 0 }, null, root);
                        table.Put(new Remembered(key, node, (ulong)text, Ended: false));
                        model.Put(new Remembered(key, node, (ulong)text, Ended: false));
                        break;
                    case 3:
                        Assert.Equal(model.See(model.Entries.FindIndex(e => e.Key == key))?.Node, table.Get(key));
                        break;
                    case 4:
                        Assert.Equal(model.See(model.Current(key)), table.TryGetByProcessId(key.Computer, key.ProcessId, out Remembered byId) ? byId : (Remembered?)null);
                        break;
                    case 5:
                        Assert.Equal(model.See(model.OfGuid(key)), table.TryGetByGuid(key, out Remembered byGuid) ? byGuid : (Remembered?)null);
                        Assert.Equal(model.See(model.OfAddress(key)), table.TryGetByAddress(key, out Remembered byAddress) ? byAddress : (Remembered?)null);
                        break;
                    default:
                        int ended = model.Entries.FindIndex(e => e.Key == key);
                        if (ended >= 0) model.Entries[ended] = model.Entries[ended] with { Ended = true };
                        Assert.Equal(ended < 0 ? null : model.Entries[ended].Node, table.End(key));
                        break;
                }
                Assert.Equal(model.Entries, table.OldestFirst);
                Assert.Equal((model.Entries.Count, model.Bytes, model.Evictions), (table.Count, table.Bytes, table.Evictions));
                Assert.True(table.Count <= most && (table.Bytes <= mostBytes || table.Count == 1));
            }
        }, iter: 1500);
    }

    [Fact]
    public void Takes_all_the_processes_of_a_computer_that_anybody_makes_up()
    {
        // Names, ids and addresses counted up, and such as differ in their highest bits only.
        var table = new ProcessTable(4096, long.MaxValue);
        for (int i = 0; i < 20_000; i++)
        {
            UInt128 guid = (i % 3) switch { 0 => (UInt128)(i + 1), 1 => (UInt128)(i + 1) << 96, _ => new UInt128((ulong)i, BinaryPrimitives.ReverseEndianness(0x5600_0000_0000UL)) };
            table.Put(new Remembered(new ProcessKey(0, guid, i % 5), new ProcessNode(new ProcessDetails { ProcessId = i % 5, StartedAt = 1 }, null), 0, Ended: false));
        }

        Assert.Equal((4096, 20_000 - 4096, 4096 * SizeBesideText), (table.Count, table.Evictions, table.Bytes));
        Assert.All(table.OldestFirst.ToArray(), process => Assert.True(table.Get(process.Key) == process.Node));
    }

    sealed class Model(int most, long mostBytes)
    {
        readonly Dictionary<(ulong, int), ProcessKey> _current = [];
        readonly Dictionary<(ulong, UInt128), ProcessKey> _ofGuid = [];
        readonly Dictionary<(ulong, ulong), ProcessKey> _ofAddress = [];

        public List<Remembered> Entries { get; } = [];

        public long Evictions { get; private set; }

        public long Bytes => Entries.Sum(e => SizeBesideText + e.Node.ProcessGuid.Length + e.Node.Image.Length + e.Node.CommandLine.Length + e.Node.User.Length);

        public void Put(Remembered process)
        {
            int at = Entries.FindIndex(e => e.Key == process.Key);
            if (at >= 0)
            {
                process.SharesAddress = Entries[at].SharesAddress;
                process.SharesGuid = Entries[at].SharesGuid;
            }
            (ulong computer, ProcessKey key) = (process.Key.Computer, process.Key);
            if (_ofGuid.TryGetValue((computer, key.Guid), out ProcessKey other))
            {
                Remembered last = Entries.Find(e => e.Key == other);
                // Of its own former self only what was found out counts.
                process.SharesGuid |= (other == key ? process.SharesGuid : last.SharesGuid)
                    || (other == key ? process.Node : last.Node).Family.ProcessId != process.Node.Family.ProcessId;
            }
            bool random = key.TryRandomAddress(out ulong address) && process.Node.StartedAt != 0;
            if (random && _ofAddress.TryGetValue((computer, address), out ProcessKey there) && there != key) process.SharesAddress = true;
            if (at >= 0) Entries[at] = process with { Seen = true };
            else Entries.Add(process);
            if (key.ProcessId > 0) _current[(computer, key.ProcessId)] = key;
            _ofGuid[(computer, key.Guid)] = key;
            if (random) _ofAddress[(computer, address)] = key;

            while ((Entries.Count > most || Bytes > mostBytes) && Entries.Count > 1)
            {
                ProcessKey gone = Entries[0].Key;
                bool spared = Entries[0].Seen || gone == process.Key;
                if (spared) Entries.Add(Entries[0] with { Seen = false });
                Entries.RemoveAt(0);
                if (spared) continue;
                Evictions++;
                foreach (var id in _current.Where(c => c.Value == gone).Select(c => c.Key).ToArray()) _current.Remove(id);
                foreach (var guid in _ofGuid.Where(c => c.Value == gone).Select(c => c.Key).ToArray()) _ofGuid.Remove(guid);
                foreach (var place in _ofAddress.Where(c => c.Value == gone).Select(c => c.Key).ToArray()) _ofAddress.Remove(place);
            }
        }

        public int Current(ProcessKey key) => _current.TryGetValue((key.Computer, key.ProcessId), out ProcessKey found) ? IndexOf(found) : -1;

        public int OfGuid(ProcessKey key) =>
            _ofGuid.TryGetValue((key.Computer, key.Guid), out ProcessKey found) && !Entries[IndexOf(found)].SharesGuid ? IndexOf(found) : -1;

        public int OfAddress(ProcessKey key) =>
            key.TryRandomAddress(out ulong address) && _ofAddress.TryGetValue((key.Computer, address), out ProcessKey found) && !Entries[IndexOf(found)].SharesAddress ? IndexOf(found) : -1;

        public Remembered? See(int at)
        {
            if (at < 0) return null;
            return Entries[at] = Entries[at] with { Seen = true };
        }

        int IndexOf(ProcessKey key) => Entries.FindIndex(e => e.Key == key);
    }
}
