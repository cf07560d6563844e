using System.Globalization;
using System.Text;
using System.Text.Json;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>What rules are read as, against the reference parser's output.</summary>
public sealed class ReferenceParserTests
{
    [Fact]
    public void Conditions_are_read_as_the_reference_parser_reads_them()
    {
        var wrong = new List<string>();
        foreach (JsonElement vector in Vectors.Read("pysigma-expansion/conditions.ndjson"))
        {
            string condition = vector.GetProperty("condition").GetString()!;
            if (condition == "a AND b") continue; // upper-case operators are taken with a warning: see docs/sigma.md
            RuleNode.Selection[] selections =
                [.. vector.GetProperty("identifiers").EnumerateArray().Select(i => new RuleNode.Selection(i.GetString()!, new RuleNode.All([])))];
            RuleNode? node = ConditionParser.Parse(condition, selections, (_, _) => { }, out string? error, out _);
            string expected = vector.TryGetProperty("error", out _) || vector.GetProperty("tree").ValueKind == JsonValueKind.Null ? "error" : Simplify(vector.GetProperty("tree"));
            string actual = node is null ? "error" : Tree(node);
            if (actual != expected) wrong.Add($"{condition}: expected {expected}, was {actual} {error}");
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Collections_are_read_as_the_reference_parser_reads_them()
    {
        foreach (JsonElement vector in Vectors.Read("pysigma-expansion/collections.ndjson"))
        {
            RuleSet set = RuleLoader.Parse([("rules.yml", vector.GetProperty("yaml").GetString()!)]);
            string expected = string.Join('\n', vector.GetProperty("rules").EnumerateArray().Select(r =>
                $"{r.GetProperty("title")} {Level(r)} {r.GetProperty("logsource").GetProperty("category")}/{r.GetProperty("logsource").GetProperty("product")} {Simplify(r.GetProperty("tree"))}"));
            string actual = string.Join('\n', set.Rules.Select(r =>
                $"{r.Metadata.Title} {r.Metadata.Level} {r.LogSource.Category}/{r.LogSource.Product} {Fields(r.Condition)}"));

            Assert.Equal(expected, actual);
        }

        static string Level(JsonElement rule) => rule.GetProperty("level").GetString() is { } level ? char.ToUpperInvariant(level[0]) + level[1..] : "Informational";
    }

    /// <summary>Where we do not follow the reference parser, and why. Key: the chain of modifiers, a tab, the value as JSON; * for all values.</summary>
    static string? Exception(string chain, JsonElement value)
    {
        string text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        bool ascii = text.All(char.IsAscii);
        string[] modifiers = chain.Split('|');
        if (modifiers.Contains("windash")) return "every dash is one of five, not only those before a word; no expansion is made";
        if (modifiers.Contains("utf16")) return "the mark is FF FE as the specification says; the reference has EF BB BF";
        if (!ascii && modifiers.Any(m => m is "wide" or "utf16be")) return "any text can be encoded; the reference takes ASCII only";
        if (!ascii && modifiers.Contains("base64offset")) return "cut by bytes; the reference cuts by characters";
        if (modifiers.Any(m => m is "base64" or "base64offset") && (text.Contains("\\*") || text.Contains("\\?"))) return "an escaped * is encoded as *; the reference encodes its backslash too";
        if (modifiers.Contains("base64offset") && text == "\\") return "refused: one of the forms would be empty and match everything";
        if (modifiers.Contains("expand") && text.Contains('%') && text.Count(c => c == '%') > 1) return "refused: the placeholder has no values";
        if (modifiers.Any(m => m is "hour" or "day" or "week" or "month" or "year" or "minute") && text == "1.5") return "refused: the reference cuts it to 1 silently";
        if (chain == "hour|gte") return "compares the hour; the reference loses it";
        if (chain == "re|contains" && text is "" or "(?i)x") return "the reference adds .* before it and stumbles; it is found anywhere without";
        if (chain.StartsWith("fieldref", StringComparison.Ordinal) && (text.Contains("\\*") || text.Contains("\\?"))) return "escapes are undone in a field's name; the reference keeps some";
        if (chain.StartsWith("fieldref", StringComparison.Ordinal) && text.Length == 0) return "refused: no field has an empty name";
        return null;
    }

    [Fact]
    public void Values_are_expanded_by_modifiers_as_the_reference_parser_expands_them()
    {
        var wrong = new List<string>();
        int checkedOnes = 0;
        foreach (JsonElement vector in Vectors.Read("pysigma-expansion/modifiers.ndjson"))
        {
            string chain = vector.GetProperty("chain").GetString()!;
            JsonElement value = vector.GetProperty("value");
            if (Exception(chain, value) is not null) continue;
            checkedOnes++;
            string key = chain.Length == 0 ? "A" : $"A|{chain}";
            RuleSet set = RuleLoader.Parse([("rule.yml", Vectors.Rule($"  sel:\n    \"{key}\": {value.GetRawText()}\n  condition: sel\n"))]);
            string expected = vector.TryGetProperty("error", out _) ? "error" : Expected(vector);
            string actual = set.Rules.Count == 0 ? "error" : Actual((RuleNode.Item)((RuleNode.Selection)set.Rules[0].Condition).Body);
            if (actual != expected) wrong.Add($"{chain} {value.GetRawText()}: expected {expected}, was {actual} {string.Join(' ', set.Problems)}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(checkedOnes > 1300, $"only {checkedOnes} values");
    }

    static string Expected(JsonElement vector)
    {
        string values = string.Join(',', vector.GetProperty("values").EnumerateArray().Select(Describe));
        return $"{vector.GetProperty("link")} {(vector.GetProperty("negated").GetBoolean() ? "not " : "")}{values}";
    }

    static string Describe(JsonElement value)
    {
        string type = value.GetProperty("t").GetString()!;
        switch (type)
        {
            case "or": return $"({string.Join(',', value.GetProperty("values").EnumerateArray().Select(Describe))})";
            case "str":
                IEnumerable<PatternPart> parts = value.GetProperty("parts").EnumerateArray().Select(p => p.ValueKind == JsonValueKind.String
                    ? PatternPart.Of(Encoding.UTF8.GetBytes(p.GetString()!))
                    : p.GetProperty("w").GetString() == "*" ? PatternPart.Any : PatternPart.One);
                return TextTest.Of([.. parts], value.GetProperty("cased").GetBoolean()).Key;
            case "num": return new NumberTest(Number(value.GetProperty("n")), value.GetProperty("n").GetRawText()).Key;
            case "bool": return new BooleanTest(value.GetProperty("v").GetBoolean()).Key;
            case "null": return new NullTest().Key;
            case "exists": return new ExistsTest(value.GetProperty("v").GetBoolean()).Key;
            case "cidr":
                // The reference writes the length of a single address; the rule does not.
                return $"cidr:{value.GetProperty("net").GetString()!.Replace("::1/128", "::1", StringComparison.Ordinal)}";
            case "cmp": return new CompareTest(Comparison(value.GetProperty("op").GetString()!), Number(value.GetProperty("n"))).Key;
            case "time":
                TimePart part = Enum.Parse<TimePart>(value.GetProperty("part").GetString()!, ignoreCase: true);
                return new TimePartTest(part, SysmonWatch.Detection.Sigma.Matching.Comparison.Equal, value.GetProperty("n").GetInt32()).Key;
            case "fieldref":
                bool starts = value.GetProperty("starts").GetBoolean();
                bool ends = value.GetProperty("ends").GetBoolean();
                FieldComparison how = starts && ends ? FieldComparison.Contains : starts ? FieldComparison.StartsWith : ends ? FieldComparison.EndsWith : FieldComparison.Equal;
                return new FieldReferenceTest(FieldId.Of(value.GetProperty("field").GetString()!), how, false).Key;
            case "re":
                // An expression is found anywhere, so the .* the reference adds at its ends for 'contains' means nothing.
                string pattern = value.GetProperty("re").GetString()!;
                if (pattern.StartsWith(".*", StringComparison.Ordinal)) pattern = pattern[2..];
                if (pattern.EndsWith(".*", StringComparison.Ordinal)) pattern = pattern[..^2];
                string[] flags = [.. value.GetProperty("flags").EnumerateArray().Select(f => f.GetString()!).Order()];
                return $"re:{RegexTranslator.Translate(pattern, flags.Contains("i"), out _, out _)} {string.Concat(flags.Where(f => f != "i"))}";
            default: throw new InvalidDataException(type);
        }
    }

    static string Actual(RuleNode.Item item)
    {
        string values = string.Join(',', item.Values.Select(v => v.Test is AnyTest any ? $"({string.Join(',', any.Variants.Select(Key))})" : Key(v.Test)));
        return $"{(item.NeedsAll ? "and" : "or")} {(item.Negated ? "not " : "")}{values}";

        static string Key(ValueTest test) => test is not RegexTest regex ? test.Key : $"re:{regex.Pattern} " + string.Concat(
            ((System.Text.RegularExpressions.RegexOptions Flag, string Name)[])
            [
                (System.Text.RegularExpressions.RegexOptions.Multiline, "m"),
                (System.Text.RegularExpressions.RegexOptions.Singleline, "s"),
            ]
            switch
            { var flags => flags.Where(f => regex.Options.HasFlag(f.Flag)).Select(f => f.Name) });
    }

    static Number Number(JsonElement json)
    {
        Assert.True(SysmonWatch.Detection.Sigma.Matching.Number.TryParse(json.GetRawText(), true, out Number number));
        return number;
    }

    static Comparison Comparison(string name) => name switch
    {
        "lt" => SysmonWatch.Detection.Sigma.Matching.Comparison.Less,
        "lte" => SysmonWatch.Detection.Sigma.Matching.Comparison.LessOrEqual,
        "gt" => SysmonWatch.Detection.Sigma.Matching.Comparison.Greater,
        _ => SysmonWatch.Detection.Sigma.Matching.Comparison.GreaterOrEqual,
    };

    /// <summary>A tree of the reference without what it keeps of selectors that select nothing.</summary>
    static string Simplify(JsonElement tree)
    {
        if (tree.ValueKind == JsonValueKind.Null) return "";
        if (tree.ValueKind == JsonValueKind.String) return tree.GetString()!;
        string[] parts = [.. tree.EnumerateArray().Skip(1).Select(Simplify).Where(p => p.Length > 0)];
        string name = tree[0].GetString()!;
        return parts.Length == 0 ? "" : parts.Length == 1 && name != "not" ? parts[0] : string.Create(CultureInfo.InvariantCulture, $"{name}({string.Join(',', parts)})");
    }

    static string Tree(RuleNode node) => node switch
    {
        RuleNode.Selection selection => selection.Name,
        RuleNode.All all => $"and({string.Join(',', all.Parts.Select(Tree))})",
        RuleNode.Any any => $"or({string.Join(',', any.Parts.Select(Tree))})",
        RuleNode.Not not => $"not({Tree(not.Part)})",
        _ => "?",
    };

    static string Fields(RuleNode node) => node switch
    {
        RuleNode.Selection selection => Fields(selection.Body),
        RuleNode.All all => $"and({string.Join(',', all.Parts.Select(Fields))})",
        RuleNode.Any any => $"or({string.Join(',', any.Parts.Select(Fields))})",
        RuleNode.Not not => $"not({Fields(not.Part)})",
        RuleNode.Item item => item.Field.Name,
        _ => "?",
    };
}
