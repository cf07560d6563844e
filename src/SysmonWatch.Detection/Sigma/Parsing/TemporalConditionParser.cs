using System.Text.RegularExpressions;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>
/// Reads an extended temporal condition: <c>or</c> binds weaker than <c>and</c>, that weaker than <c>not</c>; identifiers are the texts of
/// the correlation's references, and each of them must occur. For one use.
/// </summary>
/// <param name="text">The condition.</param>
/// <param name="rules">What it may refer to.</param>
/// <param name="error">Told position (characters from 0) and text of the first mistake.</param>
sealed partial class TemporalConditionParser(string text, IReadOnlyList<CorrelationReference> rules, Action<int, string> error)
{
    // The operator writes it, so this only keeps a mistake (or a joke) from overflowing the stack.
    const int Deepest = 100;

    readonly HashSet<int> _used = [];
    readonly List<(int Position, string Text)> _tokens = [];
    int _at;
    bool _failed;

    string? Current => _at < _tokens.Count ? _tokens[_at].Text : null;

    int Position => _at < _tokens.Count ? _tokens[_at].Position : text.Length;

    /// <summary>The tree, or null after <c>error</c> was told.</summary>
    public TemporalExpression? Parse()
    {
        foreach (Match match in Token.Matches(text)) _tokens.Add((match.Index, match.Value));
        TemporalExpression? tree = ParseOr(0);
        if (tree is not null && Current is { } rest) return Fail($"unexpected '{rest}' in the condition; expected 'and', 'or' or its end.");
        if (tree is null) return null;
        for (int i = 0; i < rules.Count; i++)
        {
            if (!_used.Contains(i)) return Fail($"the condition does not mention rule '{rules[i].Text}'; mention it or take it out of 'rules'.");
        }
        return tree;
    }

    TemporalExpression? ParseOr(int depth) => ParseList(depth, "or", ParseAnd, static list => new TemporalExpression.AnyOf(list));

    TemporalExpression? ParseAnd(int depth) => ParseList(depth, "and", ParseNot, static list => new TemporalExpression.AllOf(list));

    TemporalExpression? ParseList(int depth, string word, Func<int, TemporalExpression?> next, Func<IReadOnlyList<TemporalExpression>, TemporalExpression> make)
    {
        if (depth > Deepest) return Fail($"the condition is nested more than {Deepest} deep.");
        if (next(depth) is not { } first) return null;
        List<TemporalExpression> list = [first];
        while (Is(word))
        {
            _at++;
            if (next(depth) is not { } more) return null;
            list.Add(more);
        }
        return list.Count == 1 ? first : make(list);
    }

    TemporalExpression? ParseNot(int depth)
    {
        if (!Is("not")) return ParseAtom(depth);
        _at++;
        if (depth > Deepest) return Fail($"the condition is nested more than {Deepest} deep.");
        return ParseNot(depth + 1) is { } operand ? new TemporalExpression.Negation(operand) : null;
    }

    TemporalExpression? ParseAtom(int depth)
    {
        if (Current is not { } token) return Fail("the condition ends where a rule was expected.");
        if (token == "(")
        {
            _at++;
            if (ParseOr(depth + 1) is not { } inner) return null;
            if (Current != ")") return Fail("a ')' is missing in the condition.");
            _at++;
            return inner;
        }
        if (token == ")" || Is("and") || Is("or")) return Fail($"unexpected '{token}' in the condition; expected the id or name of a rule.");
        int rule = rules.Index().Where(r => r.Item.Text == token).Select(r => r.Index).DefaultIfEmpty(-1).First();
        if (rule < 0) return Fail($"the condition names '{token}', which is not in 'rules'; there: {string.Join(", ", rules.Select(r => r.Text))}.");
        _used.Add(rule);
        _at++;
        return new TemporalExpression.Matched(rule);
    }

    // Operators in capitals are understood too, unless a rule has that name.
    bool Is(string word) =>
        Current is { } token && (token == word || (token.Equals(word, StringComparison.OrdinalIgnoreCase) && !rules.Any(r => r.Text == token)));

    TemporalExpression? Fail(string problem)
    {
        if (!_failed) error(Position, problem);
        _failed = true;
        return null;
    }

    [GeneratedRegex(@"[()]|[^\s()]+", RegexOptions.CultureInvariant)]
    static partial Regex Token { get; }
}
