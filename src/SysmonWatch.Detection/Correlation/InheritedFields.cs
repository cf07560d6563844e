using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Correlation;

/// <summary>
/// Which fields the events of a correlation have to keep, beyond those it groups by, for the correlations that it is a part of: these group by fields of
/// their own.
/// </summary>
static class InheritedFields
{
    /// <summary>For each correlation the names of the fields.</summary>
    /// <param name="correlations">Their references resolved, and without circles.</param>
    public static IReadOnlyList<string>[] Of(IReadOnlyList<CorrelationRule> correlations)
    {
        var fields = new List<string>[correlations.Count];
        for (int i = 0; i < fields.Length; i++) fields[i] = [];
        // What the whole asks of a part, the part asks of its own parts: as often as one can be a part of another.
        for (int rest = correlations.Count, added = 1; rest > 0 && added > 0; rest--)
        {
            added = 0;
            for (int i = 0; i < fields.Length; i++) added += Ask(correlations, i, fields);
        }
        return fields;
    }

    /// <summary>The field that a name in <c>group-by</c> or the condition means in one of the rules.</summary>
    public static string FieldOf(CorrelationRule rule, string name, int reference)
    {
        foreach (CorrelationAlias alias in rule.Aliases)
        {
            if (alias.Name != name) continue;
            foreach ((int of, string field) in alias.Fields)
            {
                if (of == reference) return field;
            }
        }
        return name;
    }

    static int Ask(IReadOnlyList<CorrelationRule> correlations, int whole, List<string>[] fields)
    {
        CorrelationRule rule = correlations[whole];
        int added = 0;
        for (int i = 0; i < rule.Rules.Count; i++)
        {
            int part = rule.Rules[i].Correlation;
            if (part < 0) continue;
            foreach (string name in rule.GroupBy.Concat(fields[whole]).ToArray())
            {
                string field = FieldOf(rule, name, i);
                if (correlations[part].GroupBy.Contains(field) || fields[part].Contains(field)) continue;
                fields[part].Add(field);
                added++;
            }
        }
        return added;
    }
}
