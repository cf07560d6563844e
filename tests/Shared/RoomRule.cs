#if DETECTION
using ArchUnitNET.Domain;
using ArchUnitNET.Fluent.Syntax.Elements.Types;
using ArchUnitNET.Loader;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace SysmonWatch.Tests.Shared;

/// <summary>The rule that folders are rooms and arrows point down only, for whichever assembly and rooms.</summary>
static class RoomRule
{
    /// <summary>What lives in a room depends on nothing of the same root but what is in it and in the rooms below.</summary>
    /// <param name="architecture">What was loaded.</param>
    /// <param name="root">The namespace of the assembly.</param>
    /// <param name="room">The room, a namespace below the root: <c>Sigma.Engine</c>.</param>
    /// <param name="below">The rooms it may use. <c>Sigma.*</c> stands for all rooms in Sigma.</param>
    public static TypesShouldConjunction For(Architecture architecture, string root, string room, string[] below)
    {
        string[] forbidden = [.. architecture.Types.Select(type => type.Namespace.FullName).Distinct()
            .Where(name => name == root || name.StartsWith(root + ".", StringComparison.Ordinal))
            .Where(name => !below.Append(room).Any(allowed => IsIn(name, $"{root}.{allowed}")))];
        return Types().That().ResideInNamespace($"{root}.{room}").Should()
            .NotDependOnAny(Types().That().ResideInNamespaceMatching($"^({string.Join('|', forbidden.Select(System.Text.RegularExpressions.Regex.Escape))})$"));
    }

    static bool IsIn(string name, string allowed) =>
        name == allowed || (allowed.EndsWith(".*", StringComparison.Ordinal) && name.StartsWith(allowed[..^1], StringComparison.Ordinal));

    /// <summary>An assembly with a violation planted in it: what is in Planted.Low uses what is in Planted.High.</summary>
    public static (Architecture Architecture, string Root) WithViolation { get; } =
        (new ArchLoader().LoadAssemblies(typeof(Planted.Low.Innocent).Assembly).Build(), "SysmonWatch.Tests.Planted");
}
#endif
