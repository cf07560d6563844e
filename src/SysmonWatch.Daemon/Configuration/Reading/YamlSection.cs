using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>
/// One mapping of the file. Its reader takes the keys it knows and then calls <see cref="End"/>, which reports all others.
/// An absent or empty mapping gives every default.
/// </summary>
sealed class YamlSection
{
    readonly Dictionary<string, (YamlScalarNode Key, YamlNode Value)> _entries = new(StringComparer.Ordinal);
    readonly List<string> _known = [];
    readonly ProblemList _problems;
    readonly bool _holdsSecrets;

    /// <param name="node">The mapping; null or an empty scalar where the file has none.</param>
    /// <param name="path">Its name in messages, empty for the whole file.</param>
    /// <param name="problems">Where problems go.</param>
    /// <param name="holdsSecrets">True where what it holds is not shown: a secret may stand in the place of anything by mistake.</param>
    public YamlSection(YamlNode? node, string path, ProblemList problems, bool holdsSecrets = false)
    {
        Path = path;
        At = node?.Start ?? new Mark(0, 1, 1);
        _problems = problems;
        _holdsSecrets = holdsSecrets;
        if (node is null || IsEmpty(node)) return;
        if (node is not YamlMappingNode mapping)
        {
            string named = path.Length == 0 ? "the file" : path;
            problems.Error(node.Start, $"{named}: {Kind(node)} where keys with values are expected.");
            return;
        }
        foreach ((YamlNode key, YamlNode value) in mapping.Children)
        {
            if (key is YamlScalarNode { Value: { } name } scalar) _entries[name] = (scalar, value);
            else problems.Error(key.Start, $"{Name("")}: {Kind(key)} where a key is expected.");
        }
    }

    /// <summary>Name in messages, e.g. <c>webhooks[0].retry</c>.</summary>
    public string Path { get; }

    /// <summary>Where it begins in the file.</summary>
    public Mark At { get; }

    /// <summary>The keys of a mapping whose keys are not known beforehand, in the order of the file.</summary>
    public IEnumerable<(YamlScalarNode Key, YamlNode Value)> Entries => _entries.Values;

    /// <summary>The name of a key of this section in messages.</summary>
    public string Name(string key) => Path.Length == 0 ? key : key.Length == 0 ? Path : $"{Path}.{key}";

    /// <summary>The value of a key; null where it is absent.</summary>
    public YamlNode? Take(string key)
    {
        _known.Add(key);
        return _entries.TryGetValue(key, out (YamlScalarNode Key, YamlNode Value) entry) ? entry.Value : null;
    }

    /// <summary>The mapping under a key.</summary>
    public YamlSection Section(string key) => new(Take(key), Name(key), _problems, _holdsSecrets);

    /// <summary>The value of a key, or the fallback where it is absent or wrong; what is wrong is reported.</summary>
    public T Read<T>(string key, T fallback, Func<string, Parsed<T>> parse) => TryRead(key, parse, out T value) ? value : fallback;

    /// <summary>The value of a key that must be there.</summary>
    /// <returns>False where it is absent or wrong, which has then been reported.</returns>
    public bool Require<T>(string key, Func<string, Parsed<T>> parse, string expected, out T value)
    {
        if (!_entries.ContainsKey(key)) _problems.Error(At, $"{Name(key)}: is missing; expected {expected}.");
        return TryRead(key, parse, out value);
    }

    /// <summary>A list of texts, or a single one; the fallback where the key is absent or empty.</summary>
    /// <param name="key">The key.</param>
    /// <param name="fallback">What counts where the file says nothing.</param>
    /// <param name="parse">Makes a text of the options from one of the file.</param>
    /// <param name="whyNotEmpty">Why the list must have an item, as it reads after "is empty"; null where it need not.</param>
    public IReadOnlyList<string> Texts(string key, IReadOnlyList<string> fallback, Func<string, Parsed<string>> parse, string? whyNotEmpty = null)
    {
        YamlNode? node = Take(key);
        if (whyNotEmpty is not null && node is YamlSequenceNode { Children.Count: 0 }) _problems.Error(node.Start, $"{Name(key)}: is empty{whyNotEmpty}.");
        return node is null || IsEmpty(node) ? fallback : [.. Items(key, node, parse).Select(item => item.Text)];
    }

    /// <summary>A list of texts with their places, for what can only be judged later.</summary>
    public IReadOnlyList<PlacedText> PlacedTexts(string key)
    {
        YamlNode? node = Take(key);
        if (node is null || IsEmpty(node)) return [];
        return Items(key, node, Parsed<string>.Good);
    }

    List<PlacedText> Items(string key, YamlNode node, Func<string, Parsed<string>> parse)
    {
        var texts = new List<PlacedText>();
        int number = 0;
        foreach (YamlNode item in node is YamlSequenceNode sequence ? sequence.Children : [node])
        {
            string name = node is YamlSequenceNode ? $"{Name(key)}[{number++}]" : Name(key);
            if (TryText(item, name, out string text) && Check(item, name, parse(text), out string value)) texts.Add(new PlacedText(value, (int)item.Start.Line, (int)item.Start.Column));
        }
        return texts;
    }

    /// <summary>The items of a list of mappings, which may hold secrets; none where the key is absent or empty.</summary>
    public IReadOnlyList<YamlSection> SecretSections(string key)
    {
        YamlNode? node = Take(key);
        if (node is null || IsEmpty(node)) return [];
        if (node is YamlSequenceNode sequence)
        {
            return [.. sequence.Children.Select((item, number) => new YamlSection(item, $"{Name(key)}[{number}]", _problems, holdsSecrets: true))];
        }
        _problems.Error(node.Start, $"{Name(key)}: {Kind(node)} where a list is expected; begin each item with '- '.");
        return [];
    }

    /// <summary>Reports every key that was not taken.</summary>
    public void End()
    {
        foreach ((string name, (YamlScalarNode key, _)) in _entries)
        {
            if (_known.Contains(name)) continue;
            string where = Path.Length == 0 ? "" : $" in {Path}";
            string suggestion = Wording.DidYouMean(name, _known);
            // What is nearly a key is none of the secrets.
            string found = _holdsSecrets && suggestion.Length == 0 ? "" : $" {Wording.Quote(name)}";
            if (suggestion.Length == 0) suggestion = $" Known: {string.Join(", ", _known)}.";
            _problems.Error(key.Start, $"unknown key{found}{where}.{suggestion}");
        }
    }

    /// <summary>True where the node says nothing: <c>key:</c> with no value.</summary>
    public static bool IsEmpty(YamlNode node) => node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };

    /// <summary>What kind of node it is, for messages.</summary>
    public static string Kind(YamlNode node) => node switch
    {
        YamlMappingNode => "a mapping",
        YamlSequenceNode => "a list",
        YamlScalarNode scalar when IsEmpty(scalar) => "nothing",
        YamlScalarNode => "a single value",
        _ => "something else",
    };

    bool TryRead<T>(string key, Func<string, Parsed<T>> parse, out T value)
    {
        value = default!;
        return Take(key) is { } node && TryText(node, Name(key), out string text) && Check(node, Name(key), parse(text), out value);
    }

    bool TryText(YamlNode node, string name, out string text)
    {
        text = (node as YamlScalarNode)?.Value ?? "";
        if (node is YamlScalarNode && !IsEmpty(node)) return true;
        string fix = IsEmpty(node) ? "; give it a value or remove the key" : "";
        _problems.Error(node.Start, $"{name}: {Kind(node)} where a single value is expected{fix}.");
        return false;
    }

    bool Check<T>(YamlNode node, string name, Parsed<T> parsed, out T value)
    {
        value = parsed.Value;
        if (parsed.Wrong is null) return true;
        string found = parsed.Found is null ? "" : _holdsSecrets ? "the value " : Wording.Quote(parsed.Found) + " ";
        _problems.Error(node.Start, $"{name}: {found}{parsed.Wrong}");
        return false;
    }
}
