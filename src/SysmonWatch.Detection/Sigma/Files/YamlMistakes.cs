using System.Text.RegularExpressions;
using YamlDotNet.Core;

namespace SysmonWatch.Detection.Sigma.Files;

/// <summary>Says in the words of somebody who writes rules why a text is no YAML, and where: the parser knows neither tabs nor wildcards by these names.</summary>
static partial class YamlMistakes
{
    /// <summary>Of a value whose first character means something to YAML.</summary>
    public static string Quote(char first) =>
        $"a value that begins with {first} must be quoted{(first == '*' ? ", or YAML takes it for an alias: '*foo*'" : "")}";

    /// <summary>The place and the reason of a failure; those of the parser where nothing better is known.</summary>
    /// <param name="text">What was parsed.</param>
    /// <param name="at">Where the parser stopped.</param>
    /// <param name="reason">Why, in its words.</param>
    public static (Mark At, string Reason) Explain(string text, Mark at, string reason)
    {
        string[] lines = text.Split('\n');
        if (reason.Contains(" tab ", StringComparison.Ordinal) && FindTab(lines, at) is { } tab) return (tab, "a tab in the indentation; YAML takes only blanks there");
        if (at.Line < 1 || at.Line > lines.Length) return (at, reason);
        string line = lines[at.Line - 1];
        Group? begin = BeginsWithIndicator.Matches(line).Select(m => m.Groups[1]).LastOrDefault(g => g.Index < at.Column);
        if (begin is null) return (at, reason);
        var place = new Mark(at.Index, at.Line, begin.Index + 1);
        char first = begin.ValueSpan[0];
        if (first != '|') return (place, Quote(first));
        return line.AsSpan(0, begin.Index).IsWhiteSpace() ? (place, "a key that begins with | must be quoted, and a modifier needs a field before it, as in 'Field|exists: true'") : (at, reason);
    }

    static Mark? FindTab(string[] lines, Mark from)
    {
        for (int i = (int)Math.Max(1, from.Line) - 1; i < lines.Length; i++)
        {
            int tab = lines[i].AsSpan(0, lines[i].Length - lines[i].AsSpan().TrimStart().Length).IndexOf('\t');
            if (tab >= 0) return new Mark(from.Index, i + 1, tab + 1);
        }
        return null;
    }

    /// <summary>Where in a line a key, a value or an item begins with a character that YAML gives a meaning or none.</summary>
    [GeneratedRegex(@"(?:^\s*|:\s+|-\s+|[\[{,]\s*)([*%@`|])", RegexOptions.CultureInvariant)]
    static partial Regex BeginsWithIndicator { get; }
}
