using SysmonWatch.Detection.Sigma.Files;
using SysmonWatch.Detection.Sigma.Rules;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Puts the documents of all files together: unique ids, filters, correlations.</summary>
/// <param name="all">All problems.</param>
sealed class RuleSetBuilder(List<RuleProblem> all)
{
    readonly List<SigmaRule> _rules = [];
    readonly List<(FilterRule Filter, ProblemList Problems, YamlNode At)> _filters = [];
    readonly List<CorrelationRule> _correlations = [];
    readonly HashSet<string> _refused = new(StringComparer.OrdinalIgnoreCase);
    readonly List<(string Rule, bool Generates)> _refusedUses = [];
    readonly Dictionary<string, RuleMetadata> _ids = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>True for a document that is neither a correlation nor a filter.</summary>
    public static bool IsRule(SigmaDocument document) =>
        RuleMetadataParser.Find(document.Root, "correlation") is null && RuleMetadataParser.Find(document.Root, "filter") is null;

    /// <summary>Takes one document.</summary>
    /// <param name="document">The document.</param>
    /// <param name="rule">What it says where it is a rule; null where that is refused.</param>
    /// <param name="problems">Where to put problems.</param>
    /// <param name="modifiers">Reads values of filters.</param>
    public void Add(SigmaDocument document, SigmaRule? rule, ProblemList problems, Modifiers modifiers)
    {
        if (RuleMetadataParser.Find(document.Root, "correlation") is not null)
        {
            if (AddCorrelation(document, problems)) return;
            Refuse(document);
            _refusedUses.AddRange(CorrelationReader.Uses(document.Root));
        }
        else if (RuleMetadataParser.Find(document.Root, "filter") is not null)
        {
            if (RuleParser.ParseFilter(document, problems, modifiers) is { } filter) _filters.Add((filter, problems, document.Root));
        }
        else if (rule is null || !AddRule(document, rule, problems))
        {
            Refuse(document);
        }
    }

    /// <summary>The rule set.</summary>
    public RuleSet Build()
    {
        foreach ((FilterRule filter, ProblemList problems, YamlNode at) in _filters) Apply(filter, problems, at);
        var resolver = new CorrelationResolver(_rules, _correlations, _refused, _refusedUses, all);
        IReadOnlyList<CorrelationRule> correlations = resolver.Resolve();
        for (int i = 0; i < _rules.Count; i++)
        {
            (bool referenced, bool generates) = resolver.RuleUses[i];
            if (referenced && !generates) _rules[i] = _rules[i] with { Generates = false };
        }
        return new RuleSet(_rules, correlations, [.. resolver.CorrelationUses.Select(u => !u.Referenced || u.Generates)], all);
    }

    bool AddRule(SigmaDocument document, SigmaRule rule, ProblemList problems)
    {
        RuleMetadata? metadata = Unique(rule.Metadata, rule.HasOwnId && !rule.IsPartOfCollection, document, problems);
        if (metadata is not null) _rules.Add(rule with { Metadata = metadata });
        return true;
    }

    bool AddCorrelation(SigmaDocument document, ProblemList problems)
    {
        RuleMetadata? metadata = RuleMetadataParser.Parse(document.Root, document.Line, problems);
        if (metadata is null || CorrelationRuleParser.Parse(document.Root, metadata, problems) is not { } correlation) return false;
        bool hasOwnId = !string.IsNullOrWhiteSpace(RuleMetadataParser.Text(document.Root, "id"));
        metadata = Unique(metadata, hasOwnId, document, problems);
        if (metadata is null) return false;
        _correlations.Add(correlation with { Metadata = metadata });
        return true;
    }

    void Refuse(SigmaDocument document)
    {
        if (RuleMetadataParser.Text(document.Root, "id") is { } id) _refused.Add(id);
        if (RuleMetadataParser.Text(document.Root, "name") is { } name) _refused.Add(name);
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
        if (applied == 0 && !filter.IsOptional) problems.Warn(at, $"the filter '{filter.Metadata.Title}' applies to no rule: none within its log source ({filter.LogSource}) has one of its ids or names");
    }
}
