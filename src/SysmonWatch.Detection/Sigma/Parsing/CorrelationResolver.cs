using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Finds the rules that correlations refer to, by id or by name, and refuses those that cannot work.</summary>
/// <param name="rules">The detection rules that were good.</param>
/// <param name="correlations">The correlations that were read.</param>
/// <param name="refused">Ids and names of documents that were refused, for messages.</param>
/// <param name="refusedUses">What correlations that were refused when they were read refer to.</param>
/// <param name="problems">Takes what is wrong.</param>
sealed class CorrelationResolver(
    IReadOnlyList<SigmaRule> rules,
    IReadOnlyList<CorrelationRule> correlations,
    IReadOnlySet<string> refused,
    IReadOnlyList<(string Rule, bool Generates)> refusedUses,
    List<RuleProblem> problems)
{
    enum State : byte
    {
        New,
        Open,
        Good,
        Bad,
    }

    readonly Dictionary<string, (int Rule, int Correlation)> _targets = new(StringComparer.OrdinalIgnoreCase);
    readonly State[] _states = new State[correlations.Count];
    readonly int[] _positions = new int[correlations.Count];
    readonly List<CorrelationRule> _resolved = [];

    /// <summary>Whether each detection rule is referred to by any correlation, refused ones included, and whether any of them lets it alert by itself.</summary>
    public (bool Referenced, bool Generates)[] RuleUses { get; } = new (bool, bool)[rules.Count];

    /// <summary>The same for each resolved correlation.</summary>
    public (bool Referenced, bool Generates)[] CorrelationUses { get; private set; } = [];

    /// <summary>The good correlations, each after those it refers to.</summary>
    public IReadOnlyList<CorrelationRule> Resolve()
    {
        // Ids before names: where a name equals another rule's id the id counts.
        for (int i = 0; i < rules.Count; i++) _targets.TryAdd(rules[i].Metadata.Id, (i, -1));
        for (int i = 0; i < correlations.Count; i++) _targets.TryAdd(correlations[i].Metadata.Id, (-1, i));
        for (int i = 0; i < rules.Count; i++) Name(rules[i].Metadata, (i, -1));
        for (int i = 0; i < correlations.Count; i++) Name(correlations[i].Metadata, (-1, i));
        for (int i = 0; i < correlations.Count; i++) Visit(i, 0);
        foreach (CorrelationRule correlation in _resolved)
        {
            foreach (CorrelationReference reference in correlation.Rules.Where(r => r.Correlation >= 0)) WarnOfMissingFields(correlation, reference);
        }
        CorrelationUses = new (bool, bool)[_resolved.Count];
        foreach ((string rule, bool generates) in refusedUses) Use(rule, generates);
        foreach (CorrelationRule correlation in correlations)
        {
            foreach (CorrelationReference reference in correlation.Rules) Use(reference.Text, correlation.Generate);
        }
        return _resolved;
    }

    /// <summary>Notes that a correlation, good or refused, refers to a rule: it was written as a part, and being refused for whatever reason makes it no more.</summary>
    void Use(string rule, bool generates)
    {
        if (!_targets.TryGetValue(rule, out (int Rule, int Correlation) target)) return;
        if (target.Rule < 0 && _states[target.Correlation] != State.Good) return;
        ref (bool Referenced, bool Generates) use = ref target.Rule >= 0 ? ref RuleUses[target.Rule] : ref CorrelationUses[_positions[target.Correlation]];
        use = (true, generates || use.Generates);
    }

    /// <summary>Of a part that fired only the values of its group can be computed with; those to group by come from its events too.</summary>
    void WarnOfMissingFields(CorrelationRule correlation, CorrelationReference reference)
    {
        CorrelationRule part = _resolved[reference.Correlation];
        foreach (string name in correlation.Fields)
        {
            string field = correlation.Aliases.Where(a => a.Name == name).SelectMany(a => a.Fields)
                .Where(f => correlation.Rules[f.Rule].Correlation == reference.Correlation).Select(f => f.Field).FirstOrDefault(name);
            if (part.GroupBy.Contains(field)) continue;
            problems.Add(new RuleProblem(
                correlation.Metadata.File,
                Math.Max(1, reference.Line),
                Math.Max(1, reference.Column),
                false,
                $"'{reference.Text}' does not group by '{field}', so it never counts here; add '{field}' to its 'group-by'"));
        }
    }

    void Name(RuleMetadata metadata, (int, int) target)
    {
        if (metadata.Name is not { } name || _targets.TryAdd(name, target) || _targets[name] == target) return;
        RuleMetadata first = _targets[name] is var (rule, correlation) && rule >= 0 ? rules[rule].Metadata : correlations[correlation].Metadata;
        problems.Add(new RuleProblem(
            metadata.File, metadata.Line, 1, false, $"the name '{name}' is taken by '{first.Title}' in {first.File}:{first.Line}, which is meant wherever a correlation says it; give this rule a name of its own"));
    }

    bool Visit(int index, int depth)
    {
        if (_states[index] is State.Good or State.Bad) return _states[index] == State.Good;
        CorrelationRule correlation = correlations[index];
        _states[index] = State.Open;
        bool good = true;
        var references = new List<CorrelationReference>();
        foreach (CorrelationReference reference in correlation.Rules)
        {
            if (Resolve(correlation, reference, depth) is { } resolved) references.Add(resolved);
            else good = false;
        }
        _states[index] = good ? State.Good : State.Bad;
        if (!good) return false;
        if (ResolveAliases(correlation, references) is not { } aliases)
        {
            _states[index] = State.Bad;
            return false;
        }
        _positions[index] = _resolved.Count;
        _resolved.Add(correlation with { Rules = references, Aliases = aliases });
        return true;
    }

    /// <summary>An alias may call a rule by its name where <c>rules</c> has its id, and the other way round. Null where one names a rule that is not there.</summary>
    List<CorrelationAlias>? ResolveAliases(CorrelationRule correlation, List<CorrelationReference> references)
    {
        bool good = true;
        var aliases = new List<CorrelationAlias>();
        foreach (CorrelationAlias alias in correlation.Aliases)
        {
            List<(int Rule, string Field)> fields = [.. alias.Fields];
            foreach ((CorrelationReference rule, string field) in alias.Unresolved)
            {
                int[] meant = _targets.TryGetValue(rule.Text, out (int Rule, int Correlation) target)
                    ? [.. references.Index().Where(r => IsTarget(r.Item, target)).Select(r => r.Index)]
                    : [];
                if (meant.Length == 0)
                {
                    Refuse(correlation, rule, $"alias '{alias.Name}' names the rule '{rule.Text}', which is not in 'rules'.");
                    good = false;
                }
                else if (meant.Any(index => fields.Exists(known => known.Rule == index && known.Field != field)))
                {
                    Refuse(correlation, rule, $"alias '{alias.Name}' has another field for the rule '{rule.Text}' already, by its id or name; keep one of them.");
                    good = false;
                }
                fields.AddRange(meant.Select(index => (index, field)));
            }
            aliases.Add(new CorrelationAlias(alias.Name, fields));
        }
        return good ? aliases : null;
    }

    bool IsTarget(CorrelationReference reference, (int Rule, int Correlation) target) =>
        target.Rule >= 0 ? reference.Rule == target.Rule : _states[target.Correlation] == State.Good && reference.Correlation == _positions[target.Correlation];

    CorrelationReference? Resolve(CorrelationRule correlation, CorrelationReference reference, int depth)
    {
        if (!_targets.TryGetValue(reference.Text, out (int Rule, int Correlation) target))
        {
            return Refuse(correlation, reference, refused.Contains(reference.Text)
                ? $"the rule '{reference.Text}' was refused, so this correlation is too"
                : $"no rule has the id or name '{reference.Text}'; correct it, or load the rule's file too");
        }
        if (target.Rule >= 0) return reference with { Rule = target.Rule };
        if (_states[target.Correlation] == State.Open)
        {
            return Refuse(correlation, reference, $"'{reference.Text}' refers back to this correlation; correlations must not go in a circle");
        }
        if (depth >= 32) return Refuse(correlation, reference, "correlations of correlations nest deeper than 32");
        if (Visit(target.Correlation, depth + 1)) return reference with { Correlation = _positions[target.Correlation] };
        return Refuse(correlation, reference, $"the correlation '{reference.Text}' was refused, so this one is too");
    }

    CorrelationReference? Refuse(CorrelationRule correlation, CorrelationReference reference, string text)
    {
        problems.Add(new RuleProblem(correlation.Metadata.File, Math.Max(1, reference.Line), Math.Max(1, reference.Column), true, text));
        return null;
    }
}
