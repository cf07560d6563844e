using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>
/// Lines that Sysmon wrote, against every rule of SigmaHQ, whatever its log source: the compiled engine and the slow evaluator must agree, with the
/// repairs and the process tree as in earnest. A sample; SYSMONWATCH_LONG=1 takes them all.
/// </summary>
public sealed class RealLinesTests
{
    [Fact]
    public void All_rules_match_real_lines_as_the_slow_evaluator_says()
    {
        RuleSet set = Vectors.SigmaHqRules;
        var run = new ProgramRun(ProgramBuilder.Build(set, [.. Enumerable.Range(0, set.Rules.Count)]), new MatchScratch { DashIsNull = true });
        var slow = new SlowEvaluator(dashIsNull: true);
        var matches = new List<int>();
        int number = 0;
        int looked = 0;
        int found = 0;
        foreach (SysmonEvent e in Events())
        {
            if (!Thoroughness.Takes(number++, 41)) continue;
            looked++;
            e.Repairs = Repairs.All;
            matches.Clear();
            run.Match(e, matches);
            int[] expected = [.. Enumerable.Range(0, set.Rules.Count).Where(i => slow.Matches(set.Rules[i].Condition, e))];
            Assert.Equal(expected, matches);
            found += matches.Count;
        }
        Assert.True(looked > 50 && found > 50, $"{looked} events of {number}, {found} matches");
    }

    static IEnumerable<SysmonEvent> Events()
    {
        string scenarios = Places.ReferenceData("data/scenarios/dev");
        foreach (string file in Directory.EnumerateFiles(scenarios, "syslog.iso", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var decoder = new BatchDecoder(new SequenceWatch(), new ProcessTree(), new ArrivalClock(TimeSpan.FromMinutes(5)), new DetectionCounters());
            using RecordReader reader = RecordReader.Open(File.OpenRead(file));
            var batch = new EventBatch();
            while (reader.TryRead(batch.Records))
            {
                decoder.Decode(batch);
                for (int i = 0; i < batch.Count; i++) yield return batch[i];
            }
        }
    }
}
