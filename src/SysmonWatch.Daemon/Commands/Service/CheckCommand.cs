using System.CommandLine;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Daemon.Pipeline;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Commands.Service;

/// <summary><c>sysmonwatch check</c>: everything that is wrong with configuration and rules, each on a line of its own.</summary>
static class CheckCommand
{
    public static Command Create()
    {
        Option<string?> config = SharedOptions.Config();
        Option<string[]> rules = SharedOptions.Rules("Rule files or directories in place of the configured ones; may be repeated.");
        rules.AllowMultipleArgumentsPerToken = true;
        var command = new Command("check", "Check configuration and rules. Exit code: 0 all good, 78 configuration wrong, 1 only rules wrong.") { config, rules };
        command.SetAction(parsed => Run(parsed.GetValue(config), parsed.GetValue(rules) ?? [], Console.Out));
        return command;
    }

    public static int Run(string? config, IReadOnlyList<string> rulePaths, TextWriter output)
    {
        LoadedConfiguration loaded = ConfigurationLoader.Load(config, onlyChecking: true);
        foreach (ConfigurationProblem problem in loaded.Problems) output.WriteLine(problem);

        RuleSet rules = RulesInUse.Load(rulePaths, (loaded.Options ?? new SysmonWatchOptions()).Rules);
        foreach (RuleProblem problem in rules.Problems) output.WriteLine(problem);

        if (loaded.Options is null) return ExitCodes.Configuration;
        if (rules.Problems.Any(problem => problem.IsError)) return ExitCodes.Failure;
        string unfed = rules.Unfed.Count > 0 ? $" ({rules.Unfed.Count} of them for log sources that Sysmon for Linux does not feed)" : "";
        output.WriteLine($"{loaded.File ?? "no configuration file, the defaults"}: good. {rules.Rules.Count} rules{unfed}, {rules.Correlations.Count} correlations: good.");
        return ExitCodes.Success;
    }
}
