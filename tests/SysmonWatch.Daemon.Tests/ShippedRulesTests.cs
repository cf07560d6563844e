using SysmonWatch.Daemon.Commands;
using SysmonWatch.Daemon.Tests.Commands;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests;

/// <summary>What holds for every rule in deploy/rules.</summary>
public sealed class ShippedRulesTests
{
    static readonly string Directory = Path.Combine(Places.Repository, "deploy/rules");

    [Fact]
    public void Every_rule_does_what_its_tests_say()
    {
        var output = new StringWriter();

        int code = TestCommand.Run(Directory, null, output, output);

        Assert.True(code == ExitCodes.Success, string.Join('\n', output.ToString().Split('\n').Where(line => !line.StartsWith("ok", StringComparison.Ordinal))));
    }

    [Fact]
    public void Every_rule_is_good_and_has_tests()
    {
        RuleSet rules = RuleLoader.Load([Directory]);

        Assert.Empty(rules.Problems);
        Assert.Empty(rules.Rules.Where(r => !File.Exists(Path.ChangeExtension(r.Metadata.File, ".test.yml"))).Select(r => r.Metadata.File));
    }

    [Fact]
    public void Every_rule_that_alerts_says_what_it_is_and_what_else_it_could_be()
    {
        RuleSet rules = RuleLoader.Load([Directory]);

        IEnumerable<RuleMetadata> alerting = rules.Rules.Select(r => r.Metadata).Concat(rules.Correlations.Select(c => c.Metadata)).Where(m => m.Level != RuleLevel.Informational);
        Assert.Empty(alerting.Where(m => m.Description.Length < 80 || m.FalsePositives.Count == 0 || m.References.Count == 0 || !Guid.TryParse(m.Id, out _)
            || !m.Tags.Any(t => t.StartsWith("attack.t1", StringComparison.Ordinal))).Select(m => $"{m.File}:{m.Line}"));
    }

    public static TheoryData<string> BenignScenarios() =>
        [.. Places.Reference is null ? ["none"] : System.IO.Directory.GetDirectories(Path.Combine(Places.Reference, "data/scenarios/dev"), "*-benign-*").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).ToArray()];

    [Theory]
    [MemberData(nameof(BenignScenarios))]
    public void Administrators_are_left_in_peace(string scenario)
    {
        string log = System.IO.Directory.GetFiles(Places.ReferenceData($"data/scenarios/dev/{scenario}"), "syslog.iso*").Single();

        IReadOnlyList<Alert> alerts = Replayed.With([log], [Directory]).Alerts;

        // None of these logs has more than a thousand events to spare for one of level medium.
        Assert.Empty(alerts.Where(a => a.Level > RuleLevel.Low).Select(a => $"{a.RuleTitle} {a.RecordIds[0]}"));
    }
}
