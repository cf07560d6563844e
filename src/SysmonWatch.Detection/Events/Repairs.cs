namespace SysmonWatch.Detection.Events;

/// <summary>Repairs of what Sysmon for Linux writes, made when rules are matched. docs/sigma.md says what each does.</summary>
[Flags]
public enum Repairs
{
    /// <summary>Values are taken as Sysmon wrote them.</summary>
    None = 0,

    /// <summary>Image and ParentImage match also by the name the program was called by, and by the other names the distribution gives it.</summary>
    ImageAsCalled = 1,

    /// <summary>ParentImage, ParentCommandLine and ParentUser are filled from the parent's own event where Sysmon did not write them.</summary>
    ParentFromTree = 2,

    /// <summary>"-" counts as null where a rule asks for null.</summary>
    DashIsNull = 4,

    /// <summary>All of them; the default.</summary>
    All = ImageAsCalled | ParentFromTree | DashIsNull,
}

/// <summary>What the repairs are called in the configuration and in evidence.</summary>
public static class RepairNames
{
    /// <summary><see cref="Repairs.ImageAsCalled"/>.</summary>
    public const string ImageAsCalled = "image_as_called";

    /// <summary><see cref="Repairs.ParentFromTree"/>.</summary>
    public const string ParentFromTree = "parent_from_tree";

    /// <summary><see cref="Repairs.DashIsNull"/>.</summary>
    public const string DashIsNull = "dash_is_null";

    /// <summary>Every repair with its name.</summary>
    public static IReadOnlyList<(string Name, Repairs Repair)> All { get; } =
        [(ImageAsCalled, Repairs.ImageAsCalled), (ParentFromTree, Repairs.ParentFromTree), (DashIsNull, Repairs.DashIsNull)];
}
