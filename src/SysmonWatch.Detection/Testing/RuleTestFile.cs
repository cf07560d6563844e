using System.Text;
using System.Text.Json;
using SysmonWatch.Detection.Events;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Testing;

/// <summary>One event of a test file, and whether the rule must match it.</summary>
/// <param name="Name">For people: the test's own name, or its place, e.g. <c>match[0]</c>.</param>
/// <param name="MustMatch">True: the rule must match. False: it must not.</param>
/// <param name="Event">The event.</param>
public sealed record RuleTestCase(string Name, bool MustMatch, FieldedEvent Event);

/// <summary>
/// The tests of a rule: beside <c>NAME.yml</c> a file <c>NAME.test.yml</c> with a list <c>match</c> of events that the rule must match and a list
/// <c>no_match</c> of those it must not. An event is a map of fields, with <c>EventID</c> taken as Sysmon's, or a text: log lines, the last counts.
/// </summary>
public static class RuleTestFile
{
    /// <summary>The largest file that is read, in bytes.</summary>
    public const long LargestFile = 16 * 1024 * 1024;

    /// <summary>Reads a test file.</summary>
    /// <param name="yaml">Its text.</param>
    /// <param name="problems">What is wrong, each with line and column; a file with problems has no cases worth running.</param>
    public static IReadOnlyList<RuleTestCase> Parse(string yaml, out IReadOnlyList<string> problems)
    {
        var wrong = new List<string>();
        problems = wrong;
        var cases = new List<RuleTestCase>();
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(yaml));
        }
        catch (YamlException failure)
        {
            wrong.Add($"{failure.Start.Line}:{failure.Start.Column}: not YAML: {failure.InnerException?.Message ?? failure.Message}");
            return cases;
        }
        if (stream.Documents is not [{ RootNode: YamlMappingNode root }])
        {
            wrong.Add("1:1: expected one map with the lists 'match' and 'no_match'");
            return cases;
        }
        foreach ((YamlNode key, YamlNode value) in root.Children)
        {
            string name = (key as YamlScalarNode)?.Value ?? "";
            if (name is not ("match" or "no_match"))
            {
                wrong.Add($"{Place(key)}: unknown key '{name}'; expected match or no_match");
            }
            else if (value is not YamlSequenceNode events)
            {
                wrong.Add($"{Place(value)}: '{name}' must be a list of events");
            }
            else
            {
                for (int i = 0; i < events.Children.Count; i++) Add(events.Children[i], $"{name}[{i}]", name == "match", cases, wrong);
            }
        }
        if (cases.Count == 0 && wrong.Count == 0) wrong.Add("1:1: it has no events, so it tests nothing");
        return cases;
    }

    static void Add(YamlNode node, string name, bool mustMatch, List<RuleTestCase> cases, List<string> wrong)
    {
        byte[]? text = node switch
        {
            YamlScalarNode { Value: { } line } => Encoding.UTF8.GetBytes(line),
            YamlMappingNode map => Json(map, wrong),
            _ => null,
        };
        if (text is null)
        {
            wrong.Add($"{Place(node)}: an event is a map of fields or a text with log lines");
        }
        else if (SingleEvent.Read(text, out string? reason) is { } e)
        {
            cases.Add(new RuleTestCase(name, mustMatch, e));
        }
        else
        {
            wrong.Add($"{Place(node)}: {reason}");
        }
    }

    static byte[] Json(YamlMappingNode map, List<string> wrong)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach ((YamlNode key, YamlNode value) in map.Children)
            {
                if (key is not YamlScalarNode { Value: { } name } || value is not YamlScalarNode scalar)
                {
                    wrong.Add($"{Place(value)}: a field has one value, a text");
                    continue;
                }
                if (scalar is { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" }) json.WriteNull(name);
                else json.WriteString(name, scalar.Value);
            }
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    static string Place(YamlNode node) => $"{node.Start.Line}:{node.Start.Column}";
}
