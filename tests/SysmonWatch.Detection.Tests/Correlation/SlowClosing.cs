using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Correlation;

/// <summary>The obvious twin for conditions that are decided at a window's end: sees the whole stream, which is in order, and cuts it up.</summary>
static class SlowClosing
{
    public static List<string> Cut(CorrelationRule rule, IEnumerable<Arrival> arrivals)
    {
        var hits = new List<string>();
        foreach (IGrouping<string, Arrival> group in arrivals.Where(a => Feeds(rule, a)).GroupBy(a => Field(a, "g")!))
        {
            List<Arrival> rest = [.. group.OrderBy(a => a.Time).ThenBy(a => a.Computer, StringComparer.Ordinal).ThenBy(a => a.Number)];
            if (IsSilence(rule)) hits.AddRange(Silences(rule, group.Key, rest));
            while (!IsSilence(rule) && rest.Count > 0)
            {
                List<Arrival> window = [.. rest.Where(a => a.Time <= rest[0].Time + rule.Timespan)];
                rest.RemoveRange(0, window.Count);
                decimal value = Value(rule, window);
                if (Holds(rule, window, value)) hits.Add($"corr [{group.Key}] {window[0].Number}..{window[^1].Number} of {window.Count} = {value:0.######}");
            }
        }
        return hits;
    }

    static IEnumerable<string> Silences(CorrelationRule rule, string key, List<Arrival> events)
    {
        for (int i = 0; i < events.Count; i++)
        {
            if (i + 1 < events.Count && events[i + 1].Time <= events[i].Time + rule.Timespan) continue;
            yield return $"corr [{key}] {events[i].Number}..{events[i].Number} of 1 = 0";
        }
    }

    static bool IsSilence(CorrelationRule rule) => rule.Comparisons is [{ Operator: ComparisonOperator.Equal, Value: 0 }];

    static bool Feeds(CorrelationRule rule, Arrival a) =>
        Field(a, "g") is not null && rule.Rules.Any(r => a.Rules.Split(' ').Contains(r.Text)) && (!rule.Fields.Contains("n") || Field(a, "n") != "-");

    static string? Field(Arrival a, string name) =>
        a.Fields.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(f => f.StartsWith(name + "=", StringComparison.Ordinal)).Select(f => f[2..]).FirstOrDefault();

    static bool Holds(CorrelationRule rule, List<Arrival> window, decimal value)
    {
        HashSet<string> matched = [.. window.SelectMany(a => a.Rules.Split(' '))];
        return rule.Expression is null
            ? rule.Comparisons.All(c => c.Holds(value))
            : matched.Contains("a") && !(matched.Contains("b") && matched.Contains("c"));
    }

    static decimal Value(CorrelationRule rule, List<Arrival> window)
    {
        decimal[] numbers = [.. window.Select(a => Field(a, "n")).Where(n => n != "-").Select(n => decimal.Parse(n!, System.Globalization.CultureInfo.InvariantCulture)).Order()];
        return rule.Type switch
        {
            CorrelationType.EventCount => window.Count,
            CorrelationType.ValueCount => window.Select(a => Field(a, "v")).Distinct().Count(),
            CorrelationType.Temporal => rule.Rules.Count(r => window.Any(a => a.Rules.Split(' ').Contains(r.Text))),
            CorrelationType.TemporalOrdered => Pairs(window) ? 2 : 1,
            CorrelationType.ValueSum => numbers.Sum(),
            _ => (numbers[(numbers.Length - 1) / 2] + numbers[numbers.Length / 2]) / 2,
        };
    }

    // [a, b] in order, at two events.
    static bool Pairs(List<Arrival> window) =>
        window.Index().Any(a => a.Item.Rules.Split(' ').Contains("a") && window.Skip(a.Index + 1).Any(b => b.Rules.Split(' ').Contains("b")));
}
