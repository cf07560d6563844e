using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Explaining;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Testing;

/// <summary>What became of one event of a rule's tests.</summary>
/// <param name="Rule">The rule's id.</param>
/// <param name="Case">The event.</param>
/// <param name="Matched">True where the rule matched.</param>
/// <param name="Explanation">Why it did or did not.</param>
public sealed record RuleTestResult(string Rule, RuleTestCase Case, bool Matched, RuleExplanation Explanation)
{
    /// <summary>True where the rule did what it must.</summary>
    public bool Passed => Matched == Case.MustMatch;
}

/// <summary>Runs the tests of a rule file: with several rules in it, an event counts as matched where any of them matches.</summary>
public static class RuleTester
{
    /// <summary>Runs the tests.</summary>
    /// <param name="rules">The rules of the file; at least one.</param>
    /// <param name="cases">The events.</param>
    /// <param name="options">How rules are matched; null: as without a configuration.</param>
    public static IReadOnlyList<RuleTestResult> Run(RuleSet rules, IReadOnlyList<RuleTestCase> cases, RuleOptions? options = null)
    {
        RuleMatcher matcher = CompiledRules.Compile(rules, options ?? new RuleOptions()).CreateMatcher();
        return [.. cases.Select(c => Run(rules, matcher, c))];
    }

    static RuleTestResult Run(RuleSet rules, RuleMatcher matcher, RuleTestCase test)
    {
        // By the engine itself, not by what explains it.
        ReadOnlySpan<int> matched = test.Event is SysmonEvent sysmon
            ? matcher.Match(sysmon)
            : matcher.Match(test.Event, test.Event is JsonEvent { HasLogSource: true } json ? new LogSource(json.Category, json.Product, json.Service) : null);
        int rule = matched.Length > 0 ? matched[0] : 0;
        bool any = matched.Length > 0;
        return new RuleTestResult(rules.Rules[rule].Metadata.Id, test, any, matcher.ExplainTree(rule, test.Event));
    }
}
