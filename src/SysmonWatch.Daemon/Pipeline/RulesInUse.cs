using System.Reflection;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Detection.Correlation;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>Finds the rules that a configuration names. The shipped ones are in the binary too, so that it works from anywhere.</summary>
static class RulesInUse
{
    const string ResourcePrefix = "rules/";

    /// <summary>Ids of the built-in watchers begin so.</summary>
    const string WatcherPrefix = "sysmonwatch-";

    /// <summary>The configured rules; of the default directories those that exist, and the built-in copy where the shipped ones are not installed.</summary>
    public static RuleSet Load(RulesOptions options)
    {
        if (!options.PathsAreDefault) return RuleLoader.Load(options.Paths, options.Placeholders);
        string[] existing = [.. options.Paths.Where(Directory.Exists)];
        return existing.Contains(RulesOptions.DefaultPaths[0])
            ? RuleLoader.Load(existing, options.Placeholders)
            : RuleLoader.Load(Shipped(), existing, options.Placeholders);
    }

    /// <summary>The rules of these paths in place of the configured ones, which they are where there are none.</summary>
    public static RuleSet Load(IReadOnlyList<string> inPlace, RulesOptions options) =>
        inPlace.Count > 0 ? RuleLoader.Load(inPlace, options.Placeholders) : Load(options);

    /// <summary>How the configuration wants rules to be matched.</summary>
    public static RuleOptions Matching(RulesOptions options) => new()
    {
        Repairs = options.Repairs,
        Silenced = options.Disabled.Select(d => d.Text).ToHashSet(StringComparer.OrdinalIgnoreCase),
    };

    /// <summary>What of <c>rules.disabled</c> disables nothing.</summary>
    /// <param name="file">The configuration.</param>
    /// <param name="options">What it says.</param>
    /// <param name="rules">The rules.</param>
    public static IEnumerable<ConfigurationProblem> UnknownDisabled(string? file, RulesOptions options, RuleSet rules)
    {
        var known = rules.Rules.Select(r => r.Metadata).Concat(rules.Correlations.Select(c => c.Metadata)).SelectMany(r => (string?[])[r.Id, r.Name]).OfType<string>()
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        return options.Disabled.Index()
            .Where(disabled => !known.Contains(disabled.Item.Text) && !disabled.Item.Text.StartsWith(WatcherPrefix, StringComparison.OrdinalIgnoreCase))
            .Select(disabled => new ConfigurationProblem(
                file ?? ConfigurationLoader.DefaultPath, disabled.Item.Line, disabled.Item.Column, false,
                $"rules.disabled[{disabled.Index}]: no rule has the id or name {Wording.Quote(disabled.Item.Text)}, so this disables nothing; sysmonwatch rules list shows the ids."));
    }

    /// <summary>The rule files that the service cannot read, although whoever checks can.</summary>
    public static IEnumerable<RuleProblem> UnreadableFor(ServiceUser service, RuleSet rules) =>
        rules.Rules.Select(r => r.Metadata).Concat(rules.Correlations.Select(c => c.Metadata)).Select(rule => rule.File).Distinct().Where(File.Exists)
            .Select(file => (File: file, Why: service.WhyUnreadable(Path.GetFullPath(file)))).Where(found => found.Why is not null)
            .Select(found => new RuleProblem(found.File, 1, 1, true, $"the file cannot be read by the service ({found.Why}); chmod 0644 it."));

    /// <summary>Bounds of correlation windows from the configuration.</summary>
    public static CorrelationLimits Limits(LimitsOptions limits) => new()
    {
        GroupsPerRule = limits.CorrelationGroups,
        EntriesPerRule = limits.CorrelationEntries,
    };

    static IEnumerable<(string File, string Yaml)> Shipped()
    {
        Assembly here = typeof(RulesInUse).Assembly;
        foreach (string name in here.GetManifestResourceNames().Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(here.GetManifestResourceStream(name)!);
            yield return ($"(shipped) {name[ResourcePrefix.Length..]}", reader.ReadToEnd());
        }
    }
}
