using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Daemon.Pipeline;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Commands;

/// <summary>The rules that a command is about: those named on the command line, else those of the configuration.</summary>
static class ConfiguredRules
{
    /// <summary>The configuration; null where it is wrong, which has then been reported.</summary>
    public static SysmonWatchOptions? Options(string? config, TextWriter errors)
    {
        LoadedConfiguration loaded = ConfigurationLoader.Load(config, onlyChecking: true);
        foreach (ConfigurationProblem problem in loaded.Problems) errors.WriteLine(problem);
        return loaded.Options;
    }

    /// <summary>
    /// The configuration where one is named, else the defaults, whatever the host has: for commands whose answer must not depend on where they run. Null
    /// where it is wrong, which has then been reported.
    /// </summary>
    public static SysmonWatchOptions? OnlyWhereNamed(string? config, TextWriter errors) => config is null ? new SysmonWatchOptions() : Options(config, errors);

    /// <summary>The rules; null where the configuration is wrong, which has then been reported.</summary>
    public static RuleSet? Load(IReadOnlyList<string> paths, string? config, TextWriter errors) =>
        Options(config, errors) is { } options ? RulesInUse.Load(paths, options.Rules) : null;

    /// <summary>True where people mean this rule by that word.</summary>
    public static bool IsCalled(RuleMetadata rule, string word) =>
        string.Equals(rule.Id, word, StringComparison.OrdinalIgnoreCase)
        || string.Equals(rule.Name, word, StringComparison.OrdinalIgnoreCase)
        || string.Equals(rule.Title, word, StringComparison.OrdinalIgnoreCase);
}
