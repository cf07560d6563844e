using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>Finds literals of which every text has one that a regular expression matches, so that the expression is only tried where one is.</summary>
/// <remarks>Only what stands at the top level counts, and groups and classes of a few plain characters; anything unclear ends a literal.</remarks>
static class RegexLiteral
{
    /// <summary>The shortest literal that is worth looking for.</summary>
    const int Shortest = 2;

    /// <summary>The most literals that are worth looking for.</summary>
    const int Most = 32;

    /// <summary>The best such literals, in ASCII and whatever case; none where nothing is certain.</summary>
    /// <param name="pattern">As <see cref="RegexTranslator"/> writes it, so that without case a letter is a class of both its forms.</param>
    public static IReadOnlyList<string> Find(string pattern)
    {
        List<string> best = [];
        List<string> run = [""];
        void End()
        {
            if (run[0].Length >= Shortest && (best.Count == 0 || run.Min(r => r.Length) > best.Min(b => b.Length)) && run.All(r => r.Length >= Shortest)) best = run;
            run = [""];
        }
        for (int i = 0; i < pattern.Length;)
        {
            int start = i;
            if (!TrySkipOne(pattern, ref i, out IReadOnlyList<string> choices) || i == start) return [];
            char quantifier = i < pattern.Length ? pattern[i] : '\0';
            bool counted = quantifier is '*' or '?' or '{';
            bool taken = !counted && choices.Count > 0 && choices.All(c => c.All(char.IsAscii)) && run.Count * choices.Count <= Most;
            if (taken) run = [.. run.SelectMany(r => choices.Select(c => r + c))];
            if (!taken || quantifier == '+')
            {
                End();
                SkipQuantifier(pattern, ref i);
            }
        }
        End();
        return best;
    }

    /// <summary>Passes over one element, and says which texts it can be; none where that is unclear. False where the whole expression is.</summary>
    static bool TrySkipOne(string pattern, ref int i, out IReadOnlyList<string> choices)
    {
        choices = [];
        char c = pattern[i];
        switch (c)
        {
            case '\\':
                if (i + 1 >= pattern.Length) return false;
                c = pattern[i + 1];
                i += 2;
                if (!char.IsAsciiLetterOrDigit(c)) choices = [c.ToString()];
                // \x41, \u0041, \cA and \p{L} are longer than two characters.
                return choices.Count > 0 || c is 'b' or 'B' or 't' or 'r' or 'n' or 'f' or 'v' or 'e' or 'a' or 'A' or 'z' or 'Z';
            case '[':
                int open = i;
                if (!SkipClass(pattern, ref i)) return false;
                string members = pattern[(open + 1)..(i - 1)];
                if (members.Length is > 0 and <= 8 && members.All(char.IsAsciiLetterOrDigit)) choices = [.. members.Select(m => char.ToLowerInvariant(m).ToString()).Distinct()];
                return true;
            case '(':
                int group = i;
                if (!SkipGroup(pattern, ref i)) return false;
                string inner = pattern[(group + 1)..(i - 1)];
                if (inner.StartsWith("?:", StringComparison.Ordinal)) inner = inner[2..];
                if (inner.Length > 0 && inner.All(m => char.IsAsciiLetterOrDigit(m) || m is '|' or ' ' or '/' or '-' or '_')) choices = inner.Split('|');
                return true;
            case '|' or ')' or '*' or '+' or '?':
                return false;
            case '.' or '^' or '$' or '{':
                i++;
                return true;
            default:
                i++;
                choices = [c.ToString()];
                return true;
        }
    }

    static void SkipQuantifier(string pattern, ref int i)
    {
        if (i >= pattern.Length || pattern[i] is not ('{' or '*' or '+' or '?')) return;
        if (pattern[i] == '{' && pattern.IndexOf('}', i) is var close and > 0) i = close;
        i++;
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
