using System.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Alerting;

/// <summary>The process an alert is about, as text. Null is what is not known.</summary>
sealed record ProcessFacts(string? Image, int? ProcessId, string? ProcessGuid, string? CommandLine, string? User)
{
    /// <summary>What is known of a process in the tree.</summary>
    public static ProcessFacts Of(ProcessNode? node) => node is null
        ? new ProcessFacts(null, null, null, null, null)
        : new ProcessFacts(Text(node.Image), node.ProcessId > 0 ? node.ProcessId : null, Guid(node), Text(node.CommandLine), Text(node.User));

    /// <summary>What an event itself says, exactly as Sysmon wrote it, and from the tree only what the event does not say.</summary>
    public static ProcessFacts Of(SysmonEvent e)
    {
        bool looks = e.EventId is 8 or 10;
        ProcessFacts known = Of(e.Process);
        string? user = e.Text(looks ? KnownFields.SourceUser : KnownFields.User);
        // Sysmon writes "-" for root in events 9, 11 and 23, and event 5's User is unreliable.
        if (user is null or "-" or "" || e.EventId == 5) user = known.User ?? user;
        return new ProcessFacts(
            e.Text(looks ? KnownFields.SourceImage : KnownFields.Image) ?? known.Image,
            int.TryParse(e.Text(looks ? KnownFields.SourceProcessId : KnownFields.ProcessId), out int id) ? id : known.ProcessId,
            e.Text(looks ? KnownFields.SourceProcessGuid : KnownFields.ProcessGuid) ?? known.ProcessGuid,
            e.Text(KnownFields.CommandLine) ?? known.CommandLine,
            user);
    }

    /// <summary>The names of the executables from the first known ancestor to the process.</summary>
    public static IReadOnlyList<string> Chain(ProcessNode? node)
    {
        var names = new List<string>();
        for (; node is not null; node = node.Parent)
        {
            string path = Encoding.UTF8.GetString(node.Image.Span);
            names.Add(path.Length == 0 ? "?" : path[(path.LastIndexOf('/') + 1)..]);
        }
        names.Reverse();
        return names;
    }

    static string? Text(ReadOnlyMemory<byte> utf8) => utf8.IsEmpty ? null : Encoding.UTF8.GetString(utf8.Span);

    // A process without a GUID has a made-up name in its place, which is for grouping only.
    static string? Guid(ProcessNode node) => node.ProcessGuid.Span.StartsWith("{"u8) ? Text(node.ProcessGuid) : null;
}
