namespace SysmonWatch.Detection.Events;

/// <summary>The field names of the Sysmon schema that the code itself asks for.</summary>
/// <remarks>Source: the Sysmon for Linux manifest, schema 4.90.</remarks>
public static class KnownFields
{
    /// <summary>Path of the executable, symbolic links resolved.</summary>
    public static FieldId Image { get; } = FieldId.Of("Image");

    /// <summary>Arguments joined by single spaces; at most 16,383 bytes.</summary>
    public static FieldId CommandLine { get; } = FieldId.Of("CommandLine");

    /// <summary>User name; "-" is root or unresolvable in events 9, 11 and 23.</summary>
    public static FieldId User { get; } = FieldId.Of("User");

    /// <summary>GUID of the process; a new one at every execve of the same process id.</summary>
    public static FieldId ProcessGuid { get; } = FieldId.Of("ProcessGuid");

    /// <summary>Process id, decimal.</summary>
    public static FieldId ProcessId { get; } = FieldId.Of("ProcessId");

    /// <summary>GUID of the parent; zeros where Sysmon does not know it.</summary>
    public static FieldId ParentProcessGuid { get; } = FieldId.Of("ParentProcessGuid");

    /// <summary>Process id of the parent, decimal.</summary>
    public static FieldId ParentProcessId { get; } = FieldId.Of("ParentProcessId");

    /// <summary>Path of the parent's executable; "-" where Sysmon does not know it.</summary>
    public static FieldId ParentImage { get; } = FieldId.Of("ParentImage");

    /// <summary>Usually only the parent's argv[0].</summary>
    public static FieldId ParentCommandLine { get; } = FieldId.Of("ParentCommandLine");

    /// <summary>User of the parent.</summary>
    public static FieldId ParentUser { get; } = FieldId.Of("ParentUser");

    /// <summary>Process GUID of the one that looks in event 10 (spelt GUID there).</summary>
    public static FieldId SourceProcessGuid { get; } = FieldId.Of("SourceProcessGUID");

    /// <summary>Process id of the one that looks in event 10.</summary>
    public static FieldId SourceProcessId { get; } = FieldId.Of("SourceProcessId");

    /// <summary>Image of the one that looks in event 10.</summary>
    public static FieldId SourceImage { get; } = FieldId.Of("SourceImage");

    /// <summary>User of the one that looks in event 10.</summary>
    public static FieldId SourceUser { get; } = FieldId.Of("SourceUser");

    /// <summary>Path as the program spelt it, made absolute but not normalised.</summary>
    public static FieldId TargetFilename { get; } = FieldId.Of("TargetFilename");

    /// <summary>Working directory, event 1 only.</summary>
    public static FieldId CurrentDirectory { get; } = FieldId.Of("CurrentDirectory");

    /// <summary>Address connected to; IPv6 uncompressed.</summary>
    public static FieldId DestinationIp { get; } = FieldId.Of("DestinationIp");

    /// <summary>Port connected to, decimal.</summary>
    public static FieldId DestinationPort { get; } = FieldId.Of("DestinationPort");

    /// <summary>Label of the Sysmon configuration's rule; not evidence.</summary>
    public static FieldId RuleName { get; } = FieldId.Of("RuleName");

    /// <summary>Kernel time of the event; may be days off.</summary>
    public static FieldId UtcTime { get; } = FieldId.Of("UtcTime");

    /// <summary>Event 4: Started or Stopped.</summary>
    public static FieldId State { get; } = FieldId.Of("State");
}
