using BenchmarkDotNet.Attributes;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Benchmarks.Suite;

/// <summary>One event against all rules. The directory of the environment variable SYSMONWATCH_RULES (SigmaHQ's) is a second set where it is set.</summary>
public class DetectionBenchmarks
{
    /// <summary>Names the directory of the second set.</summary>
    public const string RulesVariable = "SYSMONWATCH_RULES";

    readonly SysmonEvent _event = new();
    RuleMatcher _matcher = null!;

    /// <summary>Where rules come from: <c>shipped</c> or a directory.</summary>
    [ParamsSource(nameof(RuleSets))]
    public string Rules { get; set; } = "";

    /// <summary>One of each event id.</summary>
    [Params("iso-event-001", "iso-event-003", "iso-event-005", "iso-event-010", "iso-event-011", "iso-event-023", "iso-event-100")]
    public string Sample { get; set; } = "";

    /// <summary>The rule sets there are.</summary>
    public static IEnumerable<string> RuleSets => Environment.GetEnvironmentVariable(RulesVariable) is { Length: > 0 } directory ? ["shipped", directory] : ["shipped"];

    /// <summary>Compiles the rules and decodes the event.</summary>
    [GlobalSetup]
    public void Prepare()
    {
        RuleSet rules = Rules == "shipped" ? RuleLoader.Parse(Samples.Rules()) : RuleLoader.Load([Rules]);
        if (rules.Rules.Count == 0) throw new InvalidOperationException($"{Rules} has no rules.");
        _matcher = CompiledRules.Compile(rules, new RuleOptions()).CreateMatcher();
        byte[] line = Samples.Line(Sample);
        new SysmonDecoder().Decode(line, new LogRecord(new Slice(0, line.Length), RecordOrigin.File, 0), _event, out _);
    }

    /// <summary>Finds the rules that match.</summary>
    [Benchmark]
    public int Match()
    {
        // What the next event would find: nothing remembered of the one before.
        _event.Repairs = Repairs.None;
        return _matcher.Match(_event).Length;
    }
}
