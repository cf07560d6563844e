using System.Text.RegularExpressions;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Tests.Decoding;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Events;

public sealed class DerivedFieldsTests
{
    [Fact]
    public void The_documentation_names_all_of_them_and_no_other()
    {
        string text = File.ReadAllText(Path.Combine(Places.Repository, "docs/fields.md"));

        IEnumerable<string> documented = text.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(line => Regex.Matches(line.Split('|')[1], "`([^`]+)`").Select(m => m.Groups[1].Value));

        Assert.Equal(DerivedFields.Names.Select(field => field.Name).Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("cut-in-value", true)]
    [InlineData("iso-event-001", false)]
    public void A_rule_and_its_alert_see_that_an_event_was_cut(string sample, bool isCut)
    {
        CompiledRules compiled = CompiledRules.Compile(
            RuleLoader.Parse([("cut.yml", "title: Cut\nid: 0f4c1c56-8c2b-4a57-9d5e-8d7a7a3f8f11\nlogsource: {product: linux}\ndetection:\n  s:\n    Truncated: 'true'\n  condition: s\nlevel: low\n")]), new RuleOptions());
        var counters = new DetectionCounters();
        var raiser = new AlertRaiser(compiled, new Suppression(TimeSpan.FromMinutes(5)), new(), counters);
        var decoder = new BatchDecoder(new SequenceWatch(), new ProcessTree(), new ArrivalClock(TimeSpan.FromMinutes(5)), counters);
        var batch = new EventBatch();
        batch.Records.Add(RealLines.Samples.Single(s => s.Name == sample).Raw, RecordOrigin.File, 0);
        List<Alert> raised = [], closed = [];

        decoder.Decode(batch);
        new BatchMatcher(compiled).Match(batch);
        raiser.Process(batch, raised, closed);

        Assert.Equal(isCut ? ["truncated"] : [], raised.SelectMany(alert => alert.Marks));
        Assert.Equal(isCut ? 1 : 0, raised.Count);
    }
}
