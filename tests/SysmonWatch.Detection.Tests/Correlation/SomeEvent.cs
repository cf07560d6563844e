using System.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Tests.Correlation;

/// <summary>An event of a few fields, for tests.</summary>
sealed class SomeEvent : FieldedEvent
{
    readonly List<(FieldId Id, byte[] Name, byte[]? Value)> _fields = [];

    public SomeEvent(long time, params (string Name, string? Value)[] fields)
    {
        Time = time;
        foreach ((string name, string? value) in fields)
        {
            _fields.Add((FieldId.Of(name), Encoding.UTF8.GetBytes(name), value is null ? null : Encoding.UTF8.GetBytes(value)));
        }
    }

    public override int FieldCount => _fields.Count;

    public override ValueKind Find(FieldId field, out ReadOnlySpan<byte> value)
    {
        value = default;
        foreach ((FieldId id, _, byte[]? bytes) in _fields)
        {
            if (id != field) continue;
            value = bytes;
            return bytes is null ? ValueKind.Null : ValueKind.Text;
        }
        return ValueKind.Absent;
    }

    public override ValueKind At(int position, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = _fields[position].Name;
        value = _fields[position].Value;
        return _fields[position].Value is null ? ValueKind.Null : ValueKind.Text;
    }
}
