using System.Text;
using System.Text.Json;

namespace SysmonWatch.SystemTests;

/// <summary>One entry as <c>journalctl --output=json --all</c> prints it.</summary>
sealed class JournalEntry
{
    readonly Dictionary<string, string[]> _fields;

    JournalEntry(Dictionary<string, string[]> fields) => _fields = fields;

    /// <summary>SYSMONWATCH_ALERT_ID; null where the entry is not an alert.</summary>
    public string? AlertId => _fields.TryGetValue("SYSMONWATCH_ALERT_ID", out string[]? values) ? Assert.Single(values) : null;

    /// <summary>All values of a field, in no order; none where it is absent.</summary>
    public IReadOnlyList<string> this[string field] => _fields.GetValueOrDefault(field, []);

    public static JournalEntry Parse(string line)
    {
        using JsonDocument json = JsonDocument.Parse(line);
        return new JournalEntry(json.RootElement.EnumerateObject().ToDictionary(field => field.Name, field => Values(field.Value), StringComparer.Ordinal));
    }

    // Source: systemd.io/JOURNAL_EXPORT_FORMATS: text is a string, anything else an array of byte values, a repeated field an array of those.
    static string[] Values(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array when value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number) => [Text(value)],
        JsonValueKind.Array => [.. value.EnumerateArray().Select(Text)],
        _ => [Text(value)],
    };

    static string Text(JsonElement value) => value.ValueKind == JsonValueKind.Array
        ? Encoding.UTF8.GetString([.. value.EnumerateArray().Select(item => item.GetByte())])
        : value.ToString();
}
