using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Decoding;

/// <summary>What the schema says a field holds. Sysmon writes everything as text; this is for those who compare numbers or show values.</summary>
public enum FieldType : byte
{
    /// <summary>Free text.</summary>
    Text,

    /// <summary>A GUID in braces.</summary>
    Uuid,

    /// <summary>Decimal, up to 65,535.</summary>
    Decimal16,

    /// <summary>Decimal, up to 4,294,967,295.</summary>
    Decimal32,

    /// <summary>Hexadecimal with 0x.</summary>
    Hex32,

    /// <summary>Hexadecimal by the schema; Sysmon for Linux writes a decimal user id.</summary>
    Hex64,

    /// <summary>"true" or "false"; "-" for IsExecutable.</summary>
    TrueOrFalse,
}

/// <summary>One field of the schema.</summary>
/// <param name="Id">Its name as an id.</param>
/// <param name="Type">What it holds.</param>
public readonly record struct SchemaField(FieldId Id, FieldType Type);

/// <summary>One event of the schema.</summary>
/// <param name="EventId">1 to 255.</param>
/// <param name="Name">What Sysmon calls it, e.g. "Process Create".</param>
/// <param name="Fields">Its fields in the order Sysmon writes them.</param>
public sealed record SchemaEvent(int EventId, string Name, IReadOnlyList<SchemaField> Fields);

/// <summary>All events that Sysmon can write, with their fields in order. Thread-safe.</summary>
/// <remarks>
/// Source: microsoft/SysmonCommon manifest.xml, schema 4.90 (1 to 26, 100, 255), and the Windows manifest for 27 to 29, which Sysmon for Linux
/// does not have. Sysmon for Linux writes 1, 3, 4, 5, 9, 10, 11, 16, 23 and 100.
/// </remarks>
public static class SysmonSchema
{
    static readonly SchemaEvent?[] Events = Build();
    static readonly FieldTag[][] CanonicalTags = [.. Events.Select(e => e?.Fields.Select(f => new FieldTag(f.Id)).ToArray() ?? [])];
    static readonly byte[][] FieldPlaces = [.. Events.Select(e => e is null ? [] : PlacesOf(e))];

    /// <summary>Every event of the schema, by event id.</summary>
    public static IEnumerable<SchemaEvent> All => Events.OfType<SchemaEvent>();

    /// <summary>The event with this id; null where the schema has none.</summary>
    public static SchemaEvent? Find(int eventId) => (uint)eventId < (uint)Events.Length ? Events[eventId] : null;

    /// <summary>For each field, in order, the text between the value before and its own. Empty for unknown ids.</summary>
    internal static FieldTag[] Tags(int eventId) => (uint)eventId < (uint)Events.Length ? CanonicalTags[eventId] : [];

    /// <summary>For each field id the field's place in the order; 255 where the event has no such field. Shorter where no higher id has a place.</summary>
    internal static byte[] Places(int eventId) => (uint)eventId < (uint)Events.Length ? FieldPlaces[eventId] : [];

    static byte[] PlacesOf(SchemaEvent e)
    {
        byte[] places = new byte[e.Fields.Max(f => f.Id.Value) + 1];
        Array.Fill(places, (byte)255);
        for (int i = 0; i < e.Fields.Count; i++) places[e.Fields[i].Id.Value] = (byte)i;
        return places;
    }

    static SchemaEvent?[] Build()
    {
        var events = new SchemaEvent?[256];
        const string Process = "RuleName UtcTime ProcessGuid:Guid ProcessId:UInt32";
        Add(1, "Process Create", $"{Process} Image FileVersion Description Product Company OriginalFileName CommandLine CurrentDirectory User LogonGuid:Guid LogonId:HexInt64 TerminalSessionId:UInt32 IntegrityLevel Hashes ParentProcessGuid:Guid ParentProcessId:UInt32 ParentImage ParentCommandLine ParentUser");
        Add(2, "File creation time changed", $"{Process} Image TargetFilename CreationUtcTime PreviousCreationUtcTime User");
        Add(3, "Network connection detected", $"{Process} Image User Protocol Initiated:Boolean SourceIsIpv6:Boolean SourceIp SourceHostname SourcePort:UInt16 SourcePortName DestinationIsIpv6:Boolean DestinationIp DestinationHostname DestinationPort:UInt16 DestinationPortName");
        Add(4, "Sysmon service state changed", "UtcTime State Version SchemaVersion");
        Add(5, "Process terminated", $"{Process} Image User");
        Add(6, "Driver loaded", "RuleName UtcTime ImageLoaded Hashes Signed Signature SignatureStatus");
        Add(7, "Image loaded", $"{Process} Image ImageLoaded FileVersion Description Product Company OriginalFileName Hashes Signed Signature SignatureStatus User");
        Add(8, "CreateRemoteThread detected", "RuleName UtcTime SourceProcessGuid:Guid SourceProcessId:UInt32 SourceImage TargetProcessGuid:Guid TargetProcessId:UInt32 TargetImage NewThreadId:UInt32 StartAddress StartModule StartFunction SourceUser TargetUser");
        Add(9, "RawAccessRead detected", $"{Process} Image Device User");
        Add(10, "Process accessed", "RuleName UtcTime SourceProcessGUID:Guid SourceProcessId:UInt32 SourceThreadId:UInt32 SourceImage TargetProcessGUID:Guid TargetProcessId:UInt32 TargetImage GrantedAccess:HexInt32 CallTrace SourceUser TargetUser");
        Add(11, "File created", $"{Process} Image TargetFilename CreationUtcTime User");
        const string Registry = "RuleName EventType UtcTime ProcessGuid:Guid ProcessId:UInt32";
        Add(12, "Registry object added or deleted", $"{Registry} Image TargetObject User");
        Add(13, "Registry value set", $"{Registry} Image TargetObject Details User");
        Add(14, "Registry object renamed", $"{Registry} Image TargetObject NewName User");
        Add(15, "File stream created", $"{Process} Image TargetFilename CreationUtcTime Hash Contents User");
        Add(16, "Sysmon config state changed", "UtcTime Configuration ConfigurationFileHash");
        Add(17, "Pipe Created", $"{Registry} PipeName Image User");
        Add(18, "Pipe Connected", $"{Registry} PipeName Image User");
        const string Wmi = "RuleName EventType UtcTime Operation User";
        Add(19, "WmiEventFilter activity detected", $"{Wmi} EventNamespace Name Query");
        Add(20, "WmiEventConsumer activity detected", $"{Wmi} Name Type Destination");
        Add(21, "WmiEventConsumerToFilter activity detected", $"{Wmi} Consumer Filter");
        Add(22, "Dns query", $"{Process} QueryName QueryStatus QueryResults Image User");
        Add(23, "File Delete archived", $"{Process} User Image TargetFilename Hashes IsExecutable:Boolean Archived");
        Add(24, "Clipboard changed", $"{Process} Image Session:UInt32 ClientInfo Hashes Archived User");
        Add(25, "Process Tampering", $"{Process} Image Type User");
        Add(26, "File Delete logged", $"{Process} User Image TargetFilename Hashes IsExecutable:Boolean");
        Add(27, "File Block Executable", $"{Process} User Image TargetFilename Hashes");
        Add(28, "File Block Shredding", $"{Process} User Image TargetFilename Hashes IsExecutable:Boolean");
        Add(29, "File Executable Detected", $"{Process} User Image TargetFilename Hashes");
        Add(100, "eBPF Program Loaded", $"{Process} Image User BpfCommand BpfProgramType BpfProgramId:UInt32 BpfProgramName");
        Add(255, "Error report", "UtcTime ID Description");
        return events;

        void Add(int id, string name, string fields) => events[id] = new SchemaEvent(id, name, [.. fields.Split(' ').Select(Field)]);
    }

    static SchemaField Field(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0
            ? new SchemaField(FieldId.Of(text), FieldType.Text)
            : new SchemaField(FieldId.Of(text[..colon]), Type(text[(colon + 1)..]));
    }

    static FieldType Type(string text) => text switch
    {
        "Guid" => FieldType.Uuid,
        "UInt16" => FieldType.Decimal16,
        "UInt32" => FieldType.Decimal32,
        "HexInt32" => FieldType.Hex32,
        "HexInt64" => FieldType.Hex64,
        "Boolean" => FieldType.TrueOrFalse,
        _ => throw new ArgumentException($"The schema table has a field of type '{text}', which is none."),
    };
}
