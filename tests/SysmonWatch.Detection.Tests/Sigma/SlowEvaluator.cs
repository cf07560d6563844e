using System.Text;
using System.Text.RegularExpressions;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>
/// The obvious way to match a rule: walks its tree, with strings and backtracking expressions made of text patterns. The compiled engine must say
/// the same. Knows valid UTF-8 only.
/// </summary>
sealed class SlowEvaluator(bool dashIsNull)
{
    readonly Dictionary<TextTest, Regex> _patterns = [];
    readonly Dictionary<string, string> _folded = [];
    readonly MatchScratch _scratch = new() { DashIsNull = dashIsNull };

    public bool Matches(RuleNode node, FieldedEvent e) => Matches(node, e, negative: false);

    /// <summary>Under a negation, what repairs brought is not looked at.</summary>
    bool Matches(RuleNode node, FieldedEvent e, bool negative)
    {
        switch (node)
        {
            case RuleNode.Selection selection: return Matches(selection.Body, e, negative);
            case RuleNode.Not not: return !Matches(not.Part, e, !negative);
            case RuleNode.All all: return all.Parts.All(p => Matches(p, e, negative));
            case RuleNode.Any any: return any.Parts.Any(p => Matches(p, e, negative));
            case RuleNode.Item item:
                bool asWritten = negative != item.Negated;
                bool Holds(ItemValue v) => Matches(item, v.Test, e, asWritten);
                return item.Negated ^ (item.NeedsAll ? item.Values.All(Holds) : item.Values.Any(Holds));
            default: throw new InvalidOperationException();
        }
    }

    bool Matches(RuleNode.Item item, ValueTest test, FieldedEvent e, bool asWritten)
    {
        List<(ValueKind Kind, string Text)> values = item.IsKeyword ? All(e) : Values(e, item.Field, asWritten);
        ValueKind kind = e.Find(item.Field, out _);
        _scratch.AsWritten = asWritten;
        return test switch
        {
            ExistsTest exists => exists.Expected == (kind != ValueKind.Absent),
            NullTest => IsNull(Values(e, item.Field, asWritten: true), kind),
            AnyTest any => any.Variants.Any(v => Matches(item, v, e, asWritten)),
            TextTest text => values.Any(v => Pattern(text).IsMatch(text.Cased ? v.Text : Folded(v.Text))),
            _ => values.Any(v => test.Matches(e, v.Kind, Encoding.UTF8.GetBytes(v.Text), _scratch)),
        };
    }

    bool IsNull(List<(ValueKind Kind, string Text)> written, ValueKind kind) =>
        written.Count == 0 || (dashIsNull && written is [(ValueKind.Text, "-")] && kind == ValueKind.Text);

    static List<(ValueKind, string)> All(FieldedEvent e)
    {
        var values = new List<(ValueKind, string)>();
        for (int i = 0; i < e.FieldCount; i++)
        {
            ValueKind kind = e.At(i, out _, out ReadOnlySpan<byte> value);
            if (kind > ValueKind.Null) values.Add((kind, Encoding.UTF8.GetString(value)));
        }
        return values;
    }

    static List<(ValueKind, string)> Values(FieldedEvent e, FieldId field, bool asWritten)
    {
        var values = new List<(ValueKind, string)>();
        ValueKind kind = e.Find(field, out ReadOnlySpan<byte> value);
        if (kind > ValueKind.Null) values.Add((kind, Encoding.UTF8.GetString(value)));
        for (int i = 0; e.TryAlternative(field, i, out value); i++)
        {
            if (!asWritten || e.RepairOf(field, i) is null) values.Add((ValueKind.Text, Encoding.UTF8.GetString(value)));
        }
        return values;
    }

    Regex Pattern(TextTest test)
    {
        if (_patterns.TryGetValue(test, out Regex? known)) return known;
        var pattern = new StringBuilder("\\A");
        foreach (PatternPart part in test.Parts)
        {
            pattern.Append(part.Kind switch
            {
                PartKind.Any => @"[\s\S]*",
                PartKind.One => @"(?>[\uD800-\uDBFF][\uDC00-\uDFFF]|[\s\S])",
                PartKind.Dash => "[-/–—―]",
                _ => Regex.Escape(Encoding.UTF8.GetString(part.Literal)),
            });
        }
        return _patterns[test] = new Regex(pattern.Append("\\z").ToString(), RegexOptions.CultureInvariant);
    }

    string Folded(string text)
    {
        if (_folded.TryGetValue(text, out string? known)) return known;
        if (_folded.Count > 10_000) _folded.Clear();
        return _folded[text] = Fold(text);
    }

    static string Fold(string text) => string.Concat(text.EnumerateRunes().Select(r =>
        r.IsAscii ? Rune.ToLowerInvariant(r) : Rune.ToUpperInvariant(r).IsAscii ? r : Rune.ToUpperInvariant(r)));
}
