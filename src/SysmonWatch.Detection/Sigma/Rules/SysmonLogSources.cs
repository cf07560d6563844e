namespace SysmonWatch.Detection.Sigma.Rules;

/// <summary>Which Sigma categories an event of Sysmon for Linux belongs to.</summary>
/// <remarks>
/// Source: the categories of Sigma's taxonomy for Sysmon's event ids, with product linux. Sysmon for Linux writes 1, 3, 4, 5, 9, 10, 11, 16, 23
/// and 255 today; the others are here so that a rule works on the day it writes them.
/// </remarks>
public static class SysmonLogSources
{
    /// <summary>The highest event id.</summary>
    public const int LastEventId = 255;

    static readonly LogSource[] WithoutCategory = [Of(null)];

    static readonly LogSource[]?[] ById = Build();

    static readonly LogSource[] All = [.. Enumerable.Range(0, LastEventId + 1).SelectMany(Of).Distinct()];

    /// <summary>The log sources of an event id: one a category; one without category for an id that has none. A rule sees the event where it takes any of them.</summary>
    public static IReadOnlyList<LogSource> Of(int eventId) =>
        eventId is >= 0 and <= LastEventId && ById[eventId] is { } known ? known : WithoutCategory;

    /// <summary>True where some Sysmon event can reach a rule with this log source.</summary>
    public static bool CanFeed(LogSource rule) =>
        All.Any(rule.Takes);

    static LogSource Of(string? category) => new(category, "linux", "sysmon");

    static LogSource[]?[] Build()
    {
        var table = new LogSource[]?[LastEventId + 1];
        Set(1, "process_creation");
        Set(2, "file_change");
        Set(3, "network_connection");
        Set(4, "sysmon_status");
        Set(5, "process_termination");
        Set(6, "driver_load");
        Set(7, "image_load");
        Set(8, "create_remote_thread");
        Set(9, "raw_access_thread");
        Set(10, "process_access");
        Set(11, "file_event");
        Set(12, "registry_add", "registry_delete", "registry_event");
        Set(13, "registry_set", "registry_event");
        Set(14, "registry_rename", "registry_event");
        Set(15, "create_stream_hash");
        Set(16, "sysmon_status");
        Set(17, "pipe_created");
        Set(18, "pipe_created");
        Set(19, "wmi_event");
        Set(20, "wmi_event");
        Set(21, "wmi_event");
        Set(22, "dns_query");
        Set(23, "file_delete");
        Set(24, "clipboard_capture");
        Set(25, "process_tampering");
        Set(26, "file_delete_detected");
        Set(27, "file_block_executable");
        Set(28, "file_block_shredding");
        Set(29, "file_executable_detected");
        Set(255, "sysmon_error");
        return table;

        void Set(int eventId, params string[] categories) => table[eventId] = [.. categories.Select(c => Of(c))];
    }
}
