using System.Buffers;
using System.CommandLine;
using SysmonWatch.Daemon.Pipeline;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Detection.Testing;

namespace SysmonWatch.Daemon.Commands.Rules;

/// <summary><c>sysmonwatch eval</c>: the Sigma engine alone over flat JSON events.</summary>
static class EvalCommand
{
    const int FlushAt = 32 * 1024;

    public static Command Create()
    {
        Option<string[]> rules = SharedOptions.Rules("Rule files or directories, one or several; may be repeated.");
        rules.Required = true;
        rules.AllowMultipleArgumentsPerToken = true;
        rules.Arity = ArgumentArity.OneOrMore;
        var events = new Option<string>("--events") { HelpName = "FILE.ndjson", Required = true, Description = "Events, one JSON object a line; - is standard input." };
        Option<string?> config = SharedOptions.Config();
        config.Description = "Configuration file for the values of placeholders and the limits of correlations. Default: none.";
        var command = new Command("eval", "Evaluate Sigma rules over JSON events: no decoding of Sysmon, no repairs, no suppression.") { rules, events, config };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(rules), parsed.GetRequiredValue(events), Console.OpenStandardOutput(), Console.Error, parsed.GetValue(config)));
        return command;
    }

    public static int Run(IReadOnlyList<string> rulePaths, string events, Stream output, TextWriter errors, string? config = null)
    {
        if (ConfiguredRules.OnlyWhereNamed(config, errors) is not { } options) return ExitCodes.Configuration;
        RuleSet rules = RuleLoader.Load(rulePaths, options.Rules.Placeholders);
        foreach (RuleProblem problem in rules.Problems.Where(problem => problem.IsError))
        {
            errors.WriteLine($"refused: {problem.File}:{problem.Line}:{problem.Column}: {problem.Text}");
        }
        if (rules.Rules.Count + rules.Correlations.Count == 0) return ExitCodes.Usage;
        if (InputFiles.FindProblem([events]) is { } unreadable)
        {
            errors.WriteLine(unreadable);
            return ExitCodes.NoInput;
        }
        using Stream input = events == "-" ? Console.OpenStandardInput() : File.OpenRead(events);
        var line = new ArrayBufferWriter<byte>(64 * 1024);
        new RuleEvaluation(rules, config is null ? null : RulesInUse.Limits(options.Limits)).Run(
            input,
            result =>
            {
                result.WriteTo(line);
                line.Write("\n"u8);
                if (line.WrittenCount < FlushAt) return;
                output.Write(line.WrittenSpan);
                line.ResetWrittenCount();
            },
            (number, reason) => errors.WriteLine($"{events}:{number + 1}: not an event: {reason}"));
        output.Write(line.WrittenSpan);
        output.Flush();
        return ExitCodes.Success;
    }
}
