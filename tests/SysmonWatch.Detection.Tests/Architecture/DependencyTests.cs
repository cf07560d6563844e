using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using ArchUnitNET.xUnitV3;
using SysmonWatch.Detection.Events;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Architecture;

/// <summary>Which folder may use which: arrows point down only. ARCHITECTURE.md says why.</summary>
public class DependencyTests
{
    const string Root = "SysmonWatch.Detection";

    static readonly ArchUnitNET.Domain.Architecture Library = new ArchLoader().LoadAssemblies(typeof(SysmonEvent).Assembly).Build();

    /// <summary>Each room and the rooms it may use beside itself.</summary>
    public static TheoryData<string, string[]> Rooms => new()
    {
        { "Events", [] },
        { "Snapshots", ["Events"] },
        { "Records", ["Events"] },
        { "Decoding", ["Records", "Events"] },
        { "Sequence", ["Decoding", "Records", "Events"] },
        { "Processes", ["Snapshots", "Events"] },
        { "Sigma.Matching", ["Events"] },
        { "Sigma.Rules", ["Sigma.Matching", "Events"] },
        { "Sigma.Files", ["Sigma.Rules", "Sigma.Matching"] },
        { "Sigma.Parsing", ["Sigma.Files", "Sigma.Rules", "Sigma.Matching", "Events"] },
        { "Sigma.Explaining", ["Sigma.Rules", "Sigma.Matching", "Events"] },
        { "Sigma.Engine", ["Sigma.Explaining", "Sigma.Rules", "Sigma.Matching", "Events"] },
        { "Correlation", ["Sigma.Rules", "Sigma.Matching", "Snapshots", "Events"] },
        { "Batches", ["Sigma.Engine", "Sigma.Rules", "Processes", "Sequence", "Decoding", "Records", "Events"] },
        { "Alerting", ["Batches", "Correlation", "Sigma.Engine", "Sigma.Rules", "Sequence", "Decoding", "Snapshots", "Events"] },
        { "Testing", ["Alerting", "Batches", "Correlation", "Sigma.*", "Processes", "Sequence", "Records", "Events"] },
    };

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_uses_only_the_rooms_below_it(string room, string[] below)
    {
        RoomRule.For(Library, Root, room, below).Check(Library);
    }

    [Fact]
    public void Every_folder_is_a_room_with_a_place()
    {
        string[] known = [.. Rooms.Select(row => $"{Root}.{row.Data.Item1}")];
        string[] found = [.. Library.Types.Where(IsOurs).Select(type => type.Namespace.FullName).Distinct()];

        Assert.Empty(found.Except(known));
    }

    [Fact]
    public void A_planted_violation_is_found()
    {
        (ArchUnitNET.Domain.Architecture planted, string root) = RoomRule.WithViolation;

        Assert.False(RoomRule.For(planted, root, "Low", []).HasNoViolations(planted));
        Assert.True(RoomRule.For(planted, root, "High", ["Low"]).HasNoViolations(planted));
    }

    static bool IsOurs(IType type) => type.Namespace.FullName.StartsWith(Root, StringComparison.Ordinal);
}
