using SysmonWatch.Detection.Sigma.Files;
using SysmonWatch.Detection.Sigma.Rules;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Reads detection rules and filters.</summary>
static class RuleParser
{
    static readonly string[] DetectionKeys = ["condition", "timeframe"];
    static readonly string[] FilterKeys = ["condition", "rules"];
    static readonly string[] LogSourceKeys = ["category", "product", "service"];

    /// <summary>A detection rule; null, with errors, where it is wrong.</summary>
    public static SigmaRule? ParseRule(SigmaDocument document, ProblemList problems, Modifiers modifiers)
    {
        int before = problems.Errors;
        RuleMetadata? metadata = RuleMetadataParser.Parse(document.Root, document.Line, problems);
        LogSource? source = ParseLogSource(document.Root, problems);
        RuleNode? condition = ParseBody(document.Root, "detection", DetectionKeys, "", problems, modifiers);
        if (metadata is null || source is null || condition is null || problems.Errors > before) return null;
        return new SigmaRule(metadata, source, condition)
        {
            HasOwnId = !string.IsNullOrWhiteSpace(RuleMetadataParser.Text(document.Root, "id")),
            IsPartOfCollection = document.IsPartOfCollection,
        };
    }

    /// <summary>A filter; null, with errors, where it is wrong.</summary>
    public static FilterRule? ParseFilter(SigmaDocument document, ProblemList problems, Modifiers modifiers)
    {
        int before = problems.Errors;
        RuleMetadata? metadata = RuleMetadataParser.Parse(document.Root, document.Line, problems);
        LogSource? source = ParseLogSource(document.Root, problems);
        if (source == LogSource.Any)
        {
            problems.Error(
                RuleMetadataParser.Find(document.Root, "logsource") ?? document.Root,
                "a filter needs a 'logsource' with category, product or service: it filters the rules within it, and without one it would silence any");
        }
        string prefix = metadata is null ? "" : $"{metadata.Title}: ";
        RuleNode? condition = ParseBody(document.Root, "filter", FilterKeys, prefix, problems, modifiers);
        IReadOnlyList<string>? rules = ParseFilteredRules(document.Root, problems);
        if (metadata is null || source is null || condition is null || rules is null || problems.Errors > before) return null;
        return new FilterRule(metadata, source, rules is ["any"] ? [] : rules, condition) { IsOptional = RuleMetadataParser.Text(document.Root, "optional") == "true" };
    }

    /// <summary>A filter that does not say what it is for must not silence everything.</summary>
    static IReadOnlyList<string>? ParseFilteredRules(YamlMappingNode document, ProblemList problems)
    {
        const string Fix = "list the ids or names of the rules that it filters, or write 'rules: any' for all within its log source";
        if (RuleMetadataParser.Find(document, "filter") is not YamlMappingNode filter) return null;
        YamlNode? node = RuleMetadataParser.Find(filter, "rules");
        YamlNode[] items = node is YamlSequenceNode list ? [.. list] : node is null ? [] : [node];
        YamlNode? wrong = items.FirstOrDefault(n => n is not YamlScalarNode { Value.Length: > 0 } scalar || YamlScalars.TypeOf(scalar, out _) == ScalarType.Null);
        if (items.Length > 0 && wrong is null) return [.. items.Cast<YamlScalarNode>().Select(n => n.Value!)];
        if (node is null) problems.Error(filter, $"the filter has no 'rules'; {Fix}");
        else problems.Error(wrong ?? node, $"'rules' must be texts; {Fix}");
        return null;
    }

    static LogSource? ParseLogSource(YamlMappingNode document, ProblemList problems)
    {
        YamlNode? node = RuleMetadataParser.Find(document, "logsource");
        if (node is null) return LogSource.Any;
        if (node is YamlMappingNode map)
        {
            RuleMetadataParser.WarnOfCase(map, LogSourceKeys, problems);
            string[] wrong = [.. LogSourceKeys.Where(key => RuleMetadataParser.Find(map, key) is not (null or YamlScalarNode))];
            foreach (string key in wrong)
            {
                problems.Error(RuleMetadataParser.Find(map, key)!, $"'{key}' must be one text: a rule has one log source; write a rule for each, or leave '{key}' out");
            }
            return wrong.Length > 0 ? null
                : new LogSource(RuleMetadataParser.Text(map, "category"), RuleMetadataParser.Text(map, "product"), RuleMetadataParser.Text(map, "service"));
        }
        problems.Error(node, "'logsource' must be a map with category, product and service");
        return null;
    }

    static RuleNode? ParseBody(
        YamlMappingNode document, string key, string[] reserved, string prefix, ProblemList problems, Modifiers modifiers)
    {
        YamlNode? node = RuleMetadataParser.Find(document, key);
        if (node is not YamlMappingNode body)
        {
            Mark at = node?.Start ?? document.Start;
            problems.Error(at, node is null ? $"the rule has no '{key}'" : $"'{key}' must be a map of search identifiers and a condition");
            return null;
        }
        var parser = new DetectionParser(problems, modifiers);
        var selections = new List<RuleNode.Selection>();
        bool good = true;
        foreach ((YamlNode nameNode, YamlNode value) in body.Children)
        {
            string name = (nameNode as YamlScalarNode)?.Value ?? "";
            if (name == "timeframe") problems.Warn(nameNode, "'timeframe' belonged to old aggregations and is ignored; write a correlation rule");
            if (reserved.Contains(name)) continue;
            if (parser.Parse(name, value) is { } selection) selections.Add(new RuleNode.Selection(name, selection));
            else good = false;
        }
        RuleNode? condition = ParseConditions(body, selections, good, problems);
        if (!good || condition is null) return null;
        if (prefix.Length == 0) return condition;
        return Rename(condition, prefix);
    }

    static RuleNode? ParseConditions(YamlMappingNode body, List<RuleNode.Selection> selections, bool selectionsGood, ProblemList problems)
    {
        YamlNode? node = RuleMetadataParser.Find(body, "condition");
        YamlNode[] conditions = node switch
        {
            YamlSequenceNode { Children.Count: > 0 } list => [.. list],
            YamlScalarNode scalar => [scalar],
            _ => [],
        };
        if (conditions.Length == 0 || conditions.Any(c => c is not YamlScalarNode))
        {
            problems.Error(node?.Start ?? body.Start, node is null ? "there is no 'condition'" : "'condition' must be a text, or a list of texts of which any may be true");
            return null;
        }
        if (!selectionsGood) return null; // undefined names would only repeat what is wrong already
        var parts = new List<RuleNode>();
        foreach (YamlScalarNode scalar in conditions.Cast<YamlScalarNode>())
        {
            RuleNode? part = ConditionParser.Parse(
                scalar.Value ?? "", selections, (at, text) => problems.Warn(problems.PlaceOf(scalar, at), text), out string? error, out int errorAt);
            if (part is null)
            {
                problems.Error(problems.PlaceOf(scalar, errorAt), error!);
                return null;
            }
            parts.Add(part);
        }
        return parts.Count == 1 ? parts[0] : new RuleNode.Any(parts, "any condition");
    }

    static RuleNode Rename(RuleNode node, string prefix) => node switch
    {
        RuleNode.Selection selection => selection with { Name = prefix + selection.Name },
        RuleNode.All all => all with { Parts = [.. all.Parts.Select(p => Rename(p, prefix))] },
        RuleNode.Any any => any with { Parts = [.. any.Parts.Select(p => Rename(p, prefix))] },
        RuleNode.Not not => new RuleNode.Not(Rename(not.Part, prefix)),
        _ => node,
    };
}
