using SysmonWatch.Detection.Events;

namespace SysmonWatch.Daemon.Configuration;

/// <summary><c>rules</c>: what is looked for.</summary>
sealed record RulesOptions
{
    /// <summary>
    /// Files or directories of Sigma rules, absolute. Default /usr/share/sysmonwatch/rules and /etc/sysmonwatch/rules.d; of these defaults,
    /// one that does not exist is passed over.
    /// </summary>
    public IReadOnlyList<string> Paths { get; init; } = DefaultPaths;

    /// <summary>True where <see cref="Paths"/> is the default, whose directories need not exist.</summary>
    public bool PathsAreDefault { get; init; } = true;

    /// <summary>Ids, names or titles of rules that are not used, as they stand in the file. Default none.</summary>
    public IReadOnlyList<PlacedText> Disabled { get; init; } = [];

    /// <summary>What is repaired in Sysmon's events. Default all.</summary>
    public Repairs Repairs { get; init; } = Repairs.All;

    /// <summary>Values of the placeholders (<c>%name%</c>) of rules with the modifier <c>expand</c>, by name. Default none: such rules are refused.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Placeholders { get; init; } = NoPlaceholders;

    /// <summary>The paths used where the configuration names none.</summary>
    public static IReadOnlyList<string> DefaultPaths { get; } = ["/usr/share/sysmonwatch/rules", "/etc/sysmonwatch/rules.d"];

    static IReadOnlyDictionary<string, IReadOnlyList<string>> NoPlaceholders { get; } = new Dictionary<string, IReadOnlyList<string>>();
}
