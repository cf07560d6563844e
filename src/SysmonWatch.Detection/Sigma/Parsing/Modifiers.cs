using System.Text;
using System.Text.RegularExpressions;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Sigma's value modifiers: each makes of one value another, or several of which any may match.</summary>
/// <param name="placeholders">Values for <c>expand</c>.</param>
/// <remarks>Source: Sigma specification 2.1, appendix "Modifiers"; what it leaves open is in docs/sigma.md.</remarks>
sealed class Modifiers(IReadOnlyDictionary<string, IReadOnlyList<string>> placeholders)
{
    /// <summary>The most variants that one value may expand to.</summary>
    public const int MostVariants = 4096;

    /// <summary>All names, for messages.</summary>
    public static IReadOnlyList<string> Known { get; } =
    [
        "all", "base64", "base64offset", "cased", "cidr", "contains", "day", "dotall", "endswith", "exists", "expand", "fieldref", "gt", "gte",
        "hour", "i", "ignorecase", "lt", "lte", "m", "minute", "month", "multiline", "neq", "re", "s", "startswith", "utf16", "utf16be",
        "utf16le", "week", "wide", "windash", "year",
    ];

    /// <summary>Those that ask something else than for a text, which a keyword cannot be asked.</summary>
    public static IReadOnlyList<string> NeedField { get; } =
        ["exists", "gt", "gte", "lt", "lte", "cidr", "fieldref", "minute", "hour", "day", "week", "month", "year"];

    static readonly string[] TextModifiers = ["contains", "startswith", "endswith", "cased", "windash", "base64", "base64offset", "re"];

    /// <summary>Applies one modifier.</summary>
    /// <param name="name">One of <see cref="Known"/>, but not <c>all</c> and <c>neq</c>, which are about the whole item.</param>
    /// <param name="draft">The value.</param>
    /// <param name="results">What came of it.</param>
    /// <returns>Null, or why the modifier cannot be applied to this value.</returns>
    public string? Apply(string name, Draft draft, List<Draft> results)
    {
        // 00000429 without quotes is a number in YAML 1.2 and none in 1.1; where a text is asked for its digits are meant.
        if (draft is Draft.Numeric { HasLeadingZero: true } digits && TextModifiers.Contains(name)) draft = new Draft.Text(digits.Written, SigmaText.Parse(digits.Written));
        switch (name, draft)
        {
            case ("contains", Draft.Text t): results.Add(t with { Parts = Open(t.Parts, true, true) }); return null;
            case ("startswith", Draft.Text t): results.Add(t with { Parts = Open(t.Parts, false, true) }); return null;
            case ("endswith", Draft.Text t): results.Add(t with { Parts = Open(t.Parts, true, false) }); return null;
            case ("contains", Draft.Field f): results.Add(f with { How = FieldComparison.Contains }); return null;
            case ("startswith", Draft.Field f): results.Add(f with { How = FieldComparison.StartsWith }); return null;
            case ("endswith", Draft.Field f): results.Add(f with { How = FieldComparison.EndsWith }); return null;
            case ("contains" or "startswith" or "endswith", Draft.Expression): results.Add(draft); return null; // found anywhere already
            case ("cased", Draft.Text t): results.Add(t with { Cased = true }); return null;
            case ("cased", Draft.Field f): results.Add(f with { Cased = true }); return null;
            case ("windash", Draft.Text t): results.Add(t with { Parts = [.. t.Parts.SelectMany(OpenDashes)], Touched = true }); return null;
            case ("base64", Draft.Text t): return Encode(t, results, Base64Once);
            case ("base64offset", Draft.Text t): return Encode(t, results, Base64Thrice);
            case ("wide" or "utf16le", Draft.Text t): return Transcode(t, results, Encoding.Unicode, []);
            case ("utf16be", Draft.Text t): return Transcode(t, results, Encoding.BigEndianUnicode, []);
            case ("utf16", Draft.Text t): return Transcode(t, results, Encoding.Unicode, [0xFF, 0xFE]);
            case ("re", Draft.Text { Touched: false, Cased: false } t): results.Add(new Draft.Expression(t.Original, RegexOptions.None)); return null;
            case ("i" or "ignorecase", Draft.Expression e): results.Add(e with { Flags = e.Flags | RegexOptions.IgnoreCase }); return null;
            case ("m" or "multiline", Draft.Expression e): results.Add(e with { Flags = e.Flags | RegexOptions.Multiline }); return null;
            case ("s" or "dotall", Draft.Expression e): results.Add(e with { Flags = e.Flags | RegexOptions.Singleline }); return null;
            case ("i" or "ignorecase" or "m" or "multiline" or "s" or "dotall", _): return $"'{name}' is a flag of a regular expression; write it after re, as in re|{name}";
            case ("cidr", Draft.Text { Touched: false } t): return Cidr(t, results);
            case ("lt" or "lte" or "gt" or "gte", Draft.Numeric n): results.Add(new Draft.Compare(ComparisonOf(name), n.Value)); return null;
            case ("lt" or "lte" or "gt" or "gte", Draft.Time t): results.Add(t with { How = ComparisonOf(name) }); return null;
            case ("lt" or "lte" or "gt" or "gte", Draft.Text t) when Number.TryParse(t.Original, true, out _):
                return $"'{name}' needs a number and '{t.Original}' is a text; remove its quotes";
            case ("lt" or "lte" or "gt" or "gte", Draft.Text t): return $"'{name}' needs a finite number, not '{t.Original}'";
            case ("minute" or "hour" or "day" or "week" or "month" or "year", Draft.Numeric n): return Time(name, n, results);
            case ("exists", Draft.Boolean b): results.Add(new Draft.Presence(b.Value)); return null;
            case ("exists", _): return $"'exists' needs true or false, not {draft.Kind}";
            case ("fieldref", Draft.Text { Touched: false } t): return FieldReference(t, results);
            case ("expand", Draft.Text { Touched: false } t): return Expand(t, results);
            case (_, Draft.Numeric n): return $"'{name}' cannot be applied to {n.Kind}; quote it: '{n.Written}'";
            case (_, Draft.Boolean or Draft.Null): return $"'{name}' cannot be applied to {draft.Kind}";
            default: return $"'{name}' cannot be applied to {draft.Kind} at this place in the chain of modifiers";
        }
    }

    static List<PatternPart> Open(IReadOnlyList<PatternPart> parts, bool start, bool end)
    {
        List<PatternPart> open = [.. parts];
        if (start && (open.Count == 0 || open[0].Kind != PartKind.Any)) open.Insert(0, PatternPart.Any);
        if (end && (open.Count == 0 || open[^1].Kind != PartKind.Any)) open.Add(PatternPart.Any);
        return open;
    }

    static IEnumerable<PatternPart> OpenDashes(PatternPart part)
    {
        if (part.Kind != PartKind.Literal)
        {
            yield return part;
            yield break;
        }
        var literal = new StringBuilder();
        foreach (char c in Encoding.UTF8.GetString(part.Literal))
        {
            if (c is not ('-' or '/' or '\u2013' or '\u2014' or '\u2015'))
            {
                literal.Append(c);
                continue;
            }
            if (literal.Length > 0) yield return PatternPart.Of(Encoding.UTF8.GetBytes(literal.ToString()));
            literal.Clear();
            yield return PatternPart.Dash;
        }
        if (literal.Length > 0) yield return PatternPart.Of(Encoding.UTF8.GetBytes(literal.ToString()));
    }

    /// <summary>Encodings need to know the characters: each dash in turn.</summary>
    static string? CloseDashes(Draft.Text text, out List<List<PatternPart>> variants)
    {
        variants = [[]];
        foreach (PatternPart part in text.Parts)
        {
            if (part.Kind != PartKind.Dash)
            {
                foreach (List<PatternPart> variant in variants) variant.Add(part);
                continue;
            }
            if (variants.Count * 5 > MostVariants) return $"'{text.Original}' has too many dashes to be encoded; at most {MostVariants} variants are made of a value";
            variants = [.. variants.SelectMany(v => Dashes.Select(d => new List<PatternPart>([.. v, d])))];
        }
        return null;
    }

    static readonly PatternPart[] Dashes =
        [PatternPart.Of("-"u8), PatternPart.Of("/"u8), PatternPart.Of("–"u8), PatternPart.Of("—"u8), PatternPart.Of("―"u8)];

    static string? Encode(Draft.Text text, List<Draft> results, Func<byte[], IEnumerable<byte[]>> encode)
    {
        bool isOpen = text.Parts.Any(p => p.Kind is PartKind.Any or PartKind.One);
        if (isOpen && !SigmaText.HasWildcards(text.Original)) return "what contains, startswith or endswith adds has no Base64 form; write them after it, as in base64offset|contains";
        if (isOpen) return $"'{text.Original}' has wildcards, which have no Base64 form; escape them with \\ or leave them out";
        if (CloseDashes(text, out List<List<PatternPart>> variants) is { } reason) return reason;
        foreach (List<PatternPart> variant in variants)
        {
            byte[] bytes = [.. variant.SelectMany(p => p.Literal)];
            foreach (byte[] encoded in encode(bytes))
            {
                if (encoded.Length == 0 && bytes.Length > 0) return $"'{text.Original}' is too short: one of its Base64 forms would be empty and match everything; write at least two bytes";
                results.Add(text with { Parts = encoded.Length == 0 ? [] : [PatternPart.Of(encoded)], Touched = true });
            }
        }
        return null;
    }

    static IEnumerable<byte[]> Base64Once(byte[] bytes) => [Encoding.ASCII.GetBytes(Convert.ToBase64String(bytes))];

    /// <summary>The characters that depend on the value alone, for the value at each of the three places in a group of three bytes.</summary>
    static IEnumerable<byte[]> Base64Thrice(byte[] bytes)
    {
        for (int offset = 0; offset < 3; offset++)
        {
            byte[] encoded = Encoding.ASCII.GetBytes(Convert.ToBase64String([.. new byte[offset], .. bytes]));
            int start = offset switch { 0 => 0, 1 => 2, _ => 3 };
            int cut = ((bytes.Length + offset) % 3) switch { 0 => 0, 1 => 3, _ => 2 };
            yield return encoded[Math.Min(start, encoded.Length)..Math.Max(Math.Min(start, encoded.Length), encoded.Length - cut)];
        }
    }

    static string? Transcode(Draft.Text text, List<Draft> results, Encoding encoding, byte[] mark)
    {
        if (CloseDashes(text, out List<List<PatternPart>> variants) is { } reason) return reason;
        foreach (List<PatternPart> variant in variants)
        {
            List<PatternPart> parts = mark.Length > 0 ? [PatternPart.Of(mark)] : [];
            foreach (PatternPart part in variant)
            {
                parts.Add(part.Kind != PartKind.Literal ? part : PatternPart.Of(Encoding.Convert(Encoding.UTF8, encoding, part.Literal)));
            }
            results.Add(text with { Parts = parts, Touched = true });
        }
        return null;
    }

    static string? Cidr(Draft.Text text, List<Draft> results)
    {
        IpNetwork? network = IpNetwork.Parse(text.Original, out string? reason);
        if (network is not null) results.Add(new Draft.Network(network));
        return reason;
    }

    static string? Time(string name, Draft.Numeric number, List<Draft> results)
    {
        if (number.Value.Whole is not { } whole) return $"'{name}' needs a whole number, not {number.Written}";
        results.Add(new Draft.Time(Enum.Parse<TimePart>(name, ignoreCase: true), Comparison.Equal, whole));
        return null;
    }

    static string? FieldReference(Draft.Text text, List<Draft> results)
    {
        if (SigmaText.HasWildcards(text.Original)) return $"'{text.Original}' has wildcards; a field reference is the name of one field";
        if (text.Original.Length == 0) return "'fieldref' needs the name of a field";
        FieldComparison how = text.Parts switch
        {
            [{ Kind: PartKind.Any }, .., { Kind: PartKind.Any }] => FieldComparison.Contains,
            [{ Kind: PartKind.Any }, ..] => FieldComparison.EndsWith,
            [.., { Kind: PartKind.Any }] => FieldComparison.StartsWith,
            _ => FieldComparison.Equal,
        };
        string name = string.Concat(SigmaText.Parse(text.Original).Select(p => Encoding.UTF8.GetString(p.Literal)));
        results.Add(new Draft.Field(FieldId.Of(name), how, text.Cased));
        return null;
    }

    string? Expand(Draft.Text text, List<Draft> results)
    {
        foreach ((string name, _) in Placeholders.Split(text.Original).Where(piece => piece.IsPlaceholder))
        {
            if (placeholders.TryGetValue(name, out IReadOnlyList<string>? known) && known.Count > 0) continue;
            return $"the placeholder %{name}% has no values; give it some (rules.placeholders in the configuration), or do without the rule";
        }
        List<List<PatternPart>> variants = [[]];
        foreach (PatternPart part in text.Parts)
        {
            if (part.Kind != PartKind.Literal)
            {
                foreach (List<PatternPart> variant in variants) variant.Add(part);
                continue;
            }
            foreach ((string piece, bool isPlaceholder) in Placeholders.Split(Encoding.UTF8.GetString(part.Literal)))
            {
                if (!isPlaceholder)
                {
                    foreach (List<PatternPart> variant in variants) variant.Add(PatternPart.Of(Encoding.UTF8.GetBytes(piece)));
                    continue;
                }
                if (!placeholders.TryGetValue(piece, out IReadOnlyList<string>? values)) return $"the placeholder %{piece}% has wildcards or escapes in its name";
                if ((long)variants.Count * values.Count > MostVariants) return $"the placeholders of '{text.Original}' make more than {MostVariants} variants";
                variants = [.. variants.SelectMany(v => values.Select(value => new List<PatternPart>([.. v, .. SigmaText.Parse(value)])))];
            }
        }
        foreach (List<PatternPart> variant in variants) results.Add(text with { Parts = variant, Touched = true });
        return null;
    }

    static Comparison ComparisonOf(string name) => name switch
    {
        "lt" => Comparison.Less,
        "lte" => Comparison.LessOrEqual,
        "gt" => Comparison.Greater,
        _ => Comparison.GreaterOrEqual,
    };
}
