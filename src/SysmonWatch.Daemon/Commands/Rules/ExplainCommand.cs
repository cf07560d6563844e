using System.CommandLine;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Pipeline;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Explaining;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Detection.Testing;

namespace SysmonWatch.Daemon.Commands.Rules;

/// <summary><c>sysmonwatch explain RULE EVENT</c>: why a rule matches an event, or does not.</summary>
static class ExplainCommand
{
    public static Command Create()
    {
        var rule = new Argument<string>("RULE") { Description = "A rule file, or the id, name or title of a rule in use." };
        var e = new Argument<string>("EVENT") { Description = "A file with one JSON event or with log lines, of which the last event is explained; - is standard input." };
        Option<string[]> rules = SharedOptions.Rules("Where to look for a rule by its id, in place of the configured rules; may be repeated.");
        Option<string?> config = SharedOptions.Config();
        var command = new Command("explain", "Show a rule's condition over an event: what is true, what is false, and why. Exit code 0: it matches, 1: it does not.") { rule, e, rules, config };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(rule), parsed.GetRequiredValue(e), parsed.GetValue(rules) ?? [], parsed.GetValue(config), Console.Out, Console.Error));
        return command;
    }

    public static int Run(string rule, string eventFile, IReadOnlyList<string> rulePaths, string? config, TextWriter output, TextWriter errors)
    {
        SysmonWatchOptions? options = ConfiguredRules.Options(config, errors);
        if (options is null) return ExitCodes.Configuration;
        bool isFile = File.Exists(rule);
        RuleSet set = RulesInUse.Load(isFile ? [rule] : rulePaths, options.Rules);
        int[] chosen = [.. Enumerable.Range(0, set.Rules.Count).Where(i => isFile || ConfiguredRules.IsCalled(set.Rules[i].Metadata, rule))];
        if (chosen.Length == 0)
        {
            foreach (RuleProblem problem in set.Problems.Where(p => isFile && p.IsError)) errors.WriteLine(problem);
            string found = set.Correlations.Any(c => isFile || ConfiguredRules.IsCalled(c.Metadata, rule))
                ? "is a correlation, which is about many events; replay shows those"
                : isFile ? "has no rule that can be explained" : "is neither a file nor the id, name or title of a rule; see sysmonwatch rules list";
            errors.WriteLine($"{SafeText.Show(rule)}: {found}.");
            return ExitCodes.Usage;
        }
        if (InputFiles.FindProblem([eventFile]) is { } unreadable)
        {
            errors.WriteLine(unreadable);
            return ExitCodes.NoInput;
        }
        if (SingleEvent.Read(Read(eventFile), out string? reason) is not { } e)
        {
            errors.WriteLine($"{eventFile}: {reason}.");
            return ExitCodes.NoInput;
        }
        RuleMatcher matcher = CompiledRules.Compile(set, RulesInUse.Matching(options.Rules)).CreateMatcher();
        bool matches = false;
        foreach (int number in chosen)
        {
            RuleExplanation explanation = matcher.ExplainTree(number, e);
            matches |= explanation.Holds;
            RuleMetadata metadata = set.Rules[number].Metadata;
            output.WriteLine($"{SafeText.Show(metadata.Title)} ({SafeText.Show(metadata.Id)})");
            output.WriteLine($"{metadata.File}:{metadata.Line}");
            output.WriteLine(explanation.Holds ? "matches, because" : "does not match, because");
            ExplanationText.WriteReasons(output, explanation, "  ");
            output.WriteLine();
            ExplanationText.WriteTree(output, explanation);
            output.WriteLine();
        }
        return matches ? ExitCodes.Success : ExitCodes.Failure;
    }

    static byte[] Read(string file)
    {
        using Stream input = file == "-" ? Console.OpenStandardInput() : File.OpenRead(file);
        using var bytes = new MemoryStream();
        input.CopyTo(bytes);
        return bytes.ToArray();
    }
}
