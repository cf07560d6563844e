using System.Collections.Concurrent;
using System.Text;

namespace SysmonWatch.Detection.Events;

/// <summary>
/// A field name as a small number, so that neither decoder nor rules compare names per event. Case-sensitive, as Sigma's field names are.
/// </summary>
/// <remarks>
/// Names come from the Sysmon schema and from the operator's rules, which bounds the table. What an event brings is only ever looked up
/// (<see cref="TryFind"/>), never added, so that no log line can make it grow. Thread-safe.
/// </remarks>
/// <param name="Value">Position in the table; 0 and up. -1 is no field.</param>
public readonly record struct FieldId(int Value)
{
    static readonly ConcurrentDictionary<string, FieldId> Ids = new(StringComparer.Ordinal);
    static readonly Lock Adding = new();
    static volatile (string Text, byte[] Utf8)[] _names = [];

    /// <summary>No field: a name that neither the schema nor a rule knows.</summary>
    public static FieldId Unknown { get; } = new(-1);

    /// <summary>How many names are in the table; every id is below this.</summary>
    public static int Count => _names.Length;

    /// <summary>True for every id but <see cref="Unknown"/>.</summary>
    public bool IsKnown => Value >= 0;

    /// <summary>The name, or "?" for <see cref="Unknown"/>.</summary>
    public string Name => Value >= 0 ? _names[Value].Text : "?";

    /// <summary>The name in UTF-8; empty for <see cref="Unknown"/>.</summary>
    public ReadOnlySpan<byte> Utf8Name => Value >= 0 ? _names[Value].Utf8 : default;

    /// <summary>The id of a name from the schema or from a rule; adds it when it is new.</summary>
    public static FieldId Of(string name)
    {
        if (Ids.TryGetValue(name, out FieldId known)) return known;
        lock (Adding)
        {
            if (Ids.TryGetValue(name, out known)) return known;
            var added = new FieldId(_names.Length);
            _names = [.. _names, (name, Encoding.UTF8.GetBytes(name))];
            Ids[name] = added;
            return added;
        }
    }

    /// <summary>The id of a name an event brought; <see cref="Unknown"/> when neither the schema nor a rule has it.</summary>
    public static FieldId TryFind(ReadOnlySpan<byte> utf8Name)
    {
        if (utf8Name.Length > 256) return Unknown;
        Span<char> chars = stackalloc char[256];
        int length = Encoding.UTF8.GetChars(utf8Name, chars);
        return Ids.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(chars[..length], out FieldId known) ? known : Unknown;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
