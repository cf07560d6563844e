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
        var command = new Command(
            "check",
            "Check configuration and rules; as root, also whether the service can read them. Exit code: 0 all good, 78 configuration wrong, 1 only rules wrong.")
        {
            config,
            rules,
        };
        command.SetAction(parsed => Run(parsed.GetValue(config), parsed.GetValue(rules) ?? [], Console.Out, ServiceUser.ForRoot()));
        return command;
    }

    public static int Run(string? config, IReadOnlyList<string> rulePaths, TextWriter output, ServiceUser? service = null)
    {
        LoadedConfiguration loaded = ConfigurationLoader.Load(config, onlyChecking: true, service: service);
        RulesOptions options = (loaded.Options ?? new SysmonWatchOptions()).Rules;
        RuleSet rules = RulesInUse.Load(rulePaths, options);
        IEnumerable<ConfigurationProblem> problems = loaded.Problems;
        // With other rules than its own a configuration may well name what is not among them.
        if (rulePaths.Count == 0) problems = problems.Concat(RulesInUse.UnknownDisabled(loaded.File, options, rules));
        foreach (ConfigurationProblem problem in problems) output.WriteLine(problem);
        foreach (RuleProblem problem in rules.Problems) output.WriteLine(problem);
        RuleProblem[] unreadable = rulePaths.Count == 0 && service is not null && Path.GetFullPath(config ?? ConfigurationLoader.DefaultPath) == ConfigurationLoader.DefaultPath
            ? [.. RulesInUse.UnreadableFor(service, rules)]
            : [];
        foreach (RuleProblem problem in unreadable) output.WriteLine(problem);

        if (loaded.Options is null || loaded.Problems.Any(problem => problem.IsError)) return ExitCodes.Configuration;
        if (rules.Problems.Concat(unreadable).Any(problem => problem.IsError)) return ExitCodes.Failure;
        string unfed = rules.Unfed.Count > 0 ? $" ({rules.Unfed.Count} of them for log sources that Sysmon for Linux does not feed)" : "";
        output.WriteLine($"{loaded.File ?? "no configuration file, the defaults"}: good. {Wording.Count(rules.Rules.Count, "rule")}{unfed}, {Wording.Count(rules.Correlations.Count, "correlation")}: good.");
        return ExitCodes.Success;
    }
}
