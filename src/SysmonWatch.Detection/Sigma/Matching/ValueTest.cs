using System.Text.RegularExpressions;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>
/// What a rule asks of one value of a field. Made when rules are loaded; afterwards nothing about it can fail. Immutable and thread-safe.
/// </summary>
/// <param name="key">Equal for two tests that always have the same answer, so that rules can share it.</param>
abstract class ValueTest(string key)
{
    /// <summary>Equal for two tests that always have the same answer.</summary>
    public string Key { get; } = key;

    /// <summary>True where the value is what the rule asks for.</summary>
    /// <param name="e">The event, for tests that look at another field.</param>
    /// <param name="kind">Text, number or boolean; a test never sees an absent field or null.</param>
    /// <param name="value">The value.</param>
    /// <param name="scratch">Buffers.</param>
    public abstract bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch);
}

/// <summary>A number, equal by value or written as the rule writes it: 4444 is 4444, "4444" and "04444".</summary>
sealed class NumberTest(Number number, string written) : ValueTest($"number:{number}:{written}")
{
    readonly byte[] _written = CaseFolding.Fold(System.Text.Encoding.UTF8.GetBytes(written));

    /// <summary>As the rule writes it.</summary>
    public string Written { get; } = written;

    /// <summary>Its digits in the one form that a value of plain digits has where it is equal; null where the number is too large for that.</summary>
    public string? Canonical { get; } = number.IsExact ? number.ToString() : null;

    /// <inheritdoc/>
    public override bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch) =>
        (Number.TryParse(value, kind == ValueKind.Number, out Number found) && found.CompareTo(number) == 0)
        || System.Text.Ascii.EqualsIgnoreCase(value, _written);
}

/// <summary>"true" or "false", in any case.</summary>
sealed class BooleanTest(bool expected) : ValueTest(expected ? "true" : "false")
{
    /// <inheritdoc/>
    public override bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch) =>
        System.Text.Ascii.EqualsIgnoreCase(value, expected ? "true"u8 : "false"u8);
}

/// <summary>Absent or null. The one test that is about no value: see <see cref="ItemTest"/>.</summary>
sealed class NullTest() : ValueTest("null")
{
    /// <inheritdoc/>
    public override bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch) => false;
}

/// <summary>Whether the event has the field, whatever its value: see <see cref="ItemTest"/>.</summary>
sealed class ExistsTest(bool expected) : ValueTest(expected ? "exists" : "exists not")
{
    /// <summary>True: the field must be there.</summary>
    public bool Expected { get; } = expected;

    /// <inheritdoc/>
    public override bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch) => false;
}

/// <summary>A regular expression that cannot backtrack, found anywhere in the value.</summary>
/// <param name="key">The expression as the rule says it, with its flags.</param>
/// <param name="pattern">In .NET's dialect, known to be good, over the alphabet.</param>
/// <param name="options">With <see cref="RegexOptions.NonBacktracking"/>.</param>
/// <param name="alphabet">What stands for the characters beyond ASCII.</param>
/// <remarks>
/// Compiling one takes a millisecond and much memory for a while, so it is done when the first value has to be tried: most rules never see one.
/// <see cref="SafeRegex"/> has made sure that it can be done.
/// </remarks>
sealed class RegexTest(string key, string pattern, RegexOptions options, RegexAlphabet alphabet) : ValueTest(key)
{
    readonly Lazy<Regex> _regex = new(() => new Regex(pattern, options));

    /// <summary>The expression in .NET's dialect.</summary>
    public string Pattern { get; } = pattern;

    /// <summary>Its options.</summary>
    public RegexOptions Options { get; } = options;

    /// <summary>The fewest bytes that a value has in which it is found.</summary>
    public int Shortest { get; } = RegexLength.Shortest(pattern);

    /// <summary>True where it has been compiled.</summary>
    public bool IsCompiled => _regex.IsValueCreated;

    /// <summary>Compiles it where that has not been done.</summary>
    public void Prepare() => _ = _regex.Value;

    /// <inheritdoc/>
    public override bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch) =>
        value.Length >= Shortest && _regex.Value.IsMatch(scratch.Chars(value, alphabet));
}

/// <summary>An IP address in a network.</summary>
sealed class CidrTest(IpNetwork network) : ValueTest($"cidr:{network}")
{
    /// <inheritdoc/>
    public override bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch) => network.Contains(value);
}

/// <summary>How numbers are compared.</summary>
enum Comparison
{
    /// <summary>Same number.</summary>
    Equal,

    /// <summary>Less.</summary>
    Less,

    /// <summary>Less or equal.</summary>
    LessOrEqual,

    /// <summary>Greater.</summary>
    Greater,

    /// <summary>Greater or equal.</summary>
    GreaterOrEqual,
}

/// <summary>A numeric comparison; what is no number is never less or greater.</summary>
sealed class CompareTest(Comparison comparison, Number bound) : ValueTest($"compare:{comparison}:{bound}")
{
    /// <summary>How to compare.</summary>
    public static bool Holds(Comparison comparison, int order) => comparison switch
    {
        Comparison.Less => order < 0,
        Comparison.LessOrEqual => order <= 0,
        Comparison.Greater => order > 0,
        Comparison.GreaterOrEqual => order >= 0,
        _ => order == 0,
    };

    /// <inheritdoc/>
    public override bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch) =>
        Number.TryParse(value, kind == ValueKind.Number, out Number found) && Holds(comparison, found.CompareTo(bound));
}

/// <summary>A part of a time stamp, as it is written: no time zone is converted.</summary>
sealed class TimePartTest(TimePart part, Comparison comparison, int bound) : ValueTest($"time:{part}:{comparison}:{bound}")
{
    /// <inheritdoc/>
    public override bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch) =>
        TimeParts.TryRead(value, part, out int found) && CompareTest.Holds(comparison, found.CompareTo(bound));
}

/// <summary>How one field is compared with another.</summary>
enum FieldComparison
{
    /// <summary>The same text.</summary>
    Equal,

    /// <summary>Contains the other's text.</summary>
    Contains,

    /// <summary>Starts with the other's text.</summary>
    StartsWith,

    /// <summary>Ends with the other's text.</summary>
    EndsWith,
}

/// <summary>The value of another field of the same event.</summary>
sealed class FieldReferenceTest(FieldId other, FieldComparison comparison, bool cased)
    : ValueTest($"fieldref:{comparison}:{cased}:{other.Name}")
{
    /// <inheritdoc/>
    public override bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch)
    {
        ReadOnlySpan<byte> mine = cased ? value : scratch.Fold(value);
        if (e.Find(other, out ReadOnlySpan<byte> its) > ValueKind.Null && Compare(mine, cased ? its : scratch.FoldOther(its))) return true;
        for (int i = 0; e.TryAlternative(other, i, out ReadOnlySpan<byte> alternative); i++)
        {
            if (scratch.AsWritten && e.RepairOf(other, i) is not null) continue;
            if (Compare(mine, cased ? alternative : scratch.FoldOther(alternative))) return true;
        }
        return false;
    }

    bool Compare(ReadOnlySpan<byte> mine, ReadOnlySpan<byte> its) => comparison switch
    {
        FieldComparison.Contains => mine.IndexOf(its) >= 0,
        FieldComparison.StartsWith => mine.StartsWith(its),
        FieldComparison.EndsWith => mine.EndsWith(its),
        _ => mine.SequenceEqual(its),
    };
}

/// <summary>Any of several tests that one value of a rule was expanded to (<c>base64offset</c>, <c>expand</c>).</summary>
sealed class AnyTest(IReadOnlyList<ValueTest> variants) : ValueTest("any(" + string.Join(")(", variants.Select(v => v.Key)) + ")")
{
    /// <summary>The variants.</summary>
    public IReadOnlyList<ValueTest> Variants { get; } = variants;

    /// <inheritdoc/>
    public override bool Matches(FieldedEvent e, ValueKind kind, ReadOnlySpan<byte> value, MatchScratch scratch)
    {
        foreach (ValueTest variant in Variants)
        {
            if (variant.Matches(e, kind, value, scratch)) return true;
        }
        return false;
    }
}
