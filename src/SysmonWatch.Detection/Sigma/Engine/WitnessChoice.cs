using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Sigma.Engine;

/// <summary>
/// Which atoms could stand for a rule: where none of them reports anything, the rule cannot match, and is not looked at. Often there is a choice.
/// </summary>
/// <param name="Cost">Roughly how many of a thousand events make one of the best atoms report something.</param>
abstract record WitnessChoice(double Cost)
{
    /// <summary>How much more a set of rules may cost for a field that then need not be scanned, in events of a thousand.</summary>
    const double FieldIsWorth = 250;

    /// <summary>One atom.</summary>
    public sealed record Single(int Atom, double Cost) : WitnessChoice(Cost);

    /// <summary>Any of these will do.</summary>
    sealed record One(IReadOnlyList<WitnessChoice> Choices) : WitnessChoice(Choices.Min(c => c.Cost));

    /// <summary>It takes all of these.</summary>
    sealed record Every(IReadOnlyList<WitnessChoice> Choices) : WitnessChoice(Choices.Sum(c => c.Cost));

    /// <summary>Any of these that is not null; null where all are.</summary>
    public static WitnessChoice? OneOf(IEnumerable<WitnessChoice?> choices)
    {
        WitnessChoice[] some = [.. choices.OfType<WitnessChoice>()];
        return some.Length switch { 0 => null, 1 => some[0], _ => new One(some) };
    }

    /// <summary>All of these; null where any is.</summary>
    public static WitnessChoice? AllOf(IReadOnlyList<WitnessChoice?> choices) =>
        choices.Any(c => c is null) ? null : new Every([.. choices.OfType<WitnessChoice>()]);

    /// <summary>
    /// The atoms to stand for each rule: those that report least, except where a field need not be scanned at all if a few rules take others.
    /// </summary>
    /// <param name="choices">By rule; null where nothing can stand for it.</param>
    /// <param name="atoms">Field and cost of an atom.</param>
    /// <returns>By rule; empty where nothing can stand for it.</returns>
    public static IReadOnlyList<int>[] Choose(IReadOnlyList<WitnessChoice?> choices, Func<int, (FieldId Field, double Cost)> atoms)
    {
        var without = new HashSet<FieldId>();
        (List<int> Atoms, double Cost)?[] chosen = [.. choices.Select(c => c?.Best(without, atoms))];
        IGrouping<FieldId, int>[] byField =
        [
            .. chosen.SelectMany((c, rule) => c is null ? [] : c.Value.Atoms.Select(atom => atoms(atom).Field).Distinct().Select(field => (Field: field, Rule: rule)))
                .Where(use => use.Field.IsKnown)
                .GroupBy(use => use.Field, use => use.Rule)
                .OrderBy(uses => uses.Count()),
        ];
        foreach (IGrouping<FieldId, int> field in byField)
        {
            without.Add(field.Key);
            double more = 0;
            int[] concerned = [.. Enumerable.Range(0, chosen.Length).Where(rule => chosen[rule] is { } c && c.Atoms.Exists(atom => atoms(atom).Field == field.Key))];
            var other = new (List<int> Atoms, double Cost)?[concerned.Length];
            for (int i = 0; i < concerned.Length && more <= FieldIsWorth; i++)
            {
                other[i] = choices[concerned[i]]!.Best(without, atoms);
                more += (other[i]?.Cost ?? double.PositiveInfinity) - chosen[concerned[i]]!.Value.Cost;
            }
            if (more > FieldIsWorth)
            {
                without.Remove(field.Key);
                continue;
            }
            for (int i = 0; i < concerned.Length; i++) chosen[concerned[i]] = other[i];
        }
        return [.. chosen.Select(c => (IReadOnlyList<int>)(c?.Atoms.Distinct().ToArray() ?? []))];
    }

    /// <summary>The best atoms but those of some fields; null where it takes one of them.</summary>
    (List<int> Atoms, double Cost)? Best(HashSet<FieldId> without, Func<int, (FieldId Field, double Cost)> atoms)
    {
        switch (this)
        {
            case Single single:
                return without.Contains(atoms(single.Atom).Field) ? null : ([single.Atom], atoms(single.Atom).Cost);
            case One one:
                (List<int> Atoms, double Cost)? best = null;
                foreach (WitnessChoice choice in one.Choices)
                {
                    if (choice.Best(without, atoms) is { } found && (best is null || found.Cost < best.Value.Cost)) best = found;
                }
                return best;
            case Every every:
                (List<int> Atoms, double Cost) together = ([], 0);
                foreach (WitnessChoice choice in every.Choices)
                {
                    if (choice.Best(without, atoms) is not { } found) return null;
                    together.Atoms.AddRange(found.Atoms);
                    together.Cost += found.Cost;
                }
                return together;
            default:
                throw new InvalidOperationException(GetType().Name);
        }
    }
}
