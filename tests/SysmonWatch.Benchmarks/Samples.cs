using System.Reflection;
using System.Text;

namespace SysmonWatch.Benchmarks;

/// <summary>What this program carries: recorded lines of each event, damaged lines, and the rules that ship.</summary>
static class Samples
{
    static readonly Assembly Here = typeof(Samples).Assembly;

    /// <summary>The line of a sample without its newline.</summary>
    /// <param name="name">Such as <c>iso-event-001</c>.</param>
    public static byte[] Line(string name)
    {
        using Stream stream = Here.GetManifestResourceStream(name) ?? throw new ArgumentException($"There is no sample '{name}'.");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes.AsSpan().TrimEnd((byte)'\n').ToArray();
    }

    /// <summary>The same as text.</summary>
    public static string Text(string name) => Encoding.UTF8.GetString(Line(name));

    /// <summary>The rules that ship: file name and text.</summary>
    public static IEnumerable<(string Name, string Text)> Rules() =>
        Here.GetManifestResourceNames().Where(n => n.StartsWith("rules/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(n => (n, Text(n)));
}
