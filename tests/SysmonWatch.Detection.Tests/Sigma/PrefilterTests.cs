using System.Text;
using System.Text.Json;
using CsCheck;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>
/// The literals alone decide which rules are looked at: a rule that matches by the slow evaluator must always have been one of them. The other
/// way round is only speed.
/// </summary>
public sealed class PrefilterTests
{
    [Fact]
    public void The_prefilter_alone_never_loses_a_match_of_random_rules()
    {
        long matches = 0;
        long ruledOut = 0;
        Gen.Int.Sample(
            seed =>
            {
                var random = new RandomRules(seed);
                RuleSet set = RuleLoader.Parse(Enumerable.Range(0, 12).Select(i => ($"{i}.yml", random.Rule(i))));
                (ProgramRun run, SlowEvaluator slow) = (Run(set), new SlowEvaluator(dashIsNull: false));
                var e = new JsonEvent();
                for (int i = 0; i < 20; i++)
                {
                    Assert.True(e.TryRead(Encoding.UTF8.GetBytes(random.Event()), out _));
                    Check(set, run, slow, e, ref matches, ref ruledOut);
                }
            },
            iter: 150,
            threads: 1);

        Assert.True(matches > 1000 && ruledOut > 1000, $"{matches} matches, {ruledOut} ruled out: too few to say anything");
    }

    [Fact]
    public void The_prefilter_alone_never_loses_a_match_of_the_linux_rules()
    {
        RuleSet set = Vectors.LinuxRules();
        (ProgramRun run, SlowEvaluator slow) = (Run(set), new SlowEvaluator(dashIsNull: false));
        long matches = 0;
        long ruledOut = 0;
        foreach (JsonElement json in Vectors.Read("linux-rules-corpus/events.ndjson.gz").Where((_, i) => Thoroughness.Takes(i, 11)))
        {
            Check(set, run, slow, Vectors.Event(json), ref matches, ref ruledOut);
        }
        Assert.True(matches > 150 && ruledOut > 10 * matches, $"{matches} matches, {ruledOut} ruled out");
    }

    [Fact]
    public void So_many_literals_that_only_their_beginnings_fit_into_the_table_are_found_like_any()
    {
        var random = new Random(42);
        string Text(int length) => string.Concat(Enumerable.Range(0, length).Select(_ => "abcdefghijklmnopqrstuvwxyz/- 0123456789é"[random.Next(40)]));
        string[] literals = [.. Enumerable.Range(0, 6000).Select(_ => Text(random.Next(2, 16))).Distinct()];
        RuleSet set = RuleLoader.Parse(literals.Select((literal, i) => ($"{i}.yml", Vectors.Rule($"  s:\n    A|contains: '{literal}'\n  condition: s\n"))));
        RuleMatcher matcher = CompiledRules.Compile(set, new RuleOptions()).CreateMatcher();
        var e = new JsonEvent();
        for (int i = 0; i < (Thoroughness.Long ? 200 : 25); i++)
        {
            string value = Text(random.Next(100)) + literals[random.Next(literals.Length)].ToUpperInvariant() + Text(random.Next(100)) + literals[random.Next(literals.Length)];
            Assert.True(e.TryRead(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["A"] = value }), out _));

            int[] expected = [.. Enumerable.Range(0, literals.Length).Where(l => value.Contains(literals[l], StringComparison.OrdinalIgnoreCase))];
            Assert.Equal(expected, matcher.Match(e, null).ToArray());
        }
    }

    static ProgramRun Run(RuleSet set) => new(ProgramBuilder.Build(set, [.. Enumerable.Range(0, set.Rules.Count)]), new MatchScratch());

    static void Check(RuleSet set, ProgramRun run, SlowEvaluator slow, FieldedEvent e, ref long matches, ref long ruledOut)
    {
        run.Match(e, []);
        for (int i = 0; i < set.Rules.Count; i++)
        {
            bool candidate = run.WasCandidate(i);
            if (!candidate) ruledOut++;
            if (!slow.Matches(set.Rules[i].Condition, e)) continue;
            matches++;
            Assert.True(candidate, $"{set.Rules[i].Metadata.File} matches, and was not looked at");
        }
    }
}
