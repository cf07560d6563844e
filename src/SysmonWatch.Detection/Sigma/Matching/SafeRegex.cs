using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>
/// Compiles a rule's regular expression so that no value can make it run away, or says why that is impossible: rules come from operators, the
/// values from attackers.
/// </summary>
/// <remarks>
/// The rule's dialect is PCRE; .NET's differs in small things, which are rewritten: \d \w \s and POSIX classes are ASCII, \h is a blank,
/// (?P&lt;name&gt; a group, and [ within a class is itself. Lookarounds, backreferences, atomic groups and possessive quantifiers need backtracking.
/// </remarks>
static class SafeRegex
{
    /// <summary>The longest expression, in characters.</summary>
    public const int LongestPattern = 8192;

    /// <summary>
    /// The largest automaton, in nodes by <see cref="LargestAutomaton"/>, for which nothing needs to be tried: the runtime refuses one of 10,000,
    /// and counts a little differently.
    /// </summary>
    const long SurelySmall = 3000;

    const string RepeatsTooMuch =
        "repeats too much: a count is at most 1,000, and counts within counts multiply, or matching it would need too much memory";

    const string Hours = "which needs backtracking, and an attacker's value could make that run for hours";

    /// <summary>Finds out whether an expression can be compiled, without the cost of doing so where that is certain.</summary>
    /// <param name="pattern">As the rule says it.</param>
    /// <param name="flags">The rule's flags.</param>
    /// <param name="test">The test; null where it is refused.</param>
    /// <param name="reason">Why it is refused, for the operator; null otherwise.</param>
    public static bool TryCompile(string pattern, RegexOptions flags, out RegexTest? test, out string? reason)
    {
        test = null;
        reason = Check(pattern);
        if (reason is not null) return false;
        string translated = Translate(pattern);
        try
        {
            // Without the option this only reads the expression, which finds all that is wrong with its writing.
            _ = new Regex(translated, flags | RegexOptions.CultureInvariant);
            test = new RegexTest(translated, flags | RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            if (MayNeedBacktracking(translated) || LargestAutomaton(translated) > SurelySmall) test.Prepare();
            return true;
        }
        catch (RegexParseException wrong) when (wrong.Error == RegexParseError.NestedQuantifiersNotParenthesized && wrong.Offset > 0 && translated[wrong.Offset - 1] == '+')
        {
            reason = $"'{OneLine(pattern)}' has a possessive quantifier, {Hours}; write one {translated[wrong.Offset - 2]} instead of its two characters";
        }
        catch (ArgumentException wrong)
        {
            // The runtime's message has the translated expression and a place in it before what is wrong.
            reason = $"'{OneLine(pattern)}' is not a regular expression: {wrong.Message[(wrong.Message.LastIndexOf("at offset ", StringComparison.Ordinal) + 1)..].Split(". ", 2)[^1]}";
        }
        catch (NotSupportedException) when (!MayNeedBacktracking(translated))
        {
            reason = $"'{OneLine(pattern)}' {RepeatsTooMuch}";
        }
        catch (NotSupportedException)
        {
            reason = $"'{OneLine(pattern)}' can only be matched by backtracking (lookaround, backreference or atomic group), which an attacker's value could make run for hours; rewrite it without";
        }
        test = null;
        return false;
    }

    /// <summary>
    /// True where something is written that only backtracking can match, or might be: any group but a plain, a named one or flags, and any escape that
    /// could refer to a group or to the last match.
    /// </summary>
    static bool MayNeedBacktracking(string pattern)
    {
        for (int i = 0; i + 1 < pattern.Length; i++)
        {
            char next = pattern[i + 1];
            if (pattern[i] == '\\')
            {
                if (char.IsAsciiDigit(next) || next is 'k' or 'g' or 'G') return true;
                i++;
            }
            else if (pattern[i] == '(' && next == '?')
            {
                string kind = pattern[(i + 2)..Math.Min(pattern.Length, i + 4)];
                bool harmless = kind.Length == 2 && (kind[0] is ':' or 'i' or 'm' or 's' || (kind[0] == '<' && kind[1] is not ('=' or '!')));
                if (!harmless) return true;
            }
        }
        return false;
    }

    /// <summary>
    /// No fewer nodes than the runtime's automaton for a pattern has: what is repeated counts as often as it may come, and once more where that is
    /// without end, so that repetitions within repetitions multiply.
    /// </summary>
    static long LargestAutomaton(string pattern)
    {
        const long Most = long.MaxValue / 4096;
        var groups = new Stack<long>();
        long nodes = 0;
        for (int i = 0; i < pattern.Length; i++)
        {
            long last = 1;
            switch (pattern[i])
            {
                case '(':
                    groups.Push(nodes);
                    nodes = 0;
                    continue;
                case ')' when groups.TryPop(out long outside):
                    last = nodes + 1;
                    nodes = outside;
                    break;
                case '[':
                    i = EndOfClass(pattern, i);
                    break;
                case '\\':
                    i++;
                    break;
            }
            // Several quantifiers in a row are no pattern, or a lazy one: it is no harm to count them all.
            for (; i + 1 < pattern.Length && Repetitions(pattern, i + 1, out int end) is { } times; i = end) last = Math.Min(Most, last * times);
            nodes = Math.Min(Most, nodes + last);
        }
        foreach (long outside in groups) nodes = Math.Min(Most, nodes + outside);
        return nodes;
    }

    static long? Repetitions(string pattern, int at, out int end)
    {
        end = at;
        if (pattern[at] is '*' or '+' or '?') return 2;
        if (pattern[at] != '{' || MostOf(pattern, at) is not { } most) return null;
        end = pattern.IndexOf('}', at);
        return most + 1;
    }

    /// <summary>The place of the ] that ends a class, of a pattern in .NET's dialect, where every ] within one is escaped.</summary>
    static int EndOfClass(string pattern, int open)
    {
        int i = open + 1;
        while (i < pattern.Length && pattern[i] != ']') i += pattern[i] == '\\' ? 2 : 1;
        return Math.Min(i, pattern.Length - 1);
    }

    /// <summary>A message has one line, whatever the expression is written in.</summary>
    static string OneLine(string pattern) => pattern.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>The expression in .NET's dialect.</summary>
    public static string Translate(string pattern)
    {
        var result = new StringBuilder(pattern.Length + 16);
        bool inClass = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '\\' && i + 1 < pattern.Length)
            {
                i = Escape(pattern, i + 1, inClass, result);
            }
            else if (inClass)
            {
                i = InClass(pattern, i, result, ref inClass);
            }
            else if (c == '[')
            {
                inClass = true;
                result.Append(c);
                if (i + 1 < pattern.Length && pattern[i + 1] == '^') result.Append(pattern[++i]);
                if (i + 1 < pattern.Length && pattern[i + 1] == ']') { result.Append("\\]"); i++; }
            }
            else if (c == '(' && pattern.AsSpan(i).StartsWith("(?P<"))
            {
                result.Append("(?<");
                i += 3;
            }
            else
            {
                result.Append(c);
            }
        }
        return result.ToString();
    }

    static int InClass(string pattern, int i, StringBuilder result, ref bool inClass)
    {
        char c = pattern[i];
        if (c == '[' && Posix(pattern, i) is { } posix)
        {
            result.Append(posix.Ranges);
            return i + posix.Length - 1;
        }
        if (c == ']') inClass = false;
        if (c == '[') result.Append('\\');
        result.Append(c);
        return i;
    }

    static int Escape(string pattern, int i, bool inClass, StringBuilder result)
    {
        char c = pattern[i];
        string? ranges = c switch
        {
            'd' => "0-9",
            'D' => @"\x00-/:-\uFFFF",
            'w' => "0-9A-Z_a-z",
            'W' => @"\x00-/:-@\[-\^`{-\uFFFF",
            's' => @"\t-\r ",
            'S' => @"\x00-\x08\x0E-\x1F!-\uFFFF",
            'h' => @"\t ",
            _ => null,
        };
        if (ranges is not null)
        {
            result.Append(inClass ? ranges : $"[{ranges}]");
        }
        else if (c == 'x' && i + 1 < pattern.Length && pattern[i + 1] == '{' && pattern.IndexOf('}', i) is var close and > 0
            && int.TryParse(pattern.AsSpan(i + 2, close - i - 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code) && code <= 0xFFFF)
        {
            result.Append(CultureInfo.InvariantCulture, $"\\u{code:X4}");
            return close;
        }
        else if (c is '_' or '<' or '>')
        {
            result.Append(c);
        }
        else
        {
            result.Append('\\').Append(c);
        }
        return i;
    }

    static (string Ranges, int Length)? Posix(string pattern, int i)
    {
        ReadOnlySpan<char> rest = pattern.AsSpan(i);
        if (!rest.StartsWith("[:")) return null;
        int end = rest.IndexOf(":]");
        if (end < 0) return null;
        string? ranges = rest[2..end] switch
        {
            "alpha" => "A-Za-z",
            "digit" => "0-9",
            "alnum" => "0-9A-Za-z",
            "upper" => "A-Z",
            "lower" => "a-z",
            "xdigit" => "0-9A-Fa-f",
            "space" => @"\t-\r ",
            "blank" => @"\t ",
            "punct" => @"!-/:-@\[-`{-~",
            "word" => "0-9A-Z_a-z",
            "cntrl" => @"\x00-\x1F\x7F",
            "print" => " -~",
            "graph" => "!-~",
            _ => null,
        };
        return ranges is null ? null : (ranges, end + 2);
    }

    /// <summary>What .NET would take in another sense, or would need too much memory for.</summary>
    static string? Check(string pattern)
    {
        if (pattern.Length > LongestPattern) return $"the regular expression has {pattern.Length} characters; at most {LongestPattern} are taken";
        long repetitions = 1;
        bool inClass = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '\\') { i++; continue; }
            if (inClass) { inClass = c != ']'; continue; }
            if (c == '[') { inClass = true; if (i + 1 < pattern.Length && pattern[i + 1] == ']') i++; continue; }
            if (c != '{' || MostOf(pattern, i) is not { } most) continue;
            repetitions *= Math.Max(1, most);
            if (most > 1000 || repetitions > 100_000_000)
            {
                return $"'{OneLine(pattern)}' {RepeatsTooMuch}";
            }
        }
        return null;
    }

    /// <summary>The larger number of <c>{n}</c>, <c>{n,}</c> or <c>{n,m}</c>; null where it is none of them.</summary>
    static int? MostOf(string pattern, int open)
    {
        int close = pattern.IndexOf('}', open);
        if (close < 0) return null;
        int most = 0;
        foreach (Range range in pattern.AsSpan(open + 1, close - open - 1).Split(','))
        {
            ReadOnlySpan<char> number = pattern.AsSpan(open + 1, close - open - 1)[range];
            if (number.IsEmpty) continue;
            if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int value)) return null;
            most = Math.Max(most, value);
        }
        return most;
    }
}
