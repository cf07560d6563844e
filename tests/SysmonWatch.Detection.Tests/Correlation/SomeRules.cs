using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Tests.Correlation;

/// <summary>Rule sets for tests: base rules are only names, correlations are YAML.</summary>
static class SomeRules
{
    /// <param name="bases">Names of base rules, separated by spaces.</param>
    /// <param name="correlations">Each the content of <c>correlation:</c>, the name of the correlation in the first line.</param>
    public static RuleSet Of(string bases, params string[] correlations)
    {
        string[] names = bases.Split(' ');
        List<CorrelationRule> parsed = [.. correlations.Select(Parse)];
        List<CorrelationRule> resolved = [.. parsed.Select(rule => rule with { Rules = [.. rule.Rules.Select(r => Resolve(r, names, parsed))] })];
        return Set([.. names.Select(name => Metadata(name))], resolved);
    }

    public static RuleMetadata Metadata(string name) =>
        new(name, name, name, RuleLevel.High, "", "", [], "", [], [], "test.yml", 1);

    public static RuleSet Set(IReadOnlyList<RuleMetadata> rules, IReadOnlyList<CorrelationRule> correlations) =>
        new([.. rules.Select(Rule)], correlations, [.. correlations.Select((_, i) => Generates(correlations, i))], []);

    static SigmaRule Rule(RuleMetadata metadata) => new(metadata, LogSource.Any, new RuleNode.All([]));

    static bool Generates(IReadOnlyList<CorrelationRule> all, int correlation)
    {
        CorrelationRule[] parents = [.. all.Where(c => c.Rules.Any(r => r.Correlation == correlation))];
        return parents.Length == 0 || parents.Any(p => p.Generate);
    }

    public static CorrelationRule Parse(string text)
    {
        int first = text.IndexOf('\n', StringComparison.Ordinal);
        string name = text[..first].Trim();
        Assert.True(TryParse(text[(first + 1)..], name, out CorrelationRule? rule, out List<RuleProblem> problems), string.Join('\n', problems));
        return rule!;
    }

    public static bool TryParse(string content, string name, out CorrelationRule? rule, out List<RuleProblem> problems)
    {
        string document = "correlation:\n" + string.Join('\n', content.Split('\n').Select(line => "  " + line));
        var stream = new YamlStream();
        stream.Load(new StringReader(document));
        problems = [];
        return CorrelationRuleParser.TryParse((YamlMappingNode)stream.Documents[0].RootNode, Metadata(name), problems, out rule);
    }

    static CorrelationReference Resolve(CorrelationReference reference, string[] names, List<CorrelationRule> correlations) => reference with
    {
        Rule = Array.IndexOf(names, reference.Text),
        Correlation = correlations.FindIndex(c => c.Metadata.Name == reference.Text),
    };
}
