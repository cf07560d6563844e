using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>The configured rules, read and made ready.</summary>
/// <param name="Compiled">Those that are good and not disabled.</param>
/// <param name="Problems">What is wrong with the others.</param>
sealed record RuleUpdate(CompiledRules Compiled, IReadOnlyList<RuleProblem> Problems)
{
    /// <summary>Reads the rules of a configuration.</summary>
    public static RuleUpdate Read(RulesOptions options)
    {
        RuleSet rules = RulesInUse.Load(options);
        return new RuleUpdate(CompiledRules.Compile(rules, RulesInUse.Matching(options)), rules.Problems);
    }
}
