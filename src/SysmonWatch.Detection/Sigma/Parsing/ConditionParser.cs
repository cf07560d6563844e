using System.IO.Enumeration;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Reads a condition.</summary>
/// <remarks>
/// Grammar: expr := and ("or" and)*; and := not ("and" not)*; not := "not" not | atom; atom := ("1" | "any" | "all") "of" (pattern | "them") |
/// identifier | "(" expr ")". Source: Sigma specification 2.1, "Condition". A selector that selects nothing is left out, as the reference
/// implementation does: <c>a and not 1 of filter_*</c> stays <c>a</c>. But nothing of nothing is true, and where the condition without it would match
/// what it then should not, as in <c>a and 1 of selection_*</c>, it is refused.
/// </remarks>
sealed class ConditionParser
{
    /// <summary>How deep a condition may nest.</summary>
    public const int MostDepth = 256;

    /// <summary>How many selections a condition may name in all, selectors counted with what they select.</summary>
    public const int MostReferences = 10_000;

    readonly List<ConditionToken> _tokens;
    readonly IReadOnlyList<RuleNode.Selection> _selections;
    readonly Action<int, string> _warn;
    readonly List<ConditionToken> _empty = [];
    int _next;
    int _depth;
    int _references;
    bool _isNegated;
    string? _error;
    int _errorAt;

    ConditionParser(string condition, IReadOnlyList<RuleNode.Selection> selections, Action<int, string> warn)
    {
        _tokens = ConditionToken.Split(condition);
        _selections = selections;
        _warn = warn;
    }

    /// <summary>Reads a condition over these selections.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="selections">The rule's search identifiers.</param>
    /// <param name="warn">Takes warnings with their place in the condition, from 0.</param>
    /// <param name="error">What is wrong; null where nothing is.</param>
    /// <param name="errorAt">Where, from 0.</param>
    /// <returns>The condition; null where it is wrong.</returns>
    public static RuleNode? Parse(
        string condition, IReadOnlyList<RuleNode.Selection> selections, Action<int, string> warn, out string? error, out int errorAt)
    {
        var parser = new ConditionParser(condition, selections, warn);
        RuleNode? node = parser.Expression().Node;
        if (parser._error is null && !parser.Current.IsEnd) parser.Fail(parser.Unexpected());
        if (parser._error is null && node is null) parser.Fail("the condition selects nothing: none of its patterns matches a search identifier");
        if (parser._error is null)
        {
            foreach (ConditionToken selector in parser._empty) warn(selector.At, $"'{selector.Text}' selects no search identifier and is left out; the detection has {parser.Names()}");
        }
        error = parser._error;
        errorAt = parser._errorAt;
        return error is null ? node : null;
    }

    ConditionToken Current => _tokens[_next];

    Part Expression() => Chain("or", () => Chain("and", Negation, p => new RuleNode.All(p)), p => new RuleNode.Any(p));

    Part Chain(string keyword, Func<Part> operand, Func<List<RuleNode>, RuleNode> join)
    {
        var parts = new List<RuleNode>();
        var empty = new List<Part>();
        do
        {
            Part part = operand();
            if (part.Node is null) empty.Add(part);
            else parts.Add(part.Node);
        }
        while (_error is null && TakeKeyword(keyword));
        // What is false makes an "and" false, what is true an "or" true; the other way round it changes nothing to leave it out.
        bool matters = keyword == "or";
        Part decisive = empty.FirstOrDefault(e => e.IsTrue == matters, empty.FirstOrDefault());
        if (parts.Count == 0) return decisive;
        if (empty.Count > 0 && decisive.IsTrue == matters && _isNegated == matters)
        {
            Fail($"'{decisive.Selector.Text}' selects no search identifier, and without it the condition would match more than it says; the detection has {Names()}", decisive.Selector.At);
        }
        return new Part(parts.Count == 1 ? parts[0] : join(parts));
    }

    Part Negation()
    {
        if (_error is not null) return default;
        if (++_depth > MostDepth)
        {
            Fail($"the condition nests deeper than {MostDepth}");
            return default;
        }
        Part part;
        if (TakeKeyword("not"))
        {
            _isNegated = !_isNegated;
            part = Negation();
            _isNegated = !_isNegated;
            part = part.Node is null ? part with { IsTrue = !part.IsTrue } : new Part(new RuleNode.Not(part.Node));
        }
        else
        {
            part = Atom();
        }
        _depth--;
        return part;
    }

    Part Atom()
    {
        ConditionToken token = Current;
        if (token.Text == "(")
        {
            _next++;
            Part inner = Expression();
            if (_error is null && Current.Text != ")") Fail("a parenthesis is not closed");
            _next++;
            return inner;
        }
        if (token.IsEnd || token.Text is ")" or "|" || IsOperator(token.Text))
        {
            Fail(Unexpected());
            return default;
        }
        if (Is(_tokens[_next + 1].Text, "of")) return Selector();
        _next++;
        RuleNode.Selection? selection = _selections.FirstOrDefault(s => s.Name == token.Text);
        if (selection is not null) return Count(1) ? new Part(selection) : default;
        _next--;
        RuleNode.Selection? other = _selections.FirstOrDefault(s => s.Name.Equals(token.Text, StringComparison.OrdinalIgnoreCase));
        Fail(other is not null ? $"'{token.Text}' is not defined; names are case-sensitive and the detection has '{other.Name}'"
            : token.Text.Contains('*', StringComparison.Ordinal) ? $"'{token.Text}' is not defined; a pattern needs '1 of' or 'all of' before it"
            : $"'{token.Text}' is not defined; the detection has {Names()}");
        return default;
    }

    Part Selector()
    {
        ConditionToken quantifier = Current;
        bool all = Is(quantifier.Text, "all");
        if (!all && quantifier.Text != "1" && !Is(quantifier.Text, "any"))
        {
            Fail($"'{quantifier.Text} of' is not Sigma; expected '1 of', 'any of' or 'all of'");
            return default;
        }
        WarnCase(quantifier, all ? "all" : "any");
        _next++;
        WarnCase(Current, "of");
        _next++;
        ConditionToken pattern = Current;
        if (pattern.IsEnd || pattern.Text is "(" or ")" or "|" || pattern.Text.AsSpan().ContainsAny('?', '[', ']'))
        {
            Fail("expected 'them' or a pattern of search identifiers with * after 'of'");
            return default;
        }
        _next++;
        bool them = Is(pattern.Text, "them") && !_selections.Any(s => s.Name == pattern.Text);
        if (them) WarnCase(pattern, "them");
        string written = them ? "them" : pattern.Text;
        RuleNode[] selected =
            [.. _selections.Where(s => them ? !s.Name.StartsWith('_') : (written.StartsWith('_') || !s.Name.StartsWith('_')) && Like(written, s.Name))];
        if (!Count(selected.Length)) return default;
        if (selected.Length == 0)
        {
            _empty.Add(pattern);
            return new Part(null, pattern);
        }
        if (selected.Length == 1) return new Part(selected[0]);
        return new Part(all ? new RuleNode.All(selected, $"all of {written}") : new RuleNode.Any(selected, $"1 of {written}"));
    }

    /// <summary>Only * is special; backslashes are not.</summary>
    static bool Like(string pattern, string name) =>
        FileSystemName.MatchesSimpleExpression(pattern.Replace("\\", "\\\\", StringComparison.Ordinal), name, ignoreCase: false);

    bool Count(int references)
    {
        _references += references;
        if (_references <= MostReferences) return true;
        Fail($"the condition names more than {MostReferences} selections");
        return false;
    }

    bool TakeKeyword(string keyword)
    {
        if (!Is(Current.Text, keyword) || _selections.Any(s => s.Name == Current.Text && s.Name != keyword)) return false;
        WarnCase(Current, keyword);
        _next++;
        return true;
    }

    void WarnCase(ConditionToken token, string keyword)
    {
        if (token.Text != keyword && Is(token.Text, keyword)) _warn(token.At, $"'{token.Text}' is taken as '{keyword}'; Sigma's operators are lower-case");
    }

    static bool Is(string text, string keyword) => text.Equals(keyword, StringComparison.OrdinalIgnoreCase);

    static bool IsOperator(string text) => text is "and" or "or" or "not";

    string Unexpected() => Current switch
    {
        { IsEnd: true } => "the condition ends where a search identifier is expected",
        { Text: "|" } => "the pipe of old aggregations (| count() …) is no longer Sigma; write a correlation rule",
        { Text: ")" } => "a closing parenthesis has no opening one, or nothing stands before it",
        var token when IsOperator(token.Text) => $"'{token.Text}' stands where a search identifier is expected",
        var token => $"'{token.Text}' is not expected here; expected 'and', 'or' or the end",
    };

    string Names() => _selections.Count == 0 ? "none" : string.Join(", ", _selections.Take(10).Select(s => s.Name)) + (_selections.Count > 10 ? ", …" : "");

    void Fail(string error, int? at = null)
    {
        if (_error is not null) return;
        _error = error;
        _errorAt = at ?? Current.At;
    }

    /// <summary>A part of the condition.</summary>
    /// <param name="Node">What it says; null where all its selectors select nothing.</param>
    /// <param name="Selector">The selector that selects nothing.</param>
    /// <param name="IsTrue">Of a part that selects nothing: false, or true under a "not".</param>
    readonly record struct Part(RuleNode? Node, ConditionToken Selector = default, bool IsTrue = false);
}
