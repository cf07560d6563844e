using System.Globalization;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>How long a text must be at least for a regular expression to be found in it.</summary>
static class RegexLength
{
    /// <summary>Beyond that nothing is gained.</summary>
    const int Most = 1 << 16;

    /// <summary>The fewest characters of a text that the expression matches, or less where that is not certain.</summary>
    /// <param name="pattern">In .NET's dialect, known to be good. Options do not matter: case changes no length, and blanks cannot be without meaning.</param>
    public static int Shortest(string pattern)
    {
        // (?x) makes blanks mean nothing, and (?(a)b|c) is a question: neither is worth understanding.
        for (int i = pattern.IndexOf("(?", StringComparison.Ordinal); i >= 0; i = pattern.IndexOf("(?", i + 1, StringComparison.Ordinal))
        {
            if (!IsPlainGroup(pattern.AsSpan(i + 2))) return 0;
        }
        int at = 0;
        int shortest = Alternatives(pattern, ref at);
        return at == pattern.Length ? shortest : 0;
    }

    static bool IsPlainGroup(ReadOnlySpan<char> kind)
    {
        if (kind.StartsWith("<")) return kind.Length > 1 && kind[1] is not ('=' or '!');
        int flags = 0;
        while (flags < kind.Length && kind[flags] is 'i' or 'm' or 's' or '-') flags++;
        return flags < kind.Length && kind[flags] is ':' or ')';
    }

    static int Alternatives(string pattern, ref int at)
    {
        int shortest = Sequence(pattern, ref at);
        while (at < pattern.Length && pattern[at] == '|')
        {
            at++;
            shortest = Math.Min(shortest, Sequence(pattern, ref at));
        }
        return shortest;
    }

    static int Sequence(string pattern, ref int at)
    {
        long length = 0;
        while (at < pattern.Length && pattern[at] is not ('|' or ')'))
        {
            long one = Element(pattern, ref at);
            length = Math.Min(Most, length + one * Repetitions(pattern, ref at));
        }
        return (int)length;
    }

    static int Element(string pattern, ref int at)
    {
        char c = pattern[at++];
        switch (c)
        {
            case '^' or '$':
                return 0;
            case '[':
                while (at < pattern.Length && pattern[at] != ']') at += pattern[at] == '\\' ? 2 : 1;
                at++;
                return 1;
            case '(':
                if (at < pattern.Length && pattern[at] == '?') SkipKind(pattern, ref at);
                int inner = Alternatives(pattern, ref at);
                at++;
                return inner;
            case '\\':
                return Escape(pattern, ref at);
            default:
                return 1;
        }
    }

    /// <summary>Passes over <c>?:</c>, <c>?i:</c> or <c>?&lt;name></c>; of <c>(?i)</c> the group that follows is empty.</summary>
    static void SkipKind(string pattern, ref int at)
    {
        bool isNamed = at + 1 < pattern.Length && pattern[at + 1] == '<';
        while (at < pattern.Length && pattern[at] is not ')' && pattern[at] != (isNamed ? '>' : ':')) at++;
        if (at < pattern.Length && pattern[at] != ')') at++;
    }

    /// <summary>What is longer than two characters as it is written counts as nothing, and so does all that may belong to it.</summary>
    static int Escape(string pattern, ref int at)
    {
        char c = at < pattern.Length ? pattern[at++] : '\0';
        switch (c)
        {
            case 'b' or 'B' or 'A' or 'z' or 'Z' or 'G':
                return 0;
            case 'x':
                at = Math.Min(pattern.Length, at + 2);
                return 1;
            case 'u':
                at = Math.Min(pattern.Length, at + 4);
                return 1;
            case 'c':
                at = Math.Min(pattern.Length, at + 1);
                return 1;
            case 'p' or 'P':
                int close = pattern.IndexOf('}', at);
                at = close < 0 ? pattern.Length : close + 1;
                return 1;
            case >= '0' and <= '9' or 'k':
                at = pattern.Length + 1; // a reference, or an octal number
                return 0;
            default:
                return 1;
        }
    }

    /// <summary>How often the element before must come at least. Several quantifiers in a row are a lazy one, or no pattern.</summary>
    static int Repetitions(string pattern, ref int at)
    {
        int times = 1;
        while (at < pattern.Length)
        {
            switch (pattern[at])
            {
                case '*' or '?':
                    times = times == 1 || pattern[at] == '*' ? 0 : times;
                    at++;
                    break;
                case '+':
                    at++;
                    break;
                case '{' when Least(pattern, at, out int end) is { } least:
                    times = least;
                    at = end;
                    break;
                default:
                    return times;
            }
        }
        return times;
    }

    /// <summary>The smaller number of <c>{n}</c>, <c>{n,}</c> or <c>{n,m}</c>; null where it is none of them and so means itself.</summary>
    static int? Least(string pattern, int open, out int end)
    {
        int close = pattern.IndexOf('}', open);
        end = close + 1;
        if (close < 0) return null;
        ReadOnlySpan<char> inside = pattern.AsSpan(open + 1, close - open - 1);
        int comma = inside.IndexOf(',');
        if (comma >= 0 && inside[(comma + 1)..].ContainsAnyExceptInRange('0', '9')) return null;
        return int.TryParse(comma < 0 ? inside : inside[..comma], NumberStyles.None, CultureInfo.InvariantCulture, out int least) ? least : null;
    }
}
