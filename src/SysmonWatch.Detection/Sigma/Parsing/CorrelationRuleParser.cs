using System.Globalization;
using SysmonWatch.Detection.Sigma.Files;
using SysmonWatch.Detection.Sigma.Rules;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Makes a <see cref="CorrelationRule"/> of a YAML document that has a <c>correlation</c> key.</summary>
/// <remarks>
/// Source: Sigma specification v2.1.0, correlation rules; where it is silent, what pySigma accepts (scalar lists, timespans in w, M and y,
/// value_median, percentile, extended temporal conditions). docs/correlations.md says what was decided.
/// </remarks>
public static class CorrelationRuleParser
{
    static readonly Dictionary<string, CorrelationType> Types = new(StringComparer.Ordinal)
    {
        ["event_count"] = CorrelationType.EventCount,
        ["value_count"] = CorrelationType.ValueCount,
        ["temporal"] = CorrelationType.Temporal,
        ["temporal_ordered"] = CorrelationType.TemporalOrdered,
        ["value_sum"] = CorrelationType.ValueSum,
        ["value_avg"] = CorrelationType.ValueAverage,
        ["value_percentile"] = CorrelationType.ValuePercentile,
        ["value_median"] = CorrelationType.ValueMedian,
    };

    /// <summary>
    /// Reads the document. Every mistake becomes a problem, not only the first; references stay unresolved.
    /// </summary>
    /// <param name="document">The whole document; only its keys <c>correlation</c> and <c>generate</c> are read.</param>
    /// <param name="metadata">What the document says about itself; its file names the place of problems.</param>
    /// <param name="problems">Problems are added here.</param>
    /// <param name="rule">The rule; null where there was an error.</param>
    /// <returns>True where there was no error (warnings are possible).</returns>
    public static bool TryParse(YamlMappingNode document, RuleMetadata metadata, List<RuleProblem> problems, out CorrelationRule? rule)
    {
        rule = Parse(document, metadata, new ProblemList(metadata.File, problems));
        return rule is not null;
    }

    /// <summary>The same for a document of a file; null where there was an error.</summary>
    internal static CorrelationRule? Parse(YamlMappingNode document, RuleMetadata metadata, ProblemList problems) =>
        new CorrelationReader(metadata, problems).Read(document);

    /// <summary>The type with this name in Sigma.</summary>
    internal static bool TryFindType(string name, out CorrelationType type) => Types.TryGetValue(name, out type);

    /// <summary>All names of types, for messages.</summary>
    internal static string KnownTypes => string.Join(", ", Types.Keys);

    /// <summary>Reads a timespan: digits and one unit.</summary>
    /// <param name="text">As written, e.g. <c>15m</c>.</param>
    /// <param name="microseconds">Its length.</param>
    /// <returns>False where it is no timespan, zero, or longer than a thousand years.</returns>
    /// <remarks>A month is 2,629,746 s and a year 31,556,952 s (Gregorian averages), as in pySigma.</remarks>
    internal static bool TryReadTimespan(string text, out long microseconds)
    {
        microseconds = 0;
        if (text.Length < 2) return false;
        long seconds = text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3_600, 'd' => 86_400, 'w' => 604_800, 'M' => 2_629_746, 'y' => 31_556_952, _ => 0 };
        if (seconds == 0 || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long number)) return false;
        if (number <= 0 || number > 31_556_952_000 / seconds) return false;
        microseconds = number * seconds * 1_000_000;
        return true;
    }
}
