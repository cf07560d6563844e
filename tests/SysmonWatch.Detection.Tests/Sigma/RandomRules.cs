using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>Makes rules and events of so few characters that they often match.</summary>
sealed class RandomRules(int seed, params string[] fields)
{
    static readonly string[] Pieces = ["a", "b", "B", "aa", "ab", "/", "-", "–", " ", "é", "É", "k", "K", "\u212A", "ⱥ", "Ⱥ", "ß", "1", "0", "42", ".", "😀", "\\", "\n", "ſ", "ı"];
    static readonly string[] Wild = ["*", "?", "\\*", "\\?", "\\\\"];
    static readonly string[] TextChains = ["", "", "contains", "contains", "startswith", "endswith", "cased", "contains|cased", "endswith|cased", "contains|all", "neq", "contains|windash", "endswith|windash", "base64offset|contains", "startswith|neq"];
    static readonly string[] Regexes = ["a+b", "(?i)ka", "^a.*b$", "[ab]k", "a|bb", "42", "(aa)+b?", "b{2}a", "a\\.b", "ab(?:k|1)a", "\\d\\d", "é", "ss", "aba"];
    readonly Random _random = new(seed);
    readonly string[] _fields = fields.Length > 0 ? fields : ["A", "B", "C.D"];

    /// <summary>The text of a rule.</summary>
    public string Rule(int number)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"title: rule {number}\nlogsource:\n  product: linux\ndetection:\n");
        int selections = _random.Next(1, 4);
        for (int i = 0; i < selections; i++) text.Append(CultureInfo.InvariantCulture, $"  s{i}:\n{Selection()}");
        text.Append(CultureInfo.InvariantCulture, $"  condition: {Condition(selections, 0)}\n");
        return text.ToString();
    }

    /// <summary>An event as JSON.</summary>
    public string Event()
    {
        var fields = new Dictionary<string, object?>();
        foreach (string field in _fields)
        {
            if (_random.Next(5) > 0) fields[field] = Value();
        }
        return JsonSerializer.Serialize(fields);
    }

    /// <summary>A value as Sysmon writes it.</summary>
    public string Plain() => _random.Next(6) == 0 ? "-" : Text(false);

    object? Value() => _random.Next(8) switch
    {
        0 => _random.Next(50),
        1 => null,
        2 => new object?[] { Text(false), Text(false), null, 42 },
        3 => _random.Next(2) == 0,
        4 => ((string[])["042", "42.0", "-1", "1e1", "true", "", "2026-01-02 03:04:05", "10.1.2.3"])[_random.Next(8)],
        _ => Text(false),
    };

    string Text(bool wild)
    {
        var text = new StringBuilder();
        for (int i = _random.Next(wild ? 4 : 7); i >= 0; i--)
        {
            text.Append(wild && _random.Next(4) == 0 ? Wild[_random.Next(Wild.Length)] : Pieces[_random.Next(Pieces.Length)]);
        }
        return text.ToString();
    }

    string Selection()
    {
        if (_random.Next(8) == 0) return $"    - {Quote(Text(true))}\n    - {Quote(Text(true))}\n";
        var lines = new StringBuilder();
        foreach (string field in _fields.OrderBy(_ => _random.Next()).Take(_random.Next(1, 3))) lines.Append(Item(field));
        return lines.ToString();
    }

    string Item(string field) => _random.Next(12) switch
    {
        0 => $"    {field}: null\n",
        1 => $"    {field}|exists: {(_random.Next(2) == 0 ? "true" : "false")}\n",
        2 => $"    {field}: {_random.Next(50)}\n",
        3 => $"    {field}|{((string[])["lt", "lte", "gt", "gte"])[_random.Next(4)]}: {_random.Next(50)}\n",
        4 => $"    {field}|re: {Quote(Regexes[_random.Next(Regexes.Length)])}\n",
        5 => $"    {field}|re|i: {Quote(Regexes[_random.Next(Regexes.Length)])}\n",
        6 => $"    {field}|fieldref{((string[])["", "|contains", "|endswith", "|cased"])[_random.Next(4)]}: {_fields[_random.Next(_fields.Length)]}\n",
        7 => $"    {field}:\n      - true\n      - 42\n      - null\n      - ''\n",
        8 => $"    {field}|{((string[])["hour: 3", "cidr: 10.0.0.0/8", "hour|gte: 2"])[_random.Next(3)]}\n",
        _ => TextItem(field),
    };

    string TextItem(string field)
    {
        string chain = TextChains[_random.Next(TextChains.Length)];
        bool wild = !chain.Contains("base64", StringComparison.Ordinal);
        string key = chain.Length == 0 ? field : $"{field}|{chain}";
        return $"    {key}:\n" + string.Concat(Enumerable.Range(0, _random.Next(1, 4)).Select(_ => $"      - {Quote(wild ? Text(true) : Text(false) + "ab")}\n"));
    }

    string Condition(int selections, int depth) => (depth > 3 ? 0 : _random.Next(7)) switch
    {
        1 => $"({Condition(selections, depth + 1)} and {Condition(selections, depth + 1)})",
        2 => $"({Condition(selections, depth + 1)} or {Condition(selections, depth + 1)})",
        3 => $"not {Condition(selections, depth + 1)}",
        4 => "1 of s*",
        5 => "all of them",
        _ => $"s{_random.Next(selections)}",
    };

    static string Quote(string text) => JsonSerializer.Serialize(text);
}
