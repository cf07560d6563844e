using System.Globalization;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Benchmarks.Generation;

/// <summary>
/// Makes any number of rules of the shapes and log sources of given ones, every literal another one, so that it can be measured what ten times
/// as many rules cost. The same seed makes the same rules.
/// </summary>
/// <remarks>
/// A literal keeps its length and what is no letter or digit of it; where all texts of its shape are taken it grows. Two rules share a literal only
/// where there are not enough values to go round: numbers of ports.
/// </remarks>
sealed class RuleGenerator(int seed)
{
    const string Letters = "etaoinsrhldcumfpgwybvkxjqz";

    readonly Random _random = new(seed);
    readonly HashSet<string> _taken = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Writes rules, one a file.</summary>
    /// <param name="models">A directory with rules, which are taken in turn.</param>
    /// <param name="count">How many to write.</param>
    /// <param name="into">The directory to write to; made where it is not there.</param>
    public void Write(string models, int count, string into)
    {
        string[] files = [.. Directory.EnumerateFiles(models, "*.yml", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        Directory.CreateDirectory(into);
        for (int i = 0; i < count; i++)
        {
            var stream = new YamlStream();
            using (var text = new StreamReader(files[i % files.Length])) stream.Load(text);
            YamlMappingNode rule = Rule((YamlMappingNode)stream.Documents[0].RootNode, i);
            using var output = new StreamWriter(Path.Combine(into, string.Create(CultureInfo.InvariantCulture, $"rule-{i:D5}.yml")));
            new YamlStream(new YamlDocument(rule)).Save(output, assignAnchors: false);
        }
    }

    YamlMappingNode Rule(YamlMappingNode model, int number)
    {
        var detection = new YamlMappingNode();
        foreach ((YamlNode key, YamlNode value) in (YamlMappingNode)model.Children["detection"])
        {
            bool isSelection = key is YamlScalarNode { Value: not ("condition" or "timeframe") };
            detection.Add(key, isSelection ? Changed(value, "") : value);
        }
        byte[] id = new byte[16];
        _random.NextBytes(id);
        return new YamlMappingNode(
            new YamlScalarNode("title"), new YamlScalarNode(string.Create(CultureInfo.InvariantCulture, $"Generated rule {number}")),
            new YamlScalarNode("id"), new YamlScalarNode(new Guid(id).ToString()),
            new YamlScalarNode("logsource"), model.Children["logsource"],
            new YamlScalarNode("detection"), detection,
            new YamlScalarNode("level"), new YamlScalarNode("low"));
    }

    YamlNode Changed(YamlNode node, string key) => node switch
    {
        YamlMappingNode map => new YamlMappingNode(map.Children.Select(c => KeyValuePair.Create(c.Key, Changed(c.Value, ((YamlScalarNode)c.Key).Value!)))),
        YamlSequenceNode list => new YamlSequenceNode(list.Children.Select(item => Changed(item, key))),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "null" or "true" or "false" } => node,
        YamlScalarNode { Value: { } text } scalar => new YamlScalarNode(Value(text, key)) { Style = scalar.Style == ScalarStyle.Plain && IsNumber(text) ? ScalarStyle.Plain : ScalarStyle.SingleQuoted },
        _ => node,
    };

    string Value(string text, string key)
    {
        if (key.EndsWith("|cidr", StringComparison.Ordinal)) return string.Create(CultureInfo.InvariantCulture, $"{_random.Next(1, 224)}.{_random.Next(256)}.{_random.Next(256)}.0/24");
        if (key.Contains("|re", StringComparison.Ordinal)) return $"{Fresh("xxxxx")}\\s+.{{0,20}}{Fresh("/xxxx")}";
        return IsNumber(text) ? _random.Next(1, 65536).ToString(CultureInfo.InvariantCulture) : Fresh(text);
    }

    /// <summary>A text of the same shape that was not given out before.</summary>
    string Fresh(string shape)
    {
        for (int tries = 0; ; tries++)
        {
            // Where the short ones are used up it becomes longer.
            string text = Random(shape) + Random(new string('x', tries / 20));
            if (_taken.Add(text)) return text;
        }
    }

    string Random(string shape)
    {
        var text = new StringBuilder(shape.Length);
        foreach (char c in shape)
        {
            // Squared: letters that are frequent in words are so here.
            double random = _random.NextDouble();
            char letter = Letters[(int)(random * random * Letters.Length)];
            text.Append(char.IsAsciiDigit(c) ? (char)('0' + _random.Next(10)) : char.IsUpper(c) ? char.ToUpperInvariant(letter) : char.IsLetter(c) ? letter : c);
        }
        return text.ToString();
    }

    static bool IsNumber(string text) => text.Length > 0 && text.All(char.IsAsciiDigit);
}
