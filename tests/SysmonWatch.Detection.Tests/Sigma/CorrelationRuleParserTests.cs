using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Detection.Tests.Correlation;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>Mistakes in correlations: each is told at its place, all of them at once.</summary>
public sealed class CorrelationRuleParserTests
{
    const string Known = "type, rules, group-by, timespan, condition, aliases, generate";

    // Columns count from the document: two for what SomeRules indents.
    [Theory]
    [InlineData("type: count\nrules: a\ntimespan: 1m\ncondition: {gte: 1}", "2:9: error: unknown correlation type 'count'; known: event_count, value_count, temporal, temporal_ordered, value_sum, value_avg, value_percentile, value_median.")]
    [InlineData("rules: a\ntimespan: 1m", "2:3: error: 'type' is missing in 'correlation'; known types: event_count, value_count, temporal, temporal_ordered, value_sum, value_avg, value_percentile, value_median.")]
    [InlineData("type: temporal\nrules: a\ntimespan: 1m\nwindow: sliding", "5:3: error: unknown key 'window' in 'correlation'; known: " + Known + ".")]
    [InlineData("type: temporal\ntimespan: 1m", "2:3: error: 'rules' is missing in 'correlation': list the ids or names of the rules it listens to.")]
    [InlineData("type: temporal\nrules: []\ntimespan: 1m", "3:10: error: 'rules' is empty: list the ids or names of the rules the correlation listens to.")]
    [InlineData("type: temporal\nrules: [a, {b: c}]\ntimespan: 1m", "3:14: error: 'rules' must list ids or names of rules as texts.")]
    [InlineData("type: temporal\nrules: [a, a]\ntimespan: 1m", "3:14: warning: rule 'a' is listed twice in 'rules'; the second one is left out.")]
    [InlineData("type: temporal\nrules: a", "2:3: error: 'timespan' is missing in 'correlation': a number and a unit of s, m, h, d, w, M or y, e.g. 10m.")]
    [InlineData("type: temporal\nrules: a\ntimespan: 10 minutes", "4:13: error: timespan '10 minutes' is not a number above 0 and a unit of s, m, h, d, w, M or y, e.g. 10m.")]
    [InlineData("type: temporal\nrules: a\ntimespan: 0s", "4:13: error: timespan '0s' is not a number above 0 and a unit of s, m, h, d, w, M or y, e.g. 10m.")]
    [InlineData("type: temporal\nrules: a\ntimespan: 99999999999y", "4:13: error: timespan '99999999999y' is not a number above 0 and a unit of s, m, h, d, w, M or y, e.g. 10m.")]
    [InlineData("type: temporal\nrules: a\ntimespan: 1m\ngroup-by: {a: b}", "5:13: error: 'group-by' must list field names or aliases as texts.")]
    [InlineData("type: event_count\nrules: a\ntimespan: 1m", "2:3: error: 'condition' is missing in 'correlation', e.g. 'gte: 10'; only temporal types do without.")]
    [InlineData("type: event_count\nrules: a\ntimespan: 1m\ncondition: {}", "5:14: error: 'condition' compares with nothing; add one of gt, gte, lt, lte, eq, neq.")]
    [InlineData("type: event_count\nrules: a\ntimespan: 1m\ncondition: {gte: ten}", "5:20: error: 'gte' must be a number, found 'ten'.")]
    [InlineData("type: event_count\nrules: a\ntimespan: 1m\ncondition: {gte: 1.5}", "5:20: error: 'gte' must be a whole number from 0, found '1.5'.")]
    [InlineData("type: event_count\nrules: a\ntimespan: 1m\ncondition: {ge: 1}", "5:15: error: unknown key 'ge' in 'condition'; known: gt, gte, lt, lte, eq, neq, field, percentile.")]
    [InlineData("type: event_count\nrules: a\ntimespan: 1m\ncondition: {gt: 3, lt: 4}", "5:14: error: no number can satisfy this condition; the bounds exclude each other.")]
    [InlineData("type: event_count\nrules: a\ntimespan: 1m\ncondition: {gte: 3, field: x}", "5:23: error: 'field' has no meaning for this type; use value_count to count the different values of a field.")]
    [InlineData("type: event_count\nrules: a\ntimespan: 1m\ncondition: a and b", "5:14: error: 'condition' must be a map such as 'gte: 10' here; a text such as 'a and not b' is for type temporal only.")]
    [InlineData("type: value_count\nrules: a\ntimespan: 1m\ncondition: {gte: 3}", "5:14: error: 'field' is missing in 'condition': the field whose values are computed.")]
    [InlineData("type: value_sum\nrules: a\ntimespan: 1m\ncondition: {gte: 3, field: [x, y]}", "5:30: error: 'field' must be one field name; a list is for value_count only.")]
    [InlineData("type: value_percentile\nrules: a\ntimespan: 1m\ncondition: {gte: 3, field: x, percentile: 101}", "5:45: error: 'percentile' must be a number from 0 to 100, found '101'.")]
    [InlineData("type: value_percentile\nrules: a\ntimespan: 1m\ncondition: {gte: 3, field: x}", "5:14: warning: 'percentile' is missing in 'condition', so 50 is taken; say which one is meant, e.g. 'percentile: 95'.")]
    [InlineData("type: temporal\nrules: [a, b]\ntimespan: 1m\ncondition: a and c", "5:20: error: the condition names 'c', which is not in 'rules'; there: a, b.")]
    [InlineData("type: temporal\nrules: [a, b]\ntimespan: 1m\ncondition: a", "5:15: error: the condition does not mention rule 'b'; mention it or take it out of 'rules'.")]
    [InlineData("type: temporal\nrules: [a, b]\ntimespan: 1m\ncondition: a and (b", "5:22: error: a ')' is missing in the condition.")]
    [InlineData("type: temporal\nrules: [a, b]\ntimespan: 1m\ncondition: a and b)", "5:21: error: unexpected ')' in the condition; expected 'and', 'or' or its end.")]
    [InlineData("type: temporal\nrules: [a, b]\ntimespan: 1m\ncondition: a or", "5:18: error: the condition ends where a rule was expected.")]
    [InlineData("type: temporal\nrules: a\ntimespan: 1m\naliases: {x: {a: y}}", "5:13: warning: alias 'x' is used neither in 'group-by' nor as the condition's field.")]
    [InlineData("type: temporal\nrules: a\ntimespan: 1m\naliases: {x: y}", "5:16: error: alias 'x' must be a map of rule: field.")]
    [InlineData("type: temporal\nrules: a\ntimespan: 1m\ngenerate: maybe", "5:13: error: 'generate' must be true or false.")]
    public void Says_what_is_wrong_and_where(string content, string expected)
    {
        bool parsed = SomeRules.TryParse(content, "corr", out CorrelationRule? rule, out List<RuleProblem> problems);

        Assert.Equal(["test.yml:" + expected], problems.Select(p => p.ToString()));
        Assert.Equal(parsed, problems.TrueForAll(p => !p.IsError));
        Assert.Equal(parsed, rule is not null);
    }

    [Fact]
    public void Tells_all_mistakes_at_once()
    {
        SomeRules.TryParse("type: nope\nrules: []\ntimespan: soon\nbogus: 1", "corr", out _, out List<RuleProblem> problems);

        Assert.Equal(4, problems.Count(p => p.IsError));
    }

    [Theory]
    [InlineData("1s", 1)]
    [InlineData("15m", 900)]
    [InlineData("2h", 7_200)]
    [InlineData("1d", 86_400)]
    [InlineData("1w", 604_800)]
    [InlineData("1M", 2_629_746)]
    [InlineData("1y", 31_556_952)]
    public void Reads_timespans(string text, long seconds)
    {
        Assert.True(CorrelationRuleParser.TryReadTimespan(text, out long microseconds));
        Assert.Equal(seconds * 1_000_000, microseconds);
    }

    [Fact]
    public void Not_binds_closer_than_and_which_binds_closer_than_or()
    {
        CorrelationRule rule = SomeRules.Parse("corr\ntype: temporal\nrules: [a, b, c]\ntimespan: 1m\ncondition: a or not b AND c");

        var or = Assert.IsType<TemporalExpression.AnyOf>(rule.Expression);
        Assert.Equal(new TemporalExpression.Matched(0), or.Operands[0]);
        var and = Assert.IsType<TemporalExpression.AllOf>(or.Operands[1]);
        Assert.Equal([new TemporalExpression.Negation(new TemporalExpression.Matched(1)), new TemporalExpression.Matched(2)], and.Operands);
    }

    [Fact]
    public void A_condition_nested_without_end_is_refused()
    {
        string deep = string.Concat(Enumerable.Repeat("not (", 5_000)) + "a" + new string(')', 5_000);

        Assert.False(SomeRules.TryParse("type: temporal\nrules: a\ntimespan: 1m\ncondition: " + deep, "corr", out _, out List<RuleProblem> problems));
        Assert.Contains("nested more than 100 deep", problems[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Warns_where_a_part_does_not_have_the_field_that_the_whole_computes_with()
    {
        RuleSet rules = RuleLoader.Parse([("f.yml", """
            title: a
            name: a
            logsource: {product: linux}
            detection: {s: {x: 1}, condition: s}
            ---
            title: part
            name: part
            correlation: {type: event_count, rules: a, group-by: [User], timespan: 1m, condition: {gte: 2}}
            ---
            title: whole
            correlation:
              type: value_count
              rules: [a, part]
              group-by: [ParentImage]
              condition: {field: [Image, User], gte: 2}
              timespan: 1m
            """)]);

        Assert.Equal(2, rules.Correlations.Count);
        Assert.Equal(
            ["f.yml:13:14: warning: 'part' does not group by 'Image', so it never counts here; add 'Image' to its 'group-by'"],
            rules.Problems.Select(p => p.ToString()));
    }

    [Theory]
    [InlineData("rules: [3f1c0000-0000-4000-8000-000000000001, b]", "{a: x, b: y}")]
    [InlineData("rules: [a, b]", "{3F1C0000-0000-4000-8000-000000000001: x, b: y}")]
    [InlineData("rules: [a, b]", "{a: x, b: y}")]
    [InlineData("rules: [a, b]", "{a: x, 3f1c0000-0000-4000-8000-000000000001: x, b: y}")]
    public void An_alias_may_call_a_rule_by_its_id_or_by_its_name(string rules, string fields)
    {
        RuleSet set = RuleLoader.Parse([("f.yml", WithAlias(rules, fields))]);

        Assert.Empty(set.Problems);
        CorrelationAlias alias = Assert.Single(Assert.Single(set.Correlations).Aliases);
        Assert.Equal([(0, "x"), (1, "y")], alias.Fields.Distinct().Order());
    }

    [Theory]
    [InlineData("rules: [a, b]", "{a: x, c: y}", "f.yml:18:25: error: alias 'who' names the rule 'c', which is not in 'rules'.")]
    [InlineData("rules: a", "{a: x, b: y}", "f.yml:18:25: error: alias 'who' names the rule 'b', which is not in 'rules'.")]
    [InlineData("rules: [a, b]", "{a: x, 3f1c0000-0000-4000-8000-000000000001: z, b: y}", "f.yml:18:25: error: alias 'who' has another field for the rule '3f1c0000-0000-4000-8000-000000000001' already, by its id or name; keep one of them.")]
    public void An_alias_of_a_rule_that_is_not_there_is_refused(string rules, string fields, string expected)
    {
        RuleSet set = RuleLoader.Parse([("f.yml", WithAlias(rules, fields))]);

        Assert.Empty(set.Correlations);
        Assert.Equal([expected], set.Problems.Select(p => p.ToString()));
    }

    static string WithAlias(string rules, string fields) => $$$"""
        title: a
        name: a
        id: 3f1c0000-0000-4000-8000-000000000001
        logsource: {product: linux}
        detection: {s: {x: 1}, condition: s}
        ---
        title: b
        name: b
        logsource: {product: linux}
        detection: {s: {y: 1}, condition: s}
        ---
        title: c
        correlation:
          type: temporal
          {{{rules}}}
          timespan: 1m
          group-by: [who]
          aliases: {who: {{{fields}}}}
        """;

    [Fact]
    public void Generate_may_stand_at_either_place()
    {
        Assert.True(RuleLoader.Parse([("f.yml", Document("generate: true", ""))]).Correlations[0].Generate);
        Assert.True(RuleLoader.Parse([("f.yml", Document("", "generate: true"))]).Correlations[0].Generate);
        Assert.False(RuleLoader.Parse([("f.yml", Document("", ""))]).Correlations[0].Generate);

        RuleSet both = RuleLoader.Parse([("f.yml", Document("generate: true", "generate: false"))]);
        Assert.Empty(both.Correlations);
        Assert.Contains(both.Problems, p => p.Text.StartsWith("'generate' is here and at the root", StringComparison.Ordinal));

        static string Document(string outer, string inner) => $$"""
            title: a
            name: a
            logsource: {product: linux}
            detection: {s: {x: 1}, condition: s}
            ---
            title: c
            {{outer}}
            correlation:
              type: event_count
              rules: a
              timespan: 1m
              condition: {gte: 2}
              {{inner}}
            """;
    }
}
