using System.Reflection;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Detection.Correlation;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>Finds the rules that a configuration names. The shipped ones are in the binary too, so that it works from anywhere.</summary>
static class RulesInUse
{
    const string ResourcePrefix = "rules/";

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
        Silenced = options.Disabled.ToHashSet(StringComparer.OrdinalIgnoreCase),
    };

    /// <summary>Bounds of correlation windows from the configuration.</summary>
    public static CorrelationLimits Limits(LimitsOptions limits) => new()
    {
        Groups = limits.CorrelationGroups,
        Entries = limits.CorrelationEntries,
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
