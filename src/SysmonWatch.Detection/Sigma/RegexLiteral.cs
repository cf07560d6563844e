using System.Text;
using System.Text.RegularExpressions;

namespace SysmonWatch.Detection.Sigma;

/// <summary>Finds a literal that every text has which a regular expression matches, so that the expression is only tried where it is.</summary>
static class RegexLiteral
{
    /// <summary>The shortest literal that is worth looking for.</summary>
    const int Shortest = 2;

    /// <summary>The longest such literal, in ASCII; empty where none is certain.</summary>
    /// <remarks>Only what stands at the top level counts; groups, classes and anything unclear end a literal.</remarks>
    public static string Find(string pattern, RegexOptions options)
    {
        bool anyCase = options.HasFlag(RegexOptions.IgnoreCase) || pattern.Contains("(?", StringComparison.Ordinal);
        string best = "";
        var run = new StringBuilder();
        for (int i = 0; i < pattern.Length;)
        {
            int start = i;
            char literal = Literal(pattern, ref i, out bool isLiteral, out bool certain);
            if (!certain) return "";
            char quantifier = i < pattern.Length ? pattern[i] : '\0';
            bool optional = quantifier is '*' or '?' or '{';
            // Without case the Kelvin sign is a k, and other letters have such doubles too.
            bool plain = isLiteral && char.IsAscii(literal) && !(anyCase && char.ToLowerInvariant(literal) is 'k' or 's' or 'i');
            if (plain && !optional) run.Append(literal);
            if (!plain || optional || quantifier == '+')
            {
                if (run.Length > best.Length) best = run.ToString();
                run.Clear();
                SkipQuantifier(pattern, ref i);
            }
            if (i == start) return "";
        }
        if (run.Length > best.Length) best = run.ToString();
        return best.Length >= Shortest ? best : "";
    }

    static char Literal(string pattern, ref int i, out bool isLiteral, out bool certain)
    {
        char c = pattern[i];
        isLiteral = false;
        certain = true;
        switch (c)
        {
            case '\\':
                if (i + 1 >= pattern.Length) { certain = false; return c; }
                c = pattern[i + 1];
                isLiteral = !char.IsAsciiLetterOrDigit(c);
                // \x41, \u0041, \cA and \p{L} are longer than two characters.
                certain = isLiteral || c is 'b' or 'B' or 't' or 'r' or 'n' or 'f' or 'v' or 'e' or 'a' or 'A' or 'z' or 'Z';
                i += 2;
                return c;
            case '[':
                certain = SkipClass(pattern, ref i);
                return c;
            case '(':
                certain = SkipGroup(pattern, ref i);
                return c;
            case '|' or ')' or '*' or '+' or '?':
                certain = false;
                return c;
            case '.' or '^' or '$':
                i++;
                return c;
            case '{':
                i++;
                return c;
            default:
                i++;
                isLiteral = true;
                return c;
        }
    }

    static void SkipQuantifier(string pattern, ref int i)
    {
        if (i >= pattern.Length) return;
        if (pattern[i] == '{')
        {
            int close = pattern.IndexOf('}', i);
            i = close < 0 ? pattern.Length : close + 1;
        }
        else if (pattern[i] is '*' or '+' or '?')
        {
            i++;
        }
        else
        {
            return;
        }
        if (i < pattern.Length && pattern[i] == '?') i++;
    }

    static bool SkipClass(string pattern, ref int i)
    {
        i++;
        if (i < pattern.Length && pattern[i] == '^') i++;
        if (i < pattern.Length && pattern[i] == ']') i++;
        while (i < pattern.Length && pattern[i] != ']') i += pattern[i] == '\\' ? 2 : 1;
        return i++ < pattern.Length;
    }

    static bool SkipGroup(string pattern, ref int i)
    {
        // Flags for the rest of the expression: x would make blanks mean nothing.
        if (pattern.AsSpan(i).StartsWith("(?") && pattern.IndexOf(')', i) is var end and > 0 && pattern.AsSpan(i, end - i).Contains('x')
            && !pattern.AsSpan(i, end - i).Contains(':')) return false;
        int depth = 0;
        while (i < pattern.Length)
        {
            switch (pattern[i])
            {
                case '\\': i += 2; continue;
                case '[':
                    if (!SkipClass(pattern, ref i)) return false;
                    continue;
                case '(': depth++; break;
                case ')': depth--; break;
            }
            i++;
            if (depth == 0) return true;
        }
        return false;
    }
}
