using System.Text.Json;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>The engine against the reference vectors.</summary>
public sealed class ConformanceTests
{
    /// <summary>Tests of another engine that contradict the specification, and why we do not follow them. Key: the test and what it expects.</summary>
    static readonly Dictionary<string, string> OtherEnginesExceptions = new(StringComparer.Ordinal)
    {
        ["detection8/detection8_negative2 False"] = "that engine answers 'false' where a negated field is missing; a selection on a missing field is false, so its negation is true",
        ["detection14/detection14_case True"] = "that engine makes runs of white space one blank; the specification compares the whole value as it is",
    };

    [Fact]
    public void Edge_cases_with_a_decided_answer_are_answered_so()
    {
        var wrong = new List<string>();
        int decided = 0;
        foreach (JsonElement vector in Vectors.Read("edge/vectors.ndjson"))
        {
            JsonElement spec = vector.GetProperty("spec");
            if (spec.ValueKind == JsonValueKind.Null) continue;
            decided++;
            string expected = spec.ValueKind == JsonValueKind.String ? spec.GetString()! : spec.GetRawText();
            string actual = Vectors.Verdict(vector.GetProperty("rule").GetString()!, vector.GetProperty("event"));
            if (actual != expected) wrong.Add($"{vector.GetProperty("name")}: expected {expected}, was {actual}");
        }

        Assert.Empty(wrong);
        Assert.True(decided > 150, $"only {decided} vectors were decided");
    }

    [Fact]
    public void The_linux_rules_match_their_corpus_without_a_false_positive_or_negative()
    {
        RuleSet rules = Vectors.LinuxRules();
        Assert.Empty(rules.Problems);
        Assert.Equal(167, rules.Rules.Count);
        RuleMatcher matcher = CompiledRules.Compile(rules, new RuleOptions()).CreateMatcher();
        var wrong = new List<string>();
        int count = 0;

        foreach ((JsonElement json, JsonElement expected) in Vectors.Read("linux-rules-corpus/events.ndjson.gz").Zip(Vectors.Read("linux-rules-corpus/expected.ndjson.gz")))
        {
            JsonEvent e = Vectors.Event(json);
            string[] matched = [.. matcher.Match(e, Vectors.SourceOf(e)).ToArray().Select(i => rules.Rules[i].Metadata.Id).Order(StringComparer.Ordinal)];
            string[] asked = [.. expected.GetProperty("rules").EnumerateArray().Select(r => r.GetString()!).Order(StringComparer.Ordinal)];
            if (!matched.SequenceEqual(asked)) wrong.Add($"{count}: expected {string.Join(' ', asked)}, was {string.Join(' ', matched)}");
            count++;
        }

        Assert.Empty(wrong);
        Assert.True(count > 4000, $"only {count} events");
    }

    [Fact]
    public void The_events_of_SigmaHQs_regression_tests_match_as_the_reference_says()
    {
        string root = Places.ReferenceData("data/sigma/vectors/sigmahq-regression/rules");
        var matchers = new Dictionary<string, RuleMatcher>(StringComparer.Ordinal);
        var wrong = new List<string>();
        int count = 0;
        foreach (JsonElement vector in Vectors.Read("sigmahq-regression/vectors.ndjson"))
        {
            string file = vector.GetProperty("rule").GetString()!;
            if (!matchers.TryGetValue(file, out RuleMatcher? matcher))
            {
                RuleSet set = RuleLoader.Load([Path.Combine(root, file)]);
                Assert.Single(set.Rules);
                matchers[file] = matcher = CompiledRules.Compile(set, new RuleOptions()).CreateMatcher();
            }
            bool matched = matcher.Match(Vectors.Event(vector.GetProperty("event")), null).Length > 0;
            count++;
            if (matched != vector.GetProperty("oracle_match").GetBoolean()) wrong.Add($"{file} {vector.GetProperty("n")}: was {matched}");
        }

        Assert.Empty(wrong);
        Assert.True(count > 200, $"only {count} events");
    }

    [Fact]
    public void The_cases_of_sigmalite_are_answered_as_there()
    {
        var placeholders = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { ["Admins_Workstations"] = ["AdminMachine"] };
        var wrong = new List<string>();
        foreach (JsonElement vector in Vectors.Read("sigmalite/vectors.ndjson"))
        {
            RuleSet set = RuleLoader.Parse([("rule.yml", vector.GetProperty("rule").GetString()!)], placeholders);
            bool matched = Assert.Single(set.Rules) is not null && Vectors.Matches(set, Vectors.Event(vector.GetProperty("event"))).Length > 0;
            if (matched != vector.GetProperty("expected").GetBoolean()) wrong.Add($"{vector.GetProperty("rule_file")} {vector.GetProperty("event").GetRawText()}: was {matched}");
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void The_cases_of_go_sigma_rule_engine_are_answered_as_there_or_for_a_stated_reason_not()
    {
        var wrong = new List<string>();
        foreach (JsonElement vector in Vectors.Read("go-sigma-rule-engine/vectors.ndjson"))
        {
            string name = vector.GetProperty("test").GetString()!;
            bool theirs = vector.GetProperty("expected").GetBoolean();
            bool expected = theirs != OtherEnginesExceptions.ContainsKey($"{name} {theirs}");
            string actual = Vectors.Verdict(vector.GetProperty("rule").GetString()!, vector.GetProperty("event"));
            if (actual != (expected ? "true" : "false")) wrong.Add($"{name}: was {actual}");
        }

        Assert.Empty(wrong);
    }
}
