using System.Text;
using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Reads Sigma's string values: wildcards and their escapes.</summary>
/// <remarks>
/// Source: Sigma specification 2.1, "Escaping". <c>\*</c> and <c>\?</c> are literal, <c>\\</c> is one backslash, and a backslash before anything
/// else, or at the end, is itself.
/// </remarks>
static class SigmaText
{
    /// <summary>The pieces of a value.</summary>
    public static List<PatternPart> Parse(string value)
    {
        var parts = new List<PatternPart>();
        var literal = new StringBuilder();
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            if (c == '\\' && i + 1 < value.Length && value[i + 1] is '*' or '?' or '\\')
            {
                literal.Append(value[++i]);
            }
            else if (c is '*' or '?')
            {
                Flush(parts, literal);
                parts.Add(c == '*' ? PatternPart.Any : PatternPart.One);
            }
            else
            {
                literal.Append(c);
            }
        }
        Flush(parts, literal);
        return parts;
    }

    /// <summary>True where the value has a wildcard that is not escaped.</summary>
    public static bool HasWildcards(string value) => Parse(value).Any(p => p.Kind != PartKind.Literal);

    static void Flush(List<PatternPart> parts, StringBuilder literal)
    {
        if (literal.Length == 0) return;
        parts.Add(PatternPart.Of(Encoding.UTF8.GetBytes(literal.ToString())));
        literal.Clear();
    }
}
