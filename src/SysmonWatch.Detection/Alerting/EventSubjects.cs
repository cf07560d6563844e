using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Alerting;

/// <summary>What an event acted on and what it did, in words.</summary>
public static class EventSubjects
{
    static readonly FieldId Device = FieldId.Of("Device");
    static readonly FieldId TargetImage = FieldId.Of("TargetImage");
    static readonly FieldId BpfProgramName = FieldId.Of("BpfProgramName");
    static readonly FieldId Configuration = FieldId.Of("Configuration");
    static readonly FieldId QueryName = FieldId.Of("QueryName");

    /// <summary>"127.0.0.1:23" for a connection, a path for a file, an image for a process; empty where an event acts on nothing else.</summary>
    public static string Of(SysmonEvent e) => e.EventId switch
    {
        3 => Destination(e),
        4 => e.Text(KnownFields.State) ?? "",
        9 => e.Text(Device) ?? "",
        8 or 10 => e.Text(TargetImage) ?? "",
        16 => e.Text(Configuration) ?? "",
        22 => e.Text(QueryName) ?? "",
        100 => e.Text(BpfProgramName) ?? "",
        _ => e.Text(KnownFields.TargetFilename) ?? "",
    };

    /// <summary>What was done to it: "deleted", "connected to" …</summary>
    public static string Verb(int eventId) => eventId switch
    {
        1 => "started",
        2 => "changed the creation time of",
        3 => "connected to",
        4 => "is now",
        5 => "ended",
        8 => "created a thread in",
        9 => "read raw from",
        10 => "attached to",
        11 => "created",
        16 => "loaded configuration",
        22 => "looked up",
        23 or 26 => "deleted",
        100 => "loaded eBPF program",
        _ => $"caused event {eventId}",
    };

    static string Destination(SysmonEvent e)
    {
        string ip = e.Text(KnownFields.DestinationIp) ?? "";
        string port = e.Text(KnownFields.DestinationPort) ?? "";
        return ip.Contains(':', StringComparison.Ordinal) ? $"[{ip}]:{port}" : $"{ip}:{port}";
    }
}
