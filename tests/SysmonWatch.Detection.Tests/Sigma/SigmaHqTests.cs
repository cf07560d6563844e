using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>Every rule of SigmaHQ's repository.</summary>
public sealed class SigmaHqTests
{
    /// <summary>Rules that are refused, and why.</summary>
    static readonly Dictionary<string, string> Refused = new(StringComparer.Ordinal)
    {
        ["win_security_adcs_certighost_cdc_chase_request.yml"] = "the placeholder %known_cdcs% has no values; give it some (rules.placeholders in the configuration), or do without the rule",
        ["win_security_adcs_certighost_cert_issued_via_chase.yml"] = "the placeholder %known_cdcs% has no values; give it some (rules.placeholders in the configuration), or do without the rule",
    };

    [Fact]
    public void Every_rule_loads_or_is_refused_for_a_stated_reason()
    {
        List<(string File, string Yaml)> files = Vectors.SigmaHq();

        RuleSet set = Vectors.SigmaHqRules;

        Dictionary<string, string> refused = set.Problems.Where(p => p.IsError).ToDictionary(p => Path.GetFileName(p.File), p => p.Text);
        Assert.Equal(Refused, refused);
        Assert.Equal(3754, files.Count);
        Assert.Equal(files.Count - Refused.Count, set.Rules.Count);
        Assert.DoesNotContain(set.Problems, p => !p.IsError);
    }
}
