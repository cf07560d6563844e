using System.Text.RegularExpressions;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Files;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Rules;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Reads the search identifiers of a detection or a filter.</summary>
/// <param name="problems">Takes what is wrong.</param>
/// <param name="modifiers">Applies value modifiers.</param>
sealed partial class DetectionParser(ProblemList problems, Modifiers modifiers)
{
    /// <summary>The most values that one rule may have, expansions counted.</summary>
    public const int MostValues = 100_000;

    int _values;

    /// <summary>One search identifier: a map, a list of maps, or keywords. Null where it is wrong.</summary>
    public RuleNode? Parse(string name, YamlNode node)
    {
        switch (node)
        {
            case YamlMappingNode map: return Map(name, map);
            case YamlScalarNode scalar: return Keywords([scalar], scalar);
            case YamlSequenceNode { Children.Count: 0 }:
                problems.Error(node, $"'{name}' is an empty list and could never match; give it values or remove it");
                return null;
            case YamlSequenceNode list when list.All(n => n is YamlScalarNode): return Keywords([.. list.Cast<YamlScalarNode>()], list);
            case YamlSequenceNode list: return Any(name, list);
            default:
                problems.Error(node, $"'{name}' is neither a map, a list nor a text");
                return null;
        }
    }

    RuleNode.Any? Any(string name, YamlSequenceNode list)
    {
        var parts = new List<RuleNode>();
        foreach (YamlNode child in list)
        {
            RuleNode? part = child switch
            {
                YamlMappingNode map => Map(name, map),
                YamlScalarNode scalar => Keywords([scalar], scalar),
                _ => null,
            };
            if (child is YamlSequenceNode) problems.Error(child, $"'{name}' has a list in a list; expected maps or texts");
            if (part is null) return null;
            parts.Add(part);
        }
        return new RuleNode.Any(parts);
    }

    RuleNode? Map(string name, YamlMappingNode map)
    {
        if (map.Children.Count == 0)
        {
            problems.Error(map, $"'{name}' is an empty map and says nothing; give it a field or remove it");
            return null;
        }
        var parts = new List<RuleNode>();
        bool good = true;
        foreach ((YamlNode key, YamlNode value) in map.Children)
        {
            RuleNode? item = key is YamlScalarNode { Value: { } text } ? Item(text, (YamlScalarNode)key, value) : null;
            if (key is not YamlScalarNode) problems.Error(key, "the name of a field must be a text");
            if (item is null) good = false;
            else parts.Add(item);
        }
        return !good ? null : parts.Count == 1 ? parts[0] : new RuleNode.All(parts);
    }

    RuleNode.Item? Item(string key, YamlScalarNode at, YamlNode value)
    {
        string[] chain = key.Split('|');
        YamlScalarNode[] values = value switch
        {
            YamlScalarNode scalar => [scalar],
            YamlSequenceNode list => [.. list.OfType<YamlScalarNode>()],
            _ => [],
        };
        if (value is YamlMappingNode)
        {
            problems.Error(value, $"'{key}' has a map as its value; expected a text, a number, a boolean, null or a list of them (a field within a field is written with a dot)");
            return null;
        }
        if (value is YamlSequenceNode sequence && (values.Length == 0 || values.Length != sequence.Children.Count))
        {
            YamlNode? wrong = sequence.FirstOrDefault(n => n is not YamlScalarNode);
            problems.Error(wrong ?? value, wrong is null ? $"'{key}' has an empty list, which could never match; give it values, or null for a field that is not there"
                : $"'{key}' has a list or map within its list; expected texts, numbers, booleans or null");
            return null;
        }
        return Keyed(chain[0], chain[1..], at, values, value is YamlSequenceNode);
    }

    RuleNode.Item? Keywords(YamlScalarNode[] values, YamlNode at)
    {
        foreach (YamlScalarNode value in values)
        {
            Match field = value.Style == ScalarStyle.Plain ? FieldWithoutBlank.Match(value.Value ?? "") : Match.Empty;
            if (field.Success) problems.Warn(value, $"'{value.Value}' is a keyword here; if '{field.Groups[1].Value}' is a field, write a blank after its colon");
        }
        return Build(FieldId.Unknown, [], values, false, false, at);
    }

    /// <summary>What was meant as <c>Field: value</c>; no address like http://host and no path like C:\.</summary>
    [GeneratedRegex(@"^([A-Za-z_][\w.]*(?:\|\w+)*):(?!//|[\\:])\S", RegexOptions.CultureInvariant)]
    static partial Regex FieldWithoutBlank { get; }

    RuleNode.Item? Keyed(string field, string[] chain, YamlScalarNode at, YamlScalarNode[] values, bool isList)
    {
        bool all = chain.Contains("all");
        bool negated = chain.Contains("neq");
        if (all && (!isList || values.Length == 1)) problems.Warn(at, $"'{at.Value}' has one value, for which 'all' means nothing; remove it");
        string[] rest = [.. chain.Where(m => m is not ("all" or "neq"))];
        foreach (string modifier in rest)
        {
            if (Modifiers.Known.Contains(modifier)) continue;
            string hint = Modifiers.Known.FirstOrDefault(k => k.Equals(modifier.Trim(), StringComparison.OrdinalIgnoreCase)) is { } near ? $" (did you mean '{near}'?)" : "";
            problems.Error(at, $"unknown modifier '{modifier}' on '{field}'{hint}; known: {string.Join(", ", Modifiers.Known)}");
            return null;
        }
        if (rest.Contains("exists") && chain.Length > 1)
        {
            problems.Error(at, $"'exists' on '{field}' cannot be combined with other modifiers; give it a line of its own");
            return null;
        }
        if (field.Length == 0 && rest.FirstOrDefault(Modifiers.NeedField.Contains) is { } needy)
        {
            problems.Error(at, $"'{needy}' asks something of a field, and there is none before it; write Field|{string.Join('|', chain)}");
            return null;
        }
        return Build(field.Length == 0 ? FieldId.Unknown : FieldId.Of(field), rest, values, all, negated, at);
    }

    RuleNode.Item? Build(FieldId field, string[] chain, YamlScalarNode[] values, bool all, bool negated, YamlNode at)
    {
        var items = new List<ItemValue>(values.Length);
        bool good = true;
        foreach (YamlScalarNode value in values)
        {
            if (Value(field, chain, value) is { } item) items.Add(item);
            else good = false;
            if (_values > MostValues)
            {
                problems.Error(at, $"the rule has more than {MostValues} values with all expansions; split it");
                return null;
            }
        }
        return good ? new RuleNode.Item(field, items, all, negated) : null;
    }

    ItemValue? Value(FieldId field, string[] chain, YamlScalarNode value)
    {
        List<Draft> drafts = [Read(value, keyword: !field.IsKnown)];
        foreach (string modifier in chain)
        {
            var next = new List<Draft>();
            foreach (Draft draft in drafts)
            {
                string? reason = modifiers.Apply(modifier, draft, next);
                if (reason is null && next.Count > Modifiers.MostVariants) reason = $"'{value.Value}' expands to more than {Modifiers.MostVariants} variants";
                if (reason is null) continue;
                problems.Error(value, reason);
                return null;
            }
            drafts = next;
        }
        var tests = new List<ValueTest>(drafts.Count);
        foreach (Draft draft in drafts)
        {
            if (!field.IsKnown && draft is not (Draft.Text or Draft.Expression))
            {
                problems.Error(value, $"{draft.Kind} needs a field; without one only texts, numbers and regular expressions can be looked for");
                return null;
            }
            if (Finish(draft, keyword: !field.IsKnown).ToTest(out string? reason) is not { } test)
            {
                problems.Error(value.Start.Line == value.End.Line ? value.Start : problems.PlaceOf(value, 0), reason!);
                return null;
            }
            tests.Add(test);
        }
        Warn(drafts[0], value, isKeyword: !field.IsKnown);
        _values += tests.Count;
        return new ItemValue(tests.Count == 1 ? tests[0] : new AnyTest(tests), Say(chain, value));
    }

    /// <summary>Warns of what is allowed and surely not meant.</summary>
    void Warn(Draft draft, YamlScalarNode value, bool isKeyword)
    {
        if (isKeyword && value.Value is "" && draft is Draft.Text) problems.Warn(value, "an empty keyword is in every event; give it a text, or remove it");
        if (draft is Draft.Time time && TimeParts.RangeOf(time.Part) is var (least, most) && (time.Bound < least || time.Bound > most))
        {
            problems.Warn(value, $"no time has the {time.Part.ToString().ToLowerInvariant()} {value.Value}; it is from {least} to {most}");
        }
        if (draft is Draft.Expression { Pattern: [.., '\n'] } && value.Style is ScalarStyle.Literal or ScalarStyle.Folded)
        {
            problems.Warn(value, "the expression ends with a line end, which is part of this kind of text; write |- or >- to leave it out");
        }
    }

    /// <summary>A keyword is looked for anywhere in a value.</summary>
    Draft Finish(Draft draft, bool keyword)
    {
        if (!keyword || draft is not Draft.Text) return draft;
        var opened = new List<Draft>();
        modifiers.Apply("contains", draft, opened);
        return opened[0];
    }

    static Draft Read(YamlScalarNode node, bool keyword)
    {
        string text = node.Value ?? "";
        return YamlScalars.TypeOf(node, out Number number) switch
        {
            ScalarType.Null => new Draft.Null(),
            ScalarType.Number when !keyword => new Draft.Numeric(number, text),
            ScalarType.Boolean when !keyword => new Draft.Boolean(text[0] is 't' or 'T'),
            _ => new Draft.Text(text, SigmaText.Parse(text)),
        };
    }

    static string Say(string[] chain, YamlScalarNode value)
    {
        string text = YamlScalars.TypeOf(value, out _) == ScalarType.Text ? $"'{value.Value}'" : YamlScalars.TypeOf(value, out _) == ScalarType.Null ? "null" : value.Value!;
        return chain.Length == 0 ? text : $"{string.Join('|', chain)} {text}";
    }
}
