using System.Globalization;
using System.Text;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>
/// Writes a rule's regular expression, which is PCRE, in .NET's dialect over a <see cref="RegexAlphabet"/>. For one use.
/// </summary>
/// <remarks>
/// \d \w \s and POSIX classes are ASCII, \h is a blank, (?P&lt;name&gt; a group, and [ within a class is itself. Case is folded here, not by the runtime:
/// as everywhere in Sigma no character outside ASCII equals an ASCII one, and \W is no more without case than with it. What is no character (groups, quantifiers, anchors)
/// is left as it is; the runtime says what is wrong with it.
/// </remarks>
sealed class RegexTranslator
{
    const string PosixNames = "alpha, digit, alnum, upper, lower, xdigit, space, blank, punct, word, cntrl, print, graph, ascii";

    readonly string _pattern;
    // What is no set of characters stands here as it is.
    readonly List<(string Text, CodePointSet? Set)> _pieces = [];
    readonly Stack<(bool IgnoresCase, bool IsExtended)> _groups = [];
    int _at;
    bool _ignoresCase;
    bool _isExtended;
    string? _reason;

    RegexTranslator(string pattern, bool ignoresCase) => (_pattern, _ignoresCase) = (pattern, ignoresCase);

    /// <summary>The expression in .NET's dialect, to be matched with no option about case; null, with the reason, where it has none.</summary>
    public static string? Translate(string pattern, bool ignoresCase, out RegexAlphabet? alphabet, out string? reason)
    {
        var translator = new RegexTranslator(pattern, ignoresCase);
        translator.ReadAll();
        alphabet = RegexAlphabet.Of(translator._pieces.Select(p => p.Set).OfType<CodePointSet>());
        reason = translator._reason ?? (alphabet is null ? "tells too many different characters apart; use fewer of \\p{…}" : null);
        if (reason is not null) return null;
        var result = new StringBuilder(pattern.Length + 16);
        foreach ((string text, CodePointSet? set) in translator._pieces)
        {
            if (set is null) result.Append(text);
            else Append(result, set, alphabet!);
        }
        return result.ToString();
    }

    void ReadAll()
    {
        while (_at < _pattern.Length && _reason is null)
        {
            char c = _pattern[_at];
            switch (c)
            {
                case '\\' when _at + 1 < _pattern.Length:
                    ReadEscape();
                    break;
                case '[':
                    ReadClass();
                    break;
                case '(':
                    ReadGroup();
                    break;
                case ')':
                    if (_groups.TryPop(out (bool, bool) outside)) (_ignoresCase, _isExtended) = outside;
                    Keep(1);
                    break;
                case '#' when _isExtended:
                    int end = _pattern.IndexOf('\n', _at);
                    _at = end < 0 ? _pattern.Length : end;
                    break;
                case '.' or '^' or '$' or '*' or '+' or '?' or '{' or '}' or '|':
                    Keep(1);
                    break;
                default:
                    Literal(NextCharacter());
                    break;
            }
        }
    }

    void ReadGroup()
    {
        _groups.Push((_ignoresCase, _isExtended));
        ReadOnlySpan<char> rest = _pattern.AsSpan(_at);
        if (rest.StartsWith("(?#"))
        {
            int end = _pattern.IndexOf(')', _at);
            Keep((end < 0 ? _pattern.Length : end) - _at);
        }
        else if (rest.StartsWith("(?P<") || rest.StartsWith("(?'") || (rest.StartsWith("(?<") && rest.Length > 3 && rest[3] is not ('=' or '!')))
        {
            bool isPython = rest[2] == 'P';
            int end = _pattern.IndexOf(rest[2] == '\'' ? '\'' : '>', _at + 3);
            if (isPython) Keep("(?");
            if (isPython) _at += 3;
            Keep((end < 0 ? _pattern.Length : end + 1) - _at);
        }
        else if (rest.StartsWith("(?"))
        {
            int flags = 2;
            while (flags < rest.Length && rest[flags] is >= 'a' and <= 'z' or '-') flags++;
            if (flags < rest.Length && rest[flags] is ':' or ')' && flags > 2) ReadFlags(rest[2..flags].ToString(), rest[flags] == ')');
            else Keep(Math.Min(rest.Length, rest.StartsWith("(?<") ? 4 : 3));
        }
        else
        {
            Keep(1);
        }
    }

    void ReadFlags(string flags, bool isForTheRest)
    {
        _at += 2 + flags.Length + 1;
        string[] sides = flags.Split('-', 2);
        if (sides[0].Contains('i', StringComparison.Ordinal)) _ignoresCase = true;
        if (sides[0].Contains('x', StringComparison.Ordinal)) _isExtended = true;
        if (sides.Length > 1 && sides[1].Contains('i', StringComparison.Ordinal)) _ignoresCase = false;
        if (sides.Length > 1 && sides[1].Contains('x', StringComparison.Ordinal)) _isExtended = false;
        string left = flags.Replace("i", "", StringComparison.Ordinal).TrimEnd('-');
        if (!isForTheRest) Keep($"(?{left}:");
        else Keep(left.Length > 0 ? $"(?{left})" : "(?-i)");
        // The parenthesis that ends flags ends no group.
        if (isForTheRest) _groups.Pop();
    }

    void ReadEscape()
    {
        char c = _pattern[_at + 1];
        if (Shorthand(c) is { } set)
        {
            _at += 2;
            _pieces.Add(("", set));
        }
        else if (c is 'p' or 'P')
        {
            if (ReadCategory() is { } category) _pieces.Add(("", category));
        }
        else if (c is 'k')
        {
            int end = _at + 2 < _pattern.Length ? _pattern.IndexOf(_pattern[_at + 2] switch { '<' => '>', '{' => '}', var quote => quote }, _at + 3) : -1;
            Keep((end < 0 ? _pattern.Length : end + 1) - _at);
        }
        else if (c is 'x' or 'u' or '0' or '_' or '<' or '>' or ' ' or '#' || !char.IsAscii(c))
        {
            if (ReadEscapedCharacter() is { } character) Literal(character, isEscaped: true);
        }
        else
        {
            Keep(c == 'c' ? Math.Min(3, _pattern.Length - _at) : 2);
        }
    }

    void ReadClass()
    {
        int open = _at++;
        if (_at < _pattern.Length && _pattern[_at] == ':' && _pattern.IndexOf(":]", _at + 1, StringComparison.Ordinal) is var end and > 0 && _pattern[(_at + 1)..end].All(char.IsAsciiLetter))
        {
            _reason = $"has [:{_pattern[(_at + 1)..end]}:] outside of a class; write [[:{_pattern[(_at + 1)..end]}:]]";
            return;
        }
        bool isNegated = Take('^');
        var set = new CodePointSet();
        for (bool isFirst = true; ; isFirst = false)
        {
            if (_reason is not null) return;
            if (_at >= _pattern.Length)
            {
                _reason = $"is not a regular expression: the class that begins with {_pattern[open..Math.Min(open + 10, _pattern.Length)]} has no ]";
                return;
            }
            if (!isFirst && Take(']')) break;
            if (ReadMember(set) is not { } from) continue;
            if (_at + 1 >= _pattern.Length || _pattern[_at] != '-' || _pattern[_at + 1] == ']')
            {
                set.Add(from, from);
                continue;
            }
            _at++;
            var others = new CodePointSet();
            int? to = ReadMember(others);
            if (to < from) _reason = $"is not a regular expression: the range {new Rune(from)}-{new Rune(to.Value)} is in reverse order";
            else if (to is not null) set.Add(from, to.Value);
            if (to is not null) continue;
            // [a-\d] is an a, a hyphen and digits.
            set.Add(from, from);
            set.Add('-', '-');
            set.Add(others);
        }
        if (_ignoresCase) set = set.WithoutCase();
        _pieces.Add(("", isNegated ? set.Complement() : set));
    }

    /// <summary>One character of a class; null for several, which are added to the set.</summary>
    int? ReadMember(CodePointSet set)
    {
        char c = _pattern[_at];
        if (c == '[' && _at + 1 < _pattern.Length && _pattern[_at + 1] is ':' or '.' or '=' && _pattern.IndexOf($"{_pattern[_at + 1]}]", _at + 2, StringComparison.Ordinal) is var end and > 0)
        {
            string name = _pattern[(_at + 2)..end];
            if (!name.All(n => char.IsAsciiLetter(n) || n == '^') || name.Length == 0) return NextCharacter();
            if (_pattern[_at + 1] != ':' || Posix(name.TrimStart('^')) is not { } posix)
            {
                _reason = $"has {_pattern[_at..(end + 2)]}, which is no known class; known: {PosixNames}";
                return null;
            }
            set.Add(name[0] == '^' ? posix.Complement() : posix);
            _at = end + 2;
            return null;
        }
        if (c != '\\' || _at + 1 >= _pattern.Length) return NextCharacter();
        char escaped = _pattern[_at + 1];
        if (Shorthand(escaped) is { } shorthand)
        {
            _at += 2;
            set.Add(shorthand);
            return null;
        }
        if (escaped is not ('p' or 'P')) return ReadEscapedCharacter();
        if (ReadCategory() is { } category) set.Add(category);
        return null;
    }

    /// <summary>The character of an escape that stands for one; null, with a reason, where it stands for none.</summary>
    int? ReadEscapedCharacter()
    {
        char c = _pattern[_at + 1];
        _at += 2;
        switch (c)
        {
            case 'x' when _at < _pattern.Length && _pattern[_at] == '{':
                int close = _pattern.IndexOf('}', _at);
                return close < 0 ? Wrong("\\x{") : Code(_pattern[(_at + 1)..close], NumberStyles.AllowHexSpecifier, close + 1 - _at);
            case 'x': return Code(Ahead(2), NumberStyles.AllowHexSpecifier, 2);
            case 'u': return Code(Ahead(4), NumberStyles.AllowHexSpecifier, 4);
            case >= '0' and <= '7':
                int value = c - '0';
                for (int digits = 1; digits < 3 && _at < _pattern.Length && _pattern[_at] is >= '0' and <= '7'; digits++) value = value * 8 + _pattern[_at++] - '0';
                return value;
            case 'c' when _at < _pattern.Length: return char.ToUpperInvariant(_pattern[_at++]) & 0x1F;
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'a': return '\a';
            case 'e': return 0x1B;
            case 'b': return '\b';
            case var letter when char.IsAsciiLetterOrDigit(letter): return Wrong($"\\{c}");
            default:
                _at--;
                return NextCharacter();
        }

        int? Code(string digits, NumberStyles style, int length)
        {
            _at += length;
            if (int.TryParse(digits, style, CultureInfo.InvariantCulture, out int code) && Rune.IsValid(code)) return code;
            return Wrong($"\\{c}{digits}");
        }

        int? Wrong(string escape)
        {
            _reason = $"is not a regular expression: {escape} is no character";
            return null;
        }
    }

    string Ahead(int length) => _pattern[_at..Math.Min(_pattern.Length, _at + length)];

    /// <summary>\p{L}, \P{L} or \p{^L}.</summary>
    CodePointSet? ReadCategory()
    {
        int close = _pattern.IndexOf('}', _at);
        bool isBraced = _at + 2 < _pattern.Length && _pattern[_at + 2] == '{' && close > 0;
        string name = isBraced ? _pattern[(_at + 3)..close] : _pattern[Math.Min(_pattern.Length, _at + 2)..Math.Min(_pattern.Length, _at + 3)];
        bool isNegated = _pattern[_at + 1] == 'P' ^ name.StartsWith('^');
        if (CodePointSet.OfCategory(name.TrimStart('^')) is not { } set)
        {
            _reason = $"has {_pattern[_at..(isBraced ? close + 1 : Math.Min(_pattern.Length, _at + 3))]}, which is no general category of Unicode such as \\p{{L}} or \\p{{Nd}}";
            return null;
        }
        _at = isBraced ? close + 1 : _at + 3;
        return isNegated ? set.Complement() : set;
    }

    int NextCharacter()
    {
        Rune.DecodeFromUtf16(_pattern.AsSpan(_at), out Rune rune, out int length);
        _at += length;
        return rune.Value;
    }

    void Literal(int character, bool isEscaped = false)
    {
        var set = CodePointSet.Of(character, character);
        if (_ignoresCase) set = set.WithoutCase();
        // As it is written, so that what it stands in can be any construct of the runtime's.
        if (!isEscaped && character < 0x80 && set.Single is not null) Keep(((char)character).ToString());
        else _pieces.Add(("", set));
    }

    bool Take(char c)
    {
        if (_at >= _pattern.Length || _pattern[_at] != c) return false;
        _at++;
        return true;
    }

    void Keep(int length)
    {
        Keep(_pattern.Substring(_at, length));
        _at += length;
    }

    void Keep(string text) => _pieces.Add((text, null));

    static void Append(StringBuilder result, CodePointSet set, RegexAlphabet alphabet)
    {
        (int From, int To)[] units = [.. alphabet.Units(set)];
        if (units is [var (only, last)] && only == last)
        {
            AppendUnit(result, only);
            return;
        }
        // A class without members is none that the runtime knows.
        result.Append(units.Length == 0 ? @"[^\u0000-\uFFFF" : "[");
        foreach ((int from, int to) in units)
        {
            AppendUnit(result, from);
            if (to > from) AppendUnit(to > from + 1 ? result.Append('-') : result, to);
        }
        result.Append(']');
    }

    /// <summary>An escaped hyphen begins no range in .NET, so it is written as a number.</summary>
    static void AppendUnit(StringBuilder result, int unit)
    {
        if (unit < 0x80 && char.IsAsciiLetterOrDigit((char)unit)) result.Append((char)unit);
        else if (unit is > ' ' and < 0x7F and not ('_' or '-')) result.Append('\\').Append((char)unit);
        else if (unit == '_') result.Append('_');
        else result.Append(CultureInfo.InvariantCulture, $"\\u{unit:X4}");
    }

    static CodePointSet? Shorthand(char c) => c switch
    {
        'd' => Posix("digit"),
        'w' => Posix("word"),
        's' => Posix("space"),
        'h' => Posix("blank"),
        'D' or 'W' or 'S' or 'H' => Shorthand(char.ToLowerInvariant(c))!.Complement(),
        _ => null,
    };

    static CodePointSet? Posix(string name) => name switch
    {
        "alpha" => CodePointSet.Of('A', 'Z', 'a', 'z'),
        "digit" => CodePointSet.Of('0', '9'),
        "alnum" => CodePointSet.Of('0', '9', 'A', 'Z', 'a', 'z'),
        "upper" => CodePointSet.Of('A', 'Z'),
        "lower" => CodePointSet.Of('a', 'z'),
        "xdigit" => CodePointSet.Of('0', '9', 'A', 'F', 'a', 'f'),
        "space" => CodePointSet.Of('\t', '\r', ' ', ' '),
        "blank" => CodePointSet.Of('\t', '\t', ' ', ' '),
        "punct" => CodePointSet.Of('!', '/', ':', '@', '[', '`', '{', '~'),
        "word" => CodePointSet.Of('0', '9', 'A', 'Z', '_', '_', 'a', 'z'),
        "cntrl" => CodePointSet.Of(0, 0x1F, 0x7F, 0x7F),
        "print" => CodePointSet.Of(' ', '~'),
        "graph" => CodePointSet.Of('!', '~'),
        "ascii" => CodePointSet.Of(0, 0x7F),
        _ => null,
    };
}
