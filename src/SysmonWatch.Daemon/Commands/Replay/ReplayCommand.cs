using System.CommandLine;
using System.Globalization;
using SysmonWatch.Daemon.Pipeline;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Sequence;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Commands.Replay;

/// <summary><c>sysmonwatch replay FILE…</c>: the alerts that these logs would have raised. Touches nothing but its arguments.</summary>
static class ReplayCommand
{
    /// <summary>How many rules <c>--rule-costs</c> lists.</summary>
    const int MostCosts = 30;

    public static Command Create(TimeProvider time)
    {
        Argument<string[]> files = SharedOptions.Files();
        Option<string[]> rules = SharedOptions.Rules("Rule files or directories in place of the shipped rules; may be repeated. 'none': decode only.");
        Option<string?> config = SharedOptions.Config();
        config.Description = "Configuration file for limits, suppression and rules. Default: none, the defaults.";
        var output = new Option<string>("--output") { HelpName = "text|json|none", Description = "How alerts are printed: for people, one JSON object a line, or not at all.", DefaultValueFactory = _ => "text" };
        output.AcceptOnlyFromAmong("text", "json", "none");
        var costs = new Option<bool>("--rule-costs") { Description = "Also say which rules were looked at most often, beyond what the literals of all rules had ruled out." };
        var command = new Command("replay", "Evaluate log files as the daemon would have, and print the alerts.") { files, rules, config, output, costs };
        command.SetAction(parsed => Run(
            new Request(parsed.GetRequiredValue(files), parsed.GetValue(rules) ?? [], parsed.GetValue(config), parsed.GetValue(output)!, parsed.GetValue(costs)),
            Console.OpenStandardOutput(),
            Console.Error,
            time));
        return command;
    }

    public sealed record Request(IReadOnlyList<string> Files, IReadOnlyList<string> Rules, string? Config, string Output, bool RuleCosts = false);

    public static int Run(Request request, Stream output, TextWriter errors, TimeProvider time)
    {
        if (ConfiguredRules.OnlyWhereNamed(request.Config, errors) is not { } options) return ExitCodes.Configuration;
        if (InputFiles.FindProblem(request.Files) is { } unreadable)
        {
            errors.WriteLine(unreadable);
            return ExitCodes.NoInput;
        }

        bool decodeOnly = request.Rules is ["none"];
        RuleSet rules = decodeOnly ? RuleSet.Empty : RulesInUse.Load(request.Rules, options.Rules);
        foreach (RuleProblem problem in rules.Problems) errors.WriteLine(problem);
        if (request.Rules.Count > 0 && !decodeOnly && rules.Rules.Count == 0)
        {
            errors.WriteLine($"No rule is left of {string.Join(", ", request.Rules)}; nothing would be found.");
            return ExitCodes.Failure;
        }

        long started = time.GetTimestamp();
        var counters = new DetectionCounters();
        var decoder = new BatchDecoder(new SequenceWatch(), new ProcessTree(options.Limits.ProcessTreeNodes), new ArrivalClock(options.Alerts.FutureTolerance), counters) { ReusesProcesses = true };
        CompiledRules compiled = CompiledRules.Compile(rules, RulesInUse.Matching(options.Rules));
        var matcher = new BatchMatcher(compiled);
        var raiser = new AlertRaiser(compiled, new Suppression(options.Alerts.SuppressionPeriod), RulesInUse.Limits(options.Limits), counters) { WatchersOn = !decodeOnly };
        using var printer = new AlertPrinter(output, request.Output);
        var batch = new EventBatch(options.Limits.LineLength);
        List<Alert> raised = [], closed = [];
        using var input = new InputFiles(request.Files, errors);
        while (input.TryRead(batch.Records))
        {
            decoder.Decode(batch);
            if (!decodeOnly) matcher.Match(batch);
            raiser.Process(batch, raised, closed);
            printer.Print(closed);
            raised.Clear();
            closed.Clear();
        }
        decoder.Finish(batch);
        raiser.Finish(raised, closed);
        printer.Print(closed);
        printer.Dispose();
        Summarize(errors, counters, rules, time.GetElapsedTime(started));
        if (request.RuleCosts) WriteCosts(errors, rules, matcher.Costs());
        return input.WasDamaged ? ExitCodes.NoInput : ExitCodes.Success;
    }

    static void WriteCosts(TextWriter errors, RuleSet rules, (long Evaluations, long Matches)[] costs)
    {
        errors.WriteLine("  looked at   matches  rule");
        foreach (int rule in Enumerable.Range(0, costs.Length).Where(i => costs[i].Evaluations > 0).OrderByDescending(i => costs[i].Evaluations).Take(MostCosts))
        {
            RuleMetadata metadata = rules.Rules[rule].Metadata;
            errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{costs[rule].Evaluations,11:N0}{costs[rule].Matches,10:N0}  {SafeText.Show(metadata.Title)} ({metadata.File}:{metadata.Line})"));
        }
    }

    static void Summarize(TextWriter errors, DetectionCounters counters, RuleSet rules, TimeSpan took)
    {
        errors.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{counters.Records:N0} records, {counters.Events:N0} Sysmon events, {rules.Rules.Count:N0} rules, {rules.Correlations.Count:N0} correlations, {counters.Findings:N0} findings, {counters.Alerts:N0} alerts; {took.TotalSeconds:N2} s"));
        (string What, long Count)[] remarkable =
        [
            ("truncated events, evaluated as far as they go", counters.Truncated),
            ("copies, not evaluated twice", counters.Copies),
            ("forged events, not believed", counters.Forged),
            ("events with the identity of another", counters.Conflicts),
            ("events of a file that look as if Sysmon had not written them", counters.Doubtful),
            ("lines that began within another line (a write was torn), evaluated", counters.Glued),
            ("lines with a second event that nothing says Sysmon wrote, not evaluated", counters.Unbelieved),
            ("events from the future, which advance no window", counters.FutureDated),
            ("events missing by their numbers", counters.Missing),
            ("times that the numbers started anew", counters.Resets),
            ("lines of Sysmon's that hold no readable event", counters.Unreadable),
            ("records that are too long", counters.TooLong),
            ("journal records without a message (use journalctl --all)", counters.WithoutMessage),
            ("pieces of input of no known form", counters.Malformed),
        ];
        foreach ((string what, long count) in remarkable)
        {
            if (count > 0) errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {count:N0} {what}"));
        }
    }
}
