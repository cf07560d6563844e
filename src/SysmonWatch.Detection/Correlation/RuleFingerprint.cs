using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Correlation;

/// <summary>
/// Tells whether a rule still means what it meant when a snapshot was written: a hash of all that decides what it matches, and of what it
/// refers to. Title, level and the like may change.
/// </summary>
static class RuleFingerprint
{
    /// <summary>Bytes of one.</summary>
    public const int Length = SHA256.HashSizeInBytes;

    /// <summary>Of each rule and then of each correlation.</summary>
    public static byte[][] OfAll(RuleSet rules)
    {
        var all = new byte[]?[rules.Rules.Count + rules.Correlations.Count];
        IReadOnlyList<string>[] inherited = InheritedFields.Of(rules.Correlations);
        for (int i = 0; i < all.Length; i++) Of(rules, i, inherited, all, 0);
        return all!;
    }

    static byte[] Of(RuleSet rules, int index, IReadOnlyList<string>[] inherited, byte[]?[] known, int depth)
    {
        if (known[index] is { } done) return done;
        if (index < rules.Rules.Count) return known[index] = Of(rules.Rules[index]);
        CorrelationRule rule = rules.Correlations[index - rules.Rules.Count];
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{rule.Metadata.Id}\n{rule.Type} {rule.Timespan} {rule.Percentile}\n");
        foreach (string field in rule.GroupBy) text.Append(CultureInfo.InvariantCulture, $"by {field}\n");
        foreach (string field in rule.Fields) text.Append(CultureInfo.InvariantCulture, $"of {field}\n");
        foreach (string field in inherited[index - rules.Rules.Count]) text.Append(CultureInfo.InvariantCulture, $"keeps {field}\n");
        foreach (CorrelationComparison c in rule.Comparisons) text.Append(CultureInfo.InvariantCulture, $"{c.Operator} {c.Value}\n");
        foreach (CorrelationAlias alias in rule.Aliases)
        {
            foreach ((int of, string field) in alias.Fields) text.Append(CultureInfo.InvariantCulture, $"alias {alias.Name} {of} {field}\n");
        }
        if (rule.Expression is not null) Append(text, rule.Expression);
        foreach (CorrelationReference reference in rule.Rules)
        {
            int target = reference.Rule >= 0 ? reference.Rule : rules.Rules.Count + reference.Correlation;
            text.Append(depth > 64 ? "?" : Convert.ToHexString(Of(rules, target, inherited, known, depth + 1))).Append('\n');
        }
        return known[index] = Hash(text.ToString());
    }

    static byte[] Of(SigmaRule rule)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{rule.Metadata.Id}\n{rule.LogSource}\n");
        Append(text, rule.Condition);
        return Hash(text.ToString());
    }

    // What a value's pattern says is the value with all its modifiers.
    static void Append(StringBuilder text, RuleNode node)
    {
        switch (node)
        {
            case RuleNode.Selection named:
                text.Append(CultureInfo.InvariantCulture, $"{named.Name}:");
                Append(text, named.Body);
                break;
            case RuleNode.Not not:
                text.Append("not ");
                Append(text, not.Part);
                break;
            case RuleNode.All all:
                AppendList(text, "all", all.Parts);
                break;
            case RuleNode.Any any:
                AppendList(text, "any", any.Parts);
                break;
            case RuleNode.Item item:
                text.Append(CultureInfo.InvariantCulture, $"{item.Field.Name} {item.NeedsAll} {item.Negated}[");
                foreach (ItemValue value in item.Values) text.Append(CultureInfo.InvariantCulture, $"{value.Pattern.Length}:{value.Pattern},");
                text.Append(']');
                break;
        }
    }

    static void AppendList(StringBuilder text, string word, IReadOnlyList<RuleNode> parts)
    {
        text.Append(word).Append('(');
        foreach (RuleNode part in parts) Append(text, part);
        text.Append(')');
    }

    static void Append(StringBuilder text, TemporalExpression expression)
    {
        switch (expression)
        {
            case TemporalExpression.Matched rule:
                text.Append(CultureInfo.InvariantCulture, $"{rule.Rule} ");
                break;
            case TemporalExpression.Negation not:
                text.Append("not ");
                Append(text, not.Operand);
                break;
            case TemporalExpression.AllOf all:
                AppendList(text, "all", all.Operands);
                break;
            case TemporalExpression.AnyOf any:
                AppendList(text, "any", any.Operands);
                break;
        }
    }

    static void AppendList(StringBuilder text, string word, IReadOnlyList<TemporalExpression> operands)
    {
        text.Append(word).Append('(');
        foreach (TemporalExpression operand in operands) Append(text, operand);
        text.Append(')');
    }

    static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
