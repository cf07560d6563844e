using SysmonWatch.Detection.Sigma.Files;
using SysmonWatch.Detection.Sigma.Rules;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Reads what every kind of Sigma document says about itself.</summary>
/// <remarks>Source: Sigma specification 2.1. Extra keys are allowed and ignored, as it asks.</remarks>
static class RuleMetadataParser
{
    static readonly string[] RootKeys =
        ["title", "id", "name", "level", "author", "description", "tags", "status", "references", "falsepositives", "logsource", "detection", "correlation", "filter", "action"];

    /// <summary>The metadata of a document; null, with an error, where its level is wrong. A missing title is a warning.</summary>
    public static RuleMetadata? Parse(YamlMappingNode document, int line, ProblemList problems)
    {
        WarnOfCase(document, RootKeys, problems);
        string? name = Text(document, "name");
        string? title = Text(document, "title");
        if (string.IsNullOrWhiteSpace(title))
        {
            title = name ?? Path.GetFileNameWithoutExtension(problems.File);
            problems.Warn(document, $"the rule has no title and is called '{title}'; give it one");
        }
        if (!TryLevel(document, problems, out RuleLevel level)) return null;
        string? id = Text(document, "id");
        return new RuleMetadata(
            string.IsNullOrWhiteSpace(id) ? name ?? title : id,
            name,
            title,
            level,
            Text(document, "author") ?? "",
            Text(document, "description") ?? "",
            Texts(document, "tags"),
            Text(document, "status") ?? "",
            Texts(document, "references"),
            Texts(document, "falsepositives"),
            problems.File,
            line);
    }

    /// <summary>The node of a key; null where there is none.</summary>
    public static YamlNode? Find(YamlMappingNode map, string key) =>
        map.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? node) ? node : FindSlowly(map, key);

    /// <summary>Warns of keys that only their case keeps from being known ones. Sigma allows any others.</summary>
    public static void WarnOfCase(YamlMappingNode map, IReadOnlyList<string> known, ProblemList problems)
    {
        foreach (YamlScalarNode key in map.Children.Keys.OfType<YamlScalarNode>())
        {
            string? meant = known.FirstOrDefault(k => k.Equals(key.Value, StringComparison.OrdinalIgnoreCase));
            if (meant is not null && meant != key.Value) problems.Warn(key, $"'{key.Value}' has no meaning in Sigma and is ignored; its keys are lower-case: write '{meant}'");
        }
    }

    /// <summary>The text of a key; null where there is none or it is null.</summary>
    public static string? Text(YamlMappingNode map, string key) =>
        Find(map, key) is YamlScalarNode scalar && YamlScalars.TypeOf(scalar, out _) != ScalarType.Null ? scalar.Value : null;

    /// <summary>The texts of a key that holds a list, or one text.</summary>
    public static IReadOnlyList<string> Texts(YamlMappingNode map, string key) => Find(map, key) switch
    {
        YamlSequenceNode list => [.. list.OfType<YamlScalarNode>().Select(s => s.Value ?? "")],
        YamlScalarNode scalar when YamlScalars.TypeOf(scalar, out _) != ScalarType.Null => [scalar.Value ?? ""],
        _ => [],
    };

    static bool TryLevel(YamlMappingNode document, ProblemList problems, out RuleLevel level)
    {
        level = RuleLevel.Informational;
        string? text = Text(document, "level");
        if (text is null) return true;
        foreach (RuleLevel known in Enum.GetValues<RuleLevel>())
        {
            if (!known.ToString().Equals(text, StringComparison.OrdinalIgnoreCase)) continue;
            level = known;
            return true;
        }
        problems.Error(Find(document, "level")!, $"unknown level '{text}'; expected informational, low, medium, high or critical");
        return false;
    }

    /// <summary>A quoted key equals a plain one only by its value.</summary>
    static YamlNode? FindSlowly(YamlMappingNode map, string key)
    {
        foreach ((YamlNode name, YamlNode value) in map.Children)
        {
            if (name is YamlScalarNode scalar && scalar.Value == key) return value;
        }
        return null;
    }
}
