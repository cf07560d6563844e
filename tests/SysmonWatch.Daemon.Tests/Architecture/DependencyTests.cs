using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using ArchUnitNET.xUnitV3;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Architecture;

/// <summary>Which folder may use which: arrows point down only, and what reads never knows what tells. ARCHITECTURE.md says why.</summary>
public class DependencyTests
{
    const string Root = "SysmonWatch.Daemon";

    static readonly ArchUnitNET.Domain.Architecture Executable = new ArchLoader().LoadAssemblies(typeof(SysmonWatchOptions).Assembly).Build();

    /// <summary>Each room and the rooms it may use beside itself.</summary>
    public static TheoryData<string, string[]> Rooms => new()
    {
        { "Configuration", [] },
        { "Configuration.Reading", ["Configuration"] },
        { "Operations", ["Configuration"] },
        { "State", ["Operations", "Configuration"] },
        { "Intake", [] },
        { "Intake.Files", ["Intake"] },
        { "Intake.Journal", ["Intake"] },
        { "Intake.Sources", ["Intake.Files", "Intake.Journal", "Intake", "Operations"] },
        { "Delivery.Sinks", [] },
        { "Delivery.Journal", ["Delivery.Sinks", "Operations", "Configuration"] },
        { "Delivery.Webhooks", ["Delivery.Sinks", "Configuration", "Configuration.Reading"] },
        { "Delivery.Services.Slack", ["Delivery.Webhooks", "Delivery.Sinks"] },
        { "Delivery.Services.Generic", ["Delivery.Webhooks", "Delivery.Sinks"] },
        { "Delivery", ["Delivery.*", "State", "Operations", "Configuration"] },
        { "Pipeline", ["Intake", "Intake.Sources", "Intake.Journal", "Delivery", "Delivery.Journal", "State", "Operations", "Configuration", "Configuration.Reading"] },
        { "Commands", ["Pipeline", "Configuration", "Configuration.Reading"] },
        { "Commands.Rules", ["Commands", "Pipeline", "Configuration"] },
        { "Commands.Replay", ["Commands", "Pipeline", "Configuration"] },
        { "Commands.Doctor", ["Commands", "Intake.*", "Intake", "State", "Configuration", "Configuration.Reading"] },
        { "Commands.Service", ["Commands", "Pipeline", "State", "Configuration", "Configuration.Reading"] },
    };

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_uses_only_the_rooms_below_it(string room, string[] below)
    {
        RoomRule.For(Executable, Root, room, below).Check(Executable);
    }

    [Fact]
    public void Every_folder_is_a_room_with_a_place()
    {
        string[] known = [Root, .. Rooms.Select(row => $"{Root}.{row.Data.Item1}")];
        string[] found = [.. Executable.Types.Where(IsOurs).Select(type => type.Namespace.FullName).Distinct()];

        Assert.Empty(found.Except(known));
        Assert.Equal(known.Length, found.Length);
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
