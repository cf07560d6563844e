using SysmonWatch.Detection.Sigma.Parsing;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>What is said of a filter whose rule is not there.</summary>
public sealed class FilterTests
{
    [Theory]
    [InlineData("", 1)]
    [InlineData("optional: true\n", 0)]
    public void A_filter_for_a_rule_that_is_absent_is_told_unless_it_is_optional(string key, int warnings)
    {
        string filter = $"title: f\n{key}logsource: {{category: process_creation}}\nfilter:\n  rules: [11111111-1111-4111-8111-111111111111]\n  s: {{Image: a}}\n  condition: not s\n";

        Assert.Equal(warnings, RuleLoader.Parse([("f.yml", filter)]).Problems.Count);
    }
}
