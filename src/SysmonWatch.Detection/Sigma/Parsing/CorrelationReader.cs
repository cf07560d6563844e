using System.Globalization;
using SysmonWatch.Detection.Sigma.Files;
using SysmonWatch.Detection.Sigma.Rules;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Reads one correlation document and collects what is wrong with it. For one use.</summary>
sealed class CorrelationReader(RuleMetadata metadata, ProblemList problems)
{
    const string KnownKeys = "type, rules, group-by, timespan, condition, aliases, generate";
    const string KnownOperators = "gt, gte, lt, lte, eq, neq";

    // The engine counts in 10^-9 within a decimal's 28 digits; every 64-bit number is below.
    const decimal LargestValue = 70_000_000_000_000_000_000m;

    readonly List<CorrelationReference> _rules = [];
    readonly List<string> _groupBy = [];
    readonly List<string> _fields = [];
    readonly List<CorrelationComparison> _comparisons = [];
    readonly List<CorrelationAlias> _aliases = [];
    bool _failed;
    CorrelationType? _type;
    decimal? _percentile;
    TemporalExpression? _expression;

    bool IsTemporal => _type is CorrelationType.Temporal or CorrelationType.TemporalOrdered;

    bool Counts => IsTemporal || _type is CorrelationType.EventCount or CorrelationType.ValueCount;

    /// <summary>What a document refers to as far as it can be read, whatever else is wrong with it.</summary>
    public static IEnumerable<(string Rule, bool Generates)> Uses(YamlMappingNode document)
    {
        if (!TryGet(document, "correlation", out YamlNode? node) || node is not YamlMappingNode correlation || !TryGet(correlation, "rules", out YamlNode? rules)) return [];
        bool generates = IsTrue(document) || IsTrue(correlation);
        return Items(rules).Select(Text).OfType<string>().Select(rule => (rule, generates));

        static bool IsTrue(YamlMappingNode map) => TryGet(map, "generate", out YamlNode? value) && Text(value) is { } text && bool.TryParse(text, out bool generate) && generate;
    }

    public CorrelationRule? Read(YamlMappingNode document)
    {
        bool? outer = TryGet(document, "generate", out YamlNode? generateNode) ? ReadBoolean(generateNode, "generate") : null;
        if (!TryGet(document, "correlation", out YamlNode? node))
        {
            Error(document, "the document has no 'correlation'.");
            return null;
        }
        if (node is not YamlMappingNode correlation)
        {
            Error(node, $"'correlation' must be a map with the keys {KnownKeys}.");
            return null;
        }
        foreach (YamlNode key in correlation.Children.Keys)
        {
            if (KeyText(key) is not ("type" or "rules" or "group-by" or "timespan" or "condition" or "aliases" or "generate"))
            {
                Error(key, $"unknown key '{KeyText(key)}' in 'correlation'; known: {KnownKeys}.");
            }
        }

        ReadType(correlation);
        ReadRules(correlation);
        ReadGroupBy(correlation);
        long timespan = ReadTimespan(correlation);
        ReadCondition(correlation);
        ReadAliases(correlation);
        bool? inner = TryGet(correlation, "generate", out YamlNode? innerNode) ? ReadBoolean(innerNode, "generate") : null;
        if (outer is not null && inner is not null && outer != inner)
        {
            Error(innerNode!, "'generate' is here and at the root of the document, with different values; keep one of them.");
        }
        if (_failed || _type is null) return null;
        return new CorrelationRule(
            metadata, _type.Value, _rules, _groupBy, timespan, _fields, _comparisons, _percentile ?? 0, _expression, _aliases, inner ?? outer ?? false);
    }

    void ReadType(YamlMappingNode correlation)
    {
        if (!TryGet(correlation, "type", out YamlNode? node))
        {
            Error(correlation, $"'type' is missing in 'correlation'; known types: {CorrelationRuleParser.KnownTypes}.");
            return;
        }
        if (Text(node) is not { } text || !CorrelationRuleParser.TryFindType(text, out CorrelationType type))
        {
            Error(node, $"unknown correlation type '{Text(node) ?? "(not a text)"}'; known: {CorrelationRuleParser.KnownTypes}.");
            return;
        }
        _type = type;
    }

    void ReadRules(YamlMappingNode correlation)
    {
        if (!TryGet(correlation, "rules", out YamlNode? node))
        {
            Error(correlation, "'rules' is missing in 'correlation': list the ids or names of the rules it listens to.");
            return;
        }
        foreach (YamlNode item in Items(node))
        {
            if (Text(item) is not { Length: > 0 } text)
            {
                Error(item, "'rules' must list ids or names of rules as texts.");
                continue;
            }
            if (_type != CorrelationType.TemporalOrdered && _rules.Exists(r => r.Text == text))
            {
                problems.Warn(item, $"rule '{text}' is listed twice in 'rules'; the second one is left out.");
                continue;
            }
            _rules.Add(new CorrelationReference(text, Line(item), Column(item)));
        }
        if (_rules.Count == 0) Error(node, "'rules' is empty: list the ids or names of the rules the correlation listens to.");
        if (_rules.Count > CorrelationRule.MostRules)
        {
            Error(node, $"'rules' lists {_rules.Count} rules, at most {CorrelationRule.MostRules} are possible; make a correlation of correlations instead.");
        }
    }

    void ReadGroupBy(YamlMappingNode correlation)
    {
        if (!TryGet(correlation, "group-by", out YamlNode? node)) return;
        foreach (YamlNode item in Items(node))
        {
            if (Text(item) is not { Length: > 0 } text) Error(item, "'group-by' must list field names or aliases as texts.");
            else if (_groupBy.Contains(text)) problems.Warn(item, $"field '{text}' is twice in 'group-by'; the second one is left out.");
            else _groupBy.Add(text);
        }
    }

    long ReadTimespan(YamlMappingNode correlation)
    {
        if (!TryGet(correlation, "timespan", out YamlNode? node))
        {
            Error(correlation, "'timespan' is missing in 'correlation': a number and a unit of s, m, h, d, w, M or y, e.g. 10m.");
            return 0;
        }
        if (Text(node) is { } text && CorrelationRuleParser.TryReadTimespan(text, out long microseconds)) return microseconds;
        Error(node, $"timespan '{Text(node) ?? "(not a text)"}' is not a number above 0 and a unit of s, m, h, d, w, M or y, e.g. 10m.");
        return 0;
    }

    void ReadAliases(YamlMappingNode correlation)
    {
        if (!TryGet(correlation, "aliases", out YamlNode? node)) return;
        if (node is not YamlMappingNode aliases)
        {
            Error(node, "'aliases' must map each alias to a map of rule: field.");
            return;
        }
        foreach ((YamlNode key, YamlNode value) in aliases.Children)
        {
            string alias = KeyText(key);
            if (value is not YamlMappingNode fields || fields.Children.Count == 0)
            {
                Error(value, $"alias '{alias}' must be a map of rule: field.");
                continue;
            }
            var byRule = new List<(int, string)>();
            var otherwise = new List<(CorrelationReference, string)>();
            foreach ((YamlNode ruleNode, YamlNode fieldNode) in fields.Children)
            {
                string reference = KeyText(ruleNode);
                if (Text(fieldNode) is not { Length: > 0 } field) Error(fieldNode, $"alias '{alias}' must name a field as a text for rule '{reference}'.");
                else if (!_rules.Exists(r => r.Text == reference)) otherwise.Add((new CorrelationReference(reference, Line(ruleNode), Column(ruleNode)), field));
                else byRule.AddRange(_rules.Index().Where(r => r.Item.Text == reference).Select(r => (r.Index, field)));
            }
            if (!_groupBy.Contains(alias) && !_fields.Contains(alias))
            {
                problems.Warn(key, $"alias '{alias}' is used neither in 'group-by' nor as the condition's field.");
            }
            _aliases.Add(new CorrelationAlias(alias, byRule) { Unresolved = otherwise });
        }
    }

    void ReadCondition(YamlMappingNode correlation)
    {
        if (!TryGet(correlation, "condition", out YamlNode? node))
        {
            if (_type is not null && !IsTemporal) Error(correlation, $"'condition' is missing in 'correlation', e.g. 'gte: 10'; only temporal types do without.");
            return;
        }
        if (node is YamlScalarNode { Value: { } text } scalar)
        {
            if (_type == CorrelationType.Temporal) _expression = new TemporalConditionParser(text, _rules, (position, problem) => Error(problems.PlaceOf(scalar, position), problem)).Parse();
            else if (_type is not null) Error(node, $"'condition' must be a map such as 'gte: 10' here; a text such as 'a and not b' is for type temporal only.");
        }
        else if (node is YamlMappingNode map)
        {
            ReadComparisons(map);
        }
        else
        {
            Error(node, "'condition' must be a map such as 'gte: 10', or for type temporal a text such as 'a and not b'.");
        }
    }

    void ReadComparisons(YamlMappingNode map)
    {
        foreach ((YamlNode key, YamlNode value) in map.Children)
        {
            ComparisonOperator? op = KeyText(key) switch
            {
                "gt" => ComparisonOperator.Greater,
                "gte" => ComparisonOperator.GreaterOrEqual,
                "lt" => ComparisonOperator.Less,
                "lte" => ComparisonOperator.LessOrEqual,
                "eq" => ComparisonOperator.Equal,
                "neq" => ComparisonOperator.NotEqual,
                _ => null,
            };
            if (op is not null) ReadComparison(op.Value, key, value);
            else if (KeyText(key) == "field") ReadFields(key, value);
            else if (KeyText(key) == "percentile") ReadPercentile(key, value);
            else Error(key, $"unknown key '{KeyText(key)}' in 'condition'; known: {KnownOperators}, field, percentile.");
        }
        if (_comparisons.Count == 0 && !_failed) Error(map, $"'condition' compares with nothing; add one of {KnownOperators}.");
        if (_fields.Count == 0 && _type is not null && !IsTemporal && _type != CorrelationType.EventCount && !TryGet(map, "field", out _))
        {
            Error(map, "'field' is missing in 'condition': the field whose values are computed.");
        }
        if (_type == CorrelationType.ValuePercentile && _percentile is null && !TryGet(map, "percentile", out _))
        {
            // The specification's own example has none and does not say which is meant.
            problems.Warn(map, "'percentile' is missing in 'condition', so 50 is taken; say which one is meant, e.g. 'percentile: 95'.");
            _percentile = 50;
        }
        if (Counts && !_failed && !CanHold())
        {
            Error(map, "no number can satisfy this condition; the bounds exclude each other.");
        }
    }

    void ReadComparison(ComparisonOperator op, YamlNode key, YamlNode value)
    {
        if (!TryNumber(value, out decimal number) || Math.Abs(number) >= LargestValue)
        {
            Error(value, $"'{KeyText(key)}' must be a number, found '{Text(value) ?? "(not a number)"}'.");
        }
        else if (Counts && (number < 0 || number != Math.Truncate(number)))
        {
            Error(value, $"'{KeyText(key)}' must be a whole number from 0, found '{Text(value)}'.");
        }
        else
        {
            _comparisons.Add(new CorrelationComparison(op, number));
        }
    }

    void ReadFields(YamlNode key, YamlNode value)
    {
        if (_type is null) return;
        if (IsTemporal || _type == CorrelationType.EventCount)
        {
            Error(key, "'field' has no meaning for this type; use value_count to count the different values of a field.");
            return;
        }
        foreach (YamlNode item in Items(value))
        {
            if (Text(item) is not { Length: > 0 } text) Error(item, "'field' must be a field name, or for value_count a list of them.");
            else if (!_fields.Contains(text)) _fields.Add(text);
        }
        if (value is YamlSequenceNode { Children.Count: 0 }) Error(value, "'field' is an empty list; name the field whose values are computed.");
        if (_fields.Count > 1 && _type != CorrelationType.ValueCount) Error(value, "'field' must be one field name; a list is for value_count only.");
    }

    void ReadPercentile(YamlNode key, YamlNode value)
    {
        if (_type is not null && _type != CorrelationType.ValuePercentile) Error(key, "'percentile' has a meaning for type value_percentile only.");
        if (TryNumber(value, out decimal number) && number is >= 0 and <= 100) _percentile = number;
        else Error(value, $"'percentile' must be a number from 0 to 100, found '{Text(value) ?? "(not a number)"}'.");
    }

    /// <summary>Whether some count from 0 satisfies all comparisons: it is enough to try those beside each bound.</summary>
    bool CanHold() =>
        _comparisons.Count == 0
        || _comparisons.SelectMany(c => new[] { c.Value - 1, c.Value, c.Value + 1 })
            .Append(0).Where(v => v >= 0).Any(v => _comparisons.TrueForAll(c => c.Holds(v)));

    bool? ReadBoolean(YamlNode node, string name)
    {
        if (node is YamlScalarNode { Style: ScalarStyle.Plain, Value: { } text } && bool.TryParse(text, out bool value)) return value;
        Error(node, $"'{name}' must be true or false.");
        return null;
    }

    static bool TryNumber(YamlNode node, out decimal number)
    {
        number = 0;
        return node is YamlScalarNode { Value: { } text }
            && decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out number);
    }

    static bool TryGet(YamlMappingNode map, string key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out YamlNode? value)
    {
        foreach ((YamlNode name, YamlNode node) in map.Children)
        {
            if (KeyText(name) != key) continue;
            value = node;
            return true;
        }
        value = null;
        return false;
    }

    static IEnumerable<YamlNode> Items(YamlNode node) => node is YamlSequenceNode list ? list.Children : [node];

    static string? Text(YamlNode node) =>
        node is YamlScalarNode { Value: { } text } scalar && !(scalar.Style == ScalarStyle.Plain && text is "" or "~" or "null") ? text : null;

    static string KeyText(YamlNode node) => node is YamlScalarNode { Value: { } text } ? text : "(not a text)";

    static int Line(YamlNode node) => (int)Math.Max(1, node.Start.Line);

    static int Column(YamlNode node) => (int)Math.Max(1, node.Start.Column);

    void Error(YamlNode node, string text) => Error(node.Start, text);

    void Error(Mark at, string text)
    {
        _failed = true;
        problems.Error(at, text);
    }
}
