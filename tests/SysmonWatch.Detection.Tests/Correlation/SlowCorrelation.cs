using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Correlation;

/// <summary>
/// The obvious twin of the engine for one correlation that is decided at once: keeps every event, and computes every window anew at each.
/// </summary>
sealed class SlowCorrelation(CorrelationRule rule)
{
    readonly Dictionary<string, List<Entry>> _groups = [];

    sealed record Entry(Arrival Arrival, int[] Rules, string Value, decimal Number)
    {
        public bool Fired { get; set; }
    }

    /// <summary>What fires at an event, as <see cref="Stream.Text"/> says it.</summary>
    public List<string> Add(Arrival arrival)
    {
        Dictionary<string, string> fields = arrival.Fields.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(f => f.Split('=')).ToDictionary(f => f[0], f => f[1]);
        int[] rules = [.. rule.Rules.Index().Where(r => arrival.Rules.Split(' ').Contains(r.Item.Text)).Select(r => r.Index)];
        if (rules.Length == 0 || rule.GroupBy.Any(f => !fields.ContainsKey(f)) || rule.Fields.Any(f => !fields.ContainsKey(f))) return [];
        string value = string.Join('|', rule.Fields.Select(f => fields[f]));
        decimal number = 0;
        bool needsNumber = rule.Fields.Count > 0 && rule.Type != CorrelationType.ValueCount;
        if (needsNumber && !decimal.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out number)) return [];
        string key = string.Join(',', rule.GroupBy.Select(f => fields[f]));
        if (!_groups.TryGetValue(key, out List<Entry>? group)) _groups[key] = group = [];
        if (group.Count > 0 && arrival.Time < group.Max(e => e.Arrival.Time) - rule.Timespan - Stream.FutureTolerance) return [];
        var entry = new Entry(arrival, rules, value, number);
        group.Add(entry);
        List<Entry> sorted = [.. group.OrderBy(e => e.Arrival.Time).ThenBy(e => e.Arrival.Computer, StringComparer.Ordinal).ThenBy(e => e.Arrival.Number)];
        group.Clear();
        group.AddRange(sorted);
        var fired = new List<string>();
        for (int i = group.IndexOf(entry); i < group.Count; i++)
        {
            if (Crosses(group, i) && !group[i].Fired && !IsTold(group, i)) fired.Add(Fire(group, i, key));
        }
        return fired;
    }

    string Fire(List<Entry> group, int last, string key)
    {
        group[last].Fired = true;
        List<Entry> window = Window(group, last);
        return $"{rule.Metadata.Name} [{key}] {window[0].Arrival.Number}..{window[^1].Arrival.Number} of {window.Count} = {Value(window):0.######}";
    }

    // Whether a later event of the same episode was told of.
    bool IsTold(List<Entry> group, int from)
    {
        for (int i = from + 1; i < group.Count; i++)
        {
            if (!Holds(Before(group, i))) return false;
            if (!Holds(Window(group, i))) return false;
            if (group[i].Fired) return true;
        }
        return false;
    }

    bool Crosses(List<Entry> group, int at) => !Holds(Before(group, at)) && Holds(Window(group, at));

    List<Entry> Window(List<Entry> group, int last) =>
        [.. group.Take(last + 1).Where(e => e.Arrival.Time >= group[last].Arrival.Time - rule.Timespan)];

    List<Entry> Before(List<Entry> group, int last) => Window(group, last)[..^1];

    bool Holds(List<Entry> window)
    {
        if (window.Count == 0) return false;
        if (rule.Expression is { } expression) return Holds(expression, [.. window.SelectMany(e => e.Rules)]);
        decimal value = Value(window);
        return rule.Comparisons.Count == 0 ? value == rule.Rules.Count : rule.Comparisons.All(c => c.Holds(value));
    }

    static bool Holds(TemporalExpression expression, HashSet<int> matched) => expression switch
    {
        TemporalExpression.Matched one => matched.Contains(one.Rule),
        TemporalExpression.AllOf all => all.Operands.All(o => Holds(o, matched)),
        TemporalExpression.AnyOf any => any.Operands.Any(o => Holds(o, matched)),
        TemporalExpression.Negation not => !Holds(not.Operand, matched),
        _ => throw new InvalidOperationException(),
    };

    decimal Value(List<Entry> window)
    {
        decimal[] numbers = [.. window.Select(e => e.Number).Order()];
        return rule.Type switch
        {
            CorrelationType.EventCount => window.Count,
            CorrelationType.ValueCount => window.Select(e => e.Value).Distinct().Count(),
            CorrelationType.Temporal => window.SelectMany(e => e.Rules).Distinct().Count(),
            CorrelationType.TemporalOrdered => rule.Comparisons.Count == 0 ? Prefix(window) : Longest(window, 0, -1),
            CorrelationType.ValueSum => numbers.Sum(),
            CorrelationType.ValueAverage => numbers.Average(),
            CorrelationType.ValuePercentile => numbers[Math.Max(1, (int)Math.Ceiling(rule.Percentile * numbers.Length / 100)) - 1],
            _ => (numbers[(numbers.Length - 1) / 2] + numbers[numbers.Length / 2]) / 2,
        };
    }

    // How many of the rules, from the first, come one after the other.
    int Prefix(List<Entry> window)
    {
        int next = 0;
        foreach (Entry entry in window)
        {
            if (next < rule.Rules.Count && entry.Rules.Contains(next)) next++;
        }
        return next;
    }

    // The longest chain of rules in order, each at an event of its own, by trying all.
    static int Longest(List<Entry> window, int from, int after)
    {
        int longest = 0;
        for (int i = from; i < window.Count; i++)
        {
            foreach (int position in window[i].Rules.Where(r => r > after)) longest = Math.Max(longest, 1 + Longest(window, i + 1, position));
        }
        return longest;
    }
}
