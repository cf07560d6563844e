using System.Globalization;

namespace SysmonWatch.Benchmarks.Live;

/// <summary>Prints what was measured as a table to paste into docs/benchmarks.md, and remembers whether every goal is met.</summary>
/// <param name="to">Where to print.</param>
sealed class Report(TextWriter to)
{
    /// <summary>False once a goal was missed.</summary>
    public bool IsMet { get; private set; } = true;

    /// <summary>Says on what was measured.</summary>
    public void Begin(string binary)
    {
        string model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "an unknown processor";
        string load = File.ReadAllText("/proc/loadavg").Split(' ')[0], system = "";
        if (File.Exists("/etc/os-release")) system = File.ReadLines("/etc/os-release").FirstOrDefault(l => l.StartsWith("PRETTY_NAME=", StringComparison.Ordinal))?.Split('"')[1] ?? "";
        to.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{TimeProvider.System.GetUtcNow():d MMMM yyyy HH:mm} UTC, {model}, {Environment.ProcessorCount} processors, load {load}, {system}, {Workplace.FileSystem}, {binary}"));
        to.WriteLine();
    }

    /// <summary>Begins a table.</summary>
    public void Table(string what)
    {
        to.WriteLine($"| {what} | | goal |");
        to.WriteLine("|---|---|---|");
    }

    /// <summary>A figure without a goal.</summary>
    public void Say(string what, FormattableString value) => to.WriteLine($"| {what} | {FormattableString.Invariant(value)} | |");

    /// <summary>A figure with one.</summary>
    public void Say(string what, FormattableString value, string goal, bool met)
    {
        string said = FormattableString.Invariant(value);
        to.WriteLine(met ? $"| {what} | {said} | {goal} |" : $"| {what} | **{said}** | {goal}: missed |");
        IsMet &= met;
    }

    /// <summary>Ends a table.</summary>
    public void End()
    {
        to.WriteLine();
        to.Flush();
    }

    /// <summary>The value below which that share of them is.</summary>
    public static double Percentile(IReadOnlyList<double> sorted, double share) => sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];

    /// <summary>The middle one.</summary>
    public static double Median(IEnumerable<double> values) => Percentile([.. values.Order()], 0.5);
}
