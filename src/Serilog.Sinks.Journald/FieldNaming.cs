using System.Collections.Concurrent;
using System.Text;

namespace Serilog.Sinks.Journald;

/// <summary>Which journal field a property becomes. Thread-safe.</summary>
sealed class FieldNaming
{
    /// <summary>Names are few, unless somebody puts data into them: then they are derived anew each time instead of being kept.</summary>
    const int MaxKept = 1000;

    const string Stand = "PROPERTY_";

    /// <summary>Fields with a meaning of their own that a property must not take by the accident of its name.</summary>
    static readonly HashSet<string> Reserved =
    [
        "MESSAGE", "MESSAGE_ID", "PRIORITY", "CODE_FILE", "CODE_LINE", "CODE_FUNC", "ERRNO", "INVOCATION_ID", "USER_INVOCATION_ID",
        "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SYSLOG_TIMESTAMP", "SYSLOG_RAW", "DOCUMENTATION", "TID", "UNIT", "USER_UNIT",
        "OBJECT_PID", "COREDUMP_UNIT", "COREDUMP_USER_UNIT", "LOGGER", "EXCEPTION", "EXCEPTION_TYPE", "EXCEPTION_MESSAGE", "TRACE_ID", "SPAN_ID",
        "PROPERTIES_OMITTED",
    ];

    readonly ConcurrentDictionary<string, string> _known = new(StringComparer.Ordinal);
    readonly string _prefix;

    public FieldNaming(string prefix, IReadOnlyDictionary<string, string> names)
    {
        _prefix = prefix.Length == 0 ? "" : Sanitize(prefix, "");
        _known["SourceContext"] = "LOGGER";
        foreach ((string property, string field) in names) _known[property] = Valid(Sanitize(field, ""));
    }

    /// <summary>
    /// The prefix and the property's name in upper case with underscores between its words: RequestId is REQUEST_ID, HTTPMethod is HTTP_METHOD.
    /// A name that means something else to the journal gets PROPERTY_ before it.
    /// </summary>
    public string FieldFor(string property)
    {
        if (_known.TryGetValue(property, out string? known)) return known;
        string field = Sanitize(property, _prefix);
        field = Valid(Reserved.Contains(field) ? Stand + field : field);
        if (_known.Count < MaxKept) _known.TryAdd(property, field);
        return field;
    }

    /// <summary>The name, as far as journald takes it.</summary>
    public static string Cut(string field) => field.Length > JournalEntry.MaxNameLength ? field[..JournalEntry.MaxNameLength] : field;

    static string Valid(string field)
    {
        if (field.Length == 0 || !char.IsAsciiLetterUpper(field[0])) field = Stand + field;
        return Cut(field);
    }

    static string Sanitize(string name, string prefix)
    {
        StringBuilder field = new(prefix, prefix.Length + name.Length + 8);
        if (prefix.Length == 0) name = name.TrimStart('_');
        for (int i = 0; i < name.Length && field.Length <= JournalEntry.MaxNameLength; i++)
        {
            char c = name[i];
            if (i > 0 && char.IsAsciiLetterUpper(c) && BeginsWord(name, i)) field.Append('_');
            field.Append(char.IsAsciiLetterOrDigit(c) ? char.ToUpperInvariant(c) : '_');
        }
        return field.ToString();
    }

    static bool BeginsWord(string name, int at)
    {
        char before = name[at - 1];
        bool beforeLower = at + 1 < name.Length && char.IsAsciiLetterLower(name[at + 1]);
        return char.IsAsciiLetterLower(before) || char.IsAsciiDigit(before) || (char.IsAsciiLetterUpper(before) && beforeLower);
    }
}
