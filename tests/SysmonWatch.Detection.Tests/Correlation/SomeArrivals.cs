using CsCheck;

namespace SysmonWatch.Detection.Tests.Correlation;

/// <summary>Random streams of events for a correlation with a timespan of ten seconds.</summary>
static class SomeArrivals
{
    const long Second = 1_000_000;

    /// <summary>In order of time, ties included.</summary>
    public static Gen<Arrival[]> InOrder { get; } = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 5], Gen.Int[0, 2], Gen.Int[0, 4], Gen.Int[-3, 12]).Array[0, 40]
        .Select(steps => Make(steps, [.. new int[steps.Length]]));

    /// <summary>Some events come late, some too late.</summary>
    public static Gen<Arrival[]> OutOfOrder { get; } = Gen.Select(
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 5], Gen.Int[0, 2], Gen.Int[0, 4], Gen.Int[-3, 12]).Array[0, 30],
        Gen.Frequency((3, Gen.Const(0)), (1, Gen.Int[0, 12])).Array[30]).Select(both => Make(both.Item1, both.Item2));

    static Arrival[] Make((int Step, int Rule, int Group, int Value, int Number)[] steps, int[] lateness)
    {
        var arrivals = new Arrival[steps.Length];
        long time = 1000 * Second;
        for (int i = 0; i < steps.Length; i++)
        {
            time += steps[i].Step switch { 0 or 1 => 0, < 7 => steps[i].Step * (Second / 2) + 1, 7 => 10 * Second, _ => 4 * Second };
            string rules = new[] { "a", "b", "c", "a", "a b", "" }[steps[i].Rule];
            string number = steps[i].Number == 12 ? "-" : $"{steps[i].Number / 4m}";
            string group = steps[i].Group == 2 && steps[i].Value == 0 ? "" : $"g={steps[i].Group % 2} ";
            arrivals[i] = new Arrival(
                time - (lateness[i] * Second), rules, $"{group}v={steps[i].Value} n={number}", Number: (ulong)(i * 7 % 41), Computer: $"h{steps[i].Value % 2}");
        }
        return arrivals;
    }
}
