using System.Text;
using System.Text.Json;
using CsCheck;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>The compiled engine against the slow one.</summary>
public sealed class CompiledEngineTests
{
    [Fact]
    public void Random_rules_match_random_events_as_the_slow_evaluator_says() =>
        Gen.Int.Sample(
            seed =>
            {
                var random = new RandomRules(seed);
                RuleSet set = RuleLoader.Parse(Enumerable.Range(0, 12).Select(i => ($"{i}.yml", random.Rule(i))));
                Assert.DoesNotContain(set.Problems, p => p.IsError);
                RuleMatcher matcher = CompiledRules.Compile(set, new RuleOptions()).CreateMatcher();
                var slow = new SlowEvaluator(dashIsNull: false);
                var e = new JsonEvent();
                for (int i = 0; i < 20; i++)
                {
                    string json = random.Event();
                    Assert.True(e.TryRead(Encoding.UTF8.GetBytes(json), out string? reason), reason);
                    Check(set, slow, e, matcher.Match(e, null), json);
                }
            },
            iter: 200,
            threads: 1);

    [Fact]
    public void Random_rules_match_Sysmon_events_as_the_slow_evaluator_says() =>
        Gen.Int.Select(Gen.Bool).Sample(
            (seed, dashIsNull) =>
            {
                var random = new RandomRules(seed);
                RuleSet set = RuleLoader.Parse(Enumerable.Range(0, 12).Select(i => ($"{i}.yml", random.Rule(i))));
                RuleMatcher matcher = CompiledRules.Compile(set, new RuleOptions { Repairs = dashIsNull ? Repairs.All : Repairs.All & ~Repairs.DashIsNull }).CreateMatcher();
                var slow = new SlowEvaluator(dashIsNull);
                for (int i = 0; i < 20; i++)
                {
                    string[] values = [random.Plain(), random.Plain(), random.Plain()];
                    SysmonEvent e = Sysmon(1, [("A", values[0]), ("B", values[1]), ("C.D", values[2])]);
                    Check(set, slow, e, matcher.Match(e), string.Join(", ", values));
                }
            },
            iter: 100,
            threads: 1);

    [Fact]
    public void All_rules_of_SigmaHQ_match_its_regression_events_as_the_slow_evaluator_says()
    {
        RuleSet set = Vectors.SigmaHqRules;
        RuleMatcher matcher = CompiledRules.Compile(set, new RuleOptions()).CreateMatcher();
        var slow = new SlowEvaluator(dashIsNull: false);
        foreach (JsonElement vector in Vectors.Read("sigmahq-regression/vectors.ndjson").Where((_, i) => Thoroughness.Takes(i, 13)))
        {
            JsonEvent e = Vectors.Event(vector.GetProperty("event"));
            Check(set, slow, e, matcher.Match(e, null), vector.GetRawText());
        }
    }

    [Fact]
    public void The_linux_rules_match_their_corpus_as_the_slow_evaluator_says_whatever_the_log_source()
    {
        RuleSet set = Vectors.LinuxRules();
        RuleMatcher matcher = CompiledRules.Compile(set, new RuleOptions()).CreateMatcher();
        var slow = new SlowEvaluator(dashIsNull: false);
        foreach (JsonElement json in Vectors.Read("linux-rules-corpus/events.ndjson.gz").Where((_, i) => Thoroughness.Takes(i, 5)))
        {
            JsonEvent e = Vectors.Event(json);
            Check(set, slow, e, matcher.Match(e, null), json.GetRawText());
        }
    }

    [Theory]
    [InlineData("ab+c", "ab")]
    [InlineData("-(W|R)[\\t ]", "-W -R")]
    [InlineData("[\\t ]-[FTd][\\t ]", "-f -t -d")]
    [InlineData("(?i)/lob/pythn3", "/lob/pythn3")]
    [InlineData("(?i)ab/kk", "ab/kk")]
    [InlineData("(?i)sik+é", "sik")]
    [InlineData("foo|bar", "")]
    [InlineData("(foo)?ab", "ab")]
    [InlineData("[^/]{100,}$", "")]
    [InlineData("a(b|c)*dd", "dd")]
    public void Finds_literals_that_every_match_of_an_expression_has(string pattern, string expected)
    {
        string[] literals = [.. RegexLiteral.Find(RegexTranslator.Translate(pattern, ignoresCase: false, out _, out _)!)];

        Assert.Equal(expected, string.Join(' ', literals));
    }

    [Fact]
    public void Long_values_are_searched_across_the_seams_of_their_parts() =>
        Gen.Int[0, 400].Select(Gen.Int[0, 400], Gen.OneOf(Gen.Const("needle"), Gen.Const("a-very-long-needle-that-reaches-across-more-than-one-part-of-the-value-and-then-on"), Gen.Const("nee"), Gen.Const("eedl")))
            .Sample(
                (before, after, needle) =>
                {
                    RuleSet set = RuleLoader.Parse([("r.yml", Vectors.Rule($"  s:\n    A|contains:\n      - '{needle}'\n      - 'needleneedleneedle'\n  condition: s\n"))]);
                    string value = string.Concat(Enumerable.Repeat("ne", before / 2)) + needle + string.Concat(Enumerable.Repeat("edle", after / 4));
                    var e = new JsonEvent();
                    Assert.True(e.TryRead(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["A"] = value }), out _));
                    Assert.Single(Vectors.Matches(set, e));
                },
                iter: 300,
                threads: 1);

    [Fact]
    public void Explains_every_match_with_evidence_that_names_the_selection()
    {
        RuleSet set = Vectors.LinuxRules();
        RuleMatcher matcher = CompiledRules.Compile(set, new RuleOptions()).CreateMatcher();
        int explained = 0;
        foreach (JsonElement json in Vectors.Read("linux-rules-corpus/events.ndjson.gz").Where((_, i) => Thoroughness.Takes(i, 5)))
        {
            JsonEvent e = Vectors.Event(json);
            foreach (int rule in matcher.Match(e, Vectors.SourceOf(e)).ToArray())
            {
                IReadOnlyList<Evidence> evidence = matcher.Explain(rule, e);
                Assert.NotEmpty(evidence);
                Assert.All(evidence, x => Assert.True(x.Selection.Length > 0 && x.Pattern.Length > 0));
                explained++;
            }
        }
        Assert.True(explained > 300, $"only {explained}");
    }

    [Fact]
    public void Matching_allocates_nothing_where_no_rule_matches()
    {
        RuleMatcher matcher = CompiledRules.Compile(Vectors.LinuxRules(), new RuleOptions()).CreateMatcher();
        SysmonEvent e = Sysmon(1, [("Image", "/usr/bin/true"), ("CommandLine", "true --verbose é"), ("User", "root"), ("ParentImage", "/usr/bin/make")]);
        for (int i = 0; i < 100; i++) Assert.Equal(0, matcher.Match(e).Length);

        int matches = 0;
        List<long> made = SteadyState.BytesOf(() =>
        {
            for (int i = 0; i < 1000; i++) matches += matcher.Match(e).Length;
        });

        Assert.Equal((0, 0), (matches, made[^1]));
    }

    [Fact]
    public void Counts_how_often_each_rule_was_looked_at_and_matched()
    {
        RuleSet set = RuleLoader.Parse(
        [
            ("a.yml", Vectors.Rule("  s:\n    A|contains: needle\n    B: '1'\n  condition: s\n")),
            ("b.yml", Vectors.Rule("  s:\n    A|contains: never\n  condition: s\n")),
        ]);
        RuleMatcher matcher = CompiledRules.Compile(set, new RuleOptions()).CreateMatcher();
        var e = new JsonEvent();
        foreach (string json in new[] { """{"A": "a needle", "B": "1"}""", """{"A": "a needle", "B": "2"}""", """{"A": "hay", "B": "2"}""" })
        {
            Assert.True(e.TryRead(Encoding.UTF8.GetBytes(json), out _));
            matcher.Match(e, null);
        }

        (long Evaluations, long Matches)[] costs = matcher.Costs();

        Assert.Equal(1, costs[0].Matches);
        Assert.InRange(costs[0].Evaluations, 1, 2);
        Assert.Equal((0, 0), costs[1]);
    }

    /// <summary>A Sysmon event with these fields.</summary>
    internal static SysmonEvent Sysmon(int eventId, (string Name, string Value)[] fields)
    {
        var e = new SysmonEvent { EventId = eventId };
        var buffer = new List<byte>();
        Slice Put(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            buffer.AddRange(bytes);
            return new Slice(buffer.Count - bytes.Length, bytes.Length);
        }
        foreach ((string name, string value) in fields) e.Add(new DataField(FieldId.TryFind(Encoding.UTF8.GetBytes(name)), Put(name), Put(value), false));
        e.Buffer = [.. buffer];
        return e;
    }

    static void Check(RuleSet set, SlowEvaluator slow, FieldedEvent e, ReadOnlySpan<int> matched, string what)
    {
        int next = 0;
        for (int i = 0; i < set.Rules.Count; i++)
        {
            bool fast = next < matched.Length && matched[next] == i;
            if (fast) next++;
            bool expected = slow.Matches(set.Rules[i].Condition, e);
            if (fast != expected) Assert.Fail($"{set.Rules[i].Metadata.File} {set.Rules[i].Condition}: expected {expected} on {what}");
        }
        Assert.Equal(matched.Length, next);
    }
}
