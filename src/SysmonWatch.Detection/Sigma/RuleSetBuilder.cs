using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma;

/// <summary>Puts the documents of all files together: unique ids, filters, correlations.</summary>
/// <param name="all">All problems.</param>
sealed class RuleSetBuilder(List<RuleProblem> all)
{
    readonly List<SigmaRule> _rules = [];
    readonly List<(FilterRule Filter, ProblemList Problems, YamlNode At)> _filters = [];
    readonly Dictionary<string, RuleMetadata> _ids = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Takes one document.</summary>
    public void Add(SigmaDocument document, ProblemList problems, Modifiers modifiers)
    {
        if (RuleMetadataParser.Find(document.Root, "filter") is not null)
        {
            if (RuleParser.ParseFilter(document, problems, modifiers) is { } filter) _filters.Add((filter, problems, document.Root));
        }
        else if (RuleParser.ParseRule(document, problems, modifiers) is { } rule)
        {
            AddRule(rule, document, problems);
        }
    }

    /// <summary>The rule set.</summary>
    public RuleSet Build()
    {
        foreach ((FilterRule filter, ProblemList problems, YamlNode at) in _filters) Apply(filter, problems, at);
        return new RuleSet(_rules, all);
    }

    void AddRule(SigmaRule rule, SigmaDocument document, ProblemList problems)
    {
        RuleMetadata? metadata = Unique(rule.Metadata, rule.HasOwnId && !rule.IsPartOfCollection, document, problems);
        if (metadata is not null) _rules.Add(rule with { Metadata = metadata });
    }

    /// <summary>
    /// An id names one rule. The same id again is refused; rules without one that share a title, and those of one collection, get a number after it.
    /// </summary>
    RuleMetadata? Unique(RuleMetadata metadata, bool isOwn, SigmaDocument document, ProblemList problems)
    {
        if (_ids.TryAdd(metadata.Id, metadata)) return metadata;
        RuleMetadata first = _ids[metadata.Id];
        if (isOwn)
        {
            problems.Error(
                RuleMetadataParser.Find(document.Root, "id") ?? document.Root,
                $"the id {metadata.Id} is taken by '{first.Title}' in {first.File}:{first.Line}; give this rule an id of its own");
            return null;
        }
        int number = 2;
        while (!_ids.TryAdd($"{metadata.Id} ({number})", metadata)) number++;
        return metadata with { Id = $"{metadata.Id} ({number})" };
    }

    void Apply(FilterRule filter, ProblemList problems, YamlNode at)
    {
        int applied = 0;
        for (int i = 0; i < _rules.Count; i++)
        {
            if (!filter.AppliesTo(_rules[i])) continue;
            applied++;
            _rules[i] = _rules[i] with { Condition = new RuleNode.All([_rules[i].Condition, filter.Condition]) };
        }
        if (applied == 0) problems.Warn(at, $"the filter '{filter.Metadata.Title}' applies to no rule: none within its log source ({filter.LogSource}) has one of its ids or names");
    }
}
