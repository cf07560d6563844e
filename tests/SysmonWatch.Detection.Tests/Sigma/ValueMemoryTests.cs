using CsCheck;
using SysmonWatch.Detection.Sigma.Engine;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>What was reported for a value is what is remembered for it, or nothing.</summary>
public sealed class ValueMemoryTests
{
    [Fact]
    public void Remembers_what_was_kept_for_the_very_value_or_nothing()
    {
        int total = 0;
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                var memory = new ValueMemory();
                int known = 0;
                for (int i = 0; i < 3000; i++)
                {
                    byte[] value = Value(random);
                    int[]? recalled = memory.Recall(value, out ulong hash);
                    if (recalled is not null)
                    {
                        known++;
                        Assert.Equal(Reports(value), recalled);
                    }
                    else if (hash != 0)
                    {
                        memory.Keep(value, hash, Reports(value));
                    }
                }
                total += known;
            },
            iter: 20,
            threads: 1);
        Assert.True(total > 10_000, $"only {total} of 60,000 were known");
    }

    [Fact]
    public void Does_not_go_on_where_values_do_not_come_again()
    {
        var memory = new ValueMemory();
        int kept = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] value = BitConverter.GetBytes(i);
            Assert.Null(memory.Recall(value, out ulong hash));
            if (hash == 0) continue;
            kept++;
            memory.Keep(value, hash, Reports(value));
        }
        Assert.InRange(kept, 1, 4000);
    }

    [Fact]
    public void Keeps_no_value_that_is_too_long()
    {
        Assert.Null(new ValueMemory().Recall(new byte[ValueMemory.LongestValue + 1], out ulong hash));
        Assert.Equal(0UL, hash);
    }

    /// <summary>Few different ones of each length, zeros among them.</summary>
    static byte[] Value(Random random)
    {
        byte[] value = new byte[random.Next(9) * ValueMemory.LongestValue / 8];
        if (value.Length > 0) value[random.Next(2) * (value.Length - 1)] = (byte)random.Next(3);
        return value;
    }

    /// <summary>A function of the value.</summary>
    static int[] Reports(byte[] value) => [.. value.Select((b, i) => (b, i)).Where(x => x.b != 0).Select(x => x.i * 10 + x.b)];
}
