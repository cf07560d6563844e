using CsCheck;
using SysmonWatch.Detection.Processes;

namespace SysmonWatch.Detection.Tests.Processes;

/// <summary>The index against a plain list of what was put in.</summary>
public sealed class SlotIndexTests
{
    // Of a hash the upper half counts. Hostile ones: all of one home cell, of its neighbours, of the last cell (so that they wrap around), of equal upper halves.
    static readonly ulong[] Hashes =
    [
        .. Enumerable.Range(0, 6).Select(i => (ulong)(i << 20) << 32),
        .. Enumerable.Range(0, 6).Select(i => (ulong)((i << 20) | 0x3FF) << 32),
        .. Enumerable.Range(0, 6).Select(i => (ulong)(0xFFFF_FFFF - i) << 32),
        1UL << 32, 2UL << 32, (1UL << 32) | 7, ulong.MaxValue, 0,
    ];

    static readonly Gen<ulong> Hash = Gen.OneOf(Gen.Int[0, Hashes.Length - 1].Select(i => Hashes[i]), Gen.ULong);

    [Fact]
    public void Finds_what_was_put_in_and_nothing_else()
    {
        Gen.Select(Gen.Int[0, 9], Hash, Gen.Int[0, 1000]).Array[0, 400].Sample(steps =>
        {
            var index = new SlotIndex();
            List<(ulong Hash, int Slot)> model = [];
            int slots = 0;
            foreach ((int kind, ulong hash, int which) in steps)
            {
                if (kind < 6 || model.Count == 0)
                {
                    index.Add(hash, slots);
                    model.Add((hash, slots++));
                }
                else if (kind < 8)
                {
                    (ulong Hash, int Slot) gone = model[which % model.Count];
                    index.Remove(PositionOf(index, gone.Hash, gone.Slot));
                    model.Remove(gone);
                }
                else
                {
                    int at = which % model.Count;
                    index.Replace(PositionOf(index, model[at].Hash, model[at].Slot), slots);
                    model[at] = (model[at].Hash, slots++);
                }
            }
            foreach (ulong hash in model.Select(m => m.Hash).Concat(Hashes).Concat(steps.Select(s => s.Item2)).Distinct())
            {
                Assert.Equal(model.Where(m => m.Hash >> 32 == hash >> 32).Select(m => m.Slot).Order(), All(index, hash).Order());
            }
        }, iter: 2000);
    }

    [Fact]
    public void Grows_with_what_it_holds_and_shrinks_to_nothing()
    {
        var index = new SlotIndex();
        // All at home in one cell: the worst that can be made of it.
        for (int i = 0; i < 3000; i++) index.Add((ulong)(uint)(i << 20) << 32, i);
        for (int i = 0; i < 3000; i += 2) index.Remove(PositionOf(index, (ulong)(uint)(i << 20) << 32, i));

        for (int i = 0; i < 3000; i++) Assert.Equal(Enumerable.Range(0, 3000).Where(j => j % 2 == 1 && j << 20 == i << 20).ToArray(), All(index, (ulong)(uint)(i << 20) << 32).Order());
        for (int i = 1; i < 3000; i += 2) index.Remove(PositionOf(index, (ulong)(uint)(i << 20) << 32, i));
        Assert.Empty(All(index, 0));
    }

    static int PositionOf(SlotIndex index, ulong hash, int slot)
    {
        int position = index.Start(hash);
        while (index.Next(hash, ref position) is var found && found != slot) Assert.NotEqual(SlotIndex.None, found);
        return position;
    }

    static List<int> All(SlotIndex index, ulong hash)
    {
        List<int> found = [];
        int position = index.Start(hash);
        while (index.Next(hash, ref position) is var slot && slot != SlotIndex.None) found.Add(slot);
        return found;
    }
}
