using System.Text.RegularExpressions;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Finds the placeholders of <c>expand</c>: <c>%name%</c>, whatever the name, and <c>\%</c> for a percent sign.</summary>
static partial class Placeholders
{
    [GeneratedRegex(@"(?<!\\)%([^%]+)(?<!\\)%", RegexOptions.CultureInvariant)]
    static partial Regex Placeholder { get; }

    /// <summary>The pieces in order: texts with their escapes undone, and names of placeholders.</summary>
    public static IEnumerable<(string Piece, bool IsPlaceholder)> Split(string text)
    {
        int at = 0;
        foreach (Match match in Placeholder.Matches(text))
        {
            if (match.Index > at) yield return (Unescape(text[at..match.Index]), false);
            yield return (match.Groups[1].Value, true);
            at = match.Index + match.Length;
        }
        if (at < text.Length) yield return (Unescape(text[at..]), false);
    }

    static string Unescape(string text) => text.Replace("\\%", "%", StringComparison.Ordinal);
}
