namespace SysmonWatch.Daemon.Delivery.Journal;

/// <summary>What a rule's tags say in MITRE ATT&amp;CK's terms.</summary>
/// <remarks>Source: the tags appendix of the Sigma specification: attack.t1234, attack.t1234.001, attack.g1234, attack.s1234, attack.tactic-name.</remarks>
static class AttackTags
{
    const string Prefix = "attack.";

    /// <summary>T1485, T1059.004: once each, in the rule's order.</summary>
    public static IEnumerable<string> Techniques(IReadOnlyList<string> tags) =>
        Names(tags).Where(name => IsNumbered(name, 't')).Select(name => name.ToUpperInvariant()).Distinct();

    /// <summary>impact, command-and-control: once each, in the rule's order, with hyphens also where a rule still has underscores.</summary>
    public static IEnumerable<string> Tactics(IReadOnlyList<string> tags) => Names(tags)
        .Where(name => name.Length > 0 && !IsNumbered(name, 't') && !IsNumbered(name, 'g') && !IsNumbered(name, 's'))
        .Select(name => name.Replace('_', '-'))
        .Distinct();

    static IEnumerable<string> Names(IReadOnlyList<string> tags) => tags
        .Where(tag => tag.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        .Select(tag => tag[Prefix.Length..].ToLowerInvariant());

    static bool IsNumbered(string name, char letter) => name.Length > 1 && name[0] == letter && char.IsAsciiDigit(name[1]);
}
