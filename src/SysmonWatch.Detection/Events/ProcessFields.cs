namespace SysmonWatch.Detection.Events;

/// <summary>Fields that Sysmon does not write and rules can use all the same.</summary>
static class ProcessFields
{
    /// <summary>The value of a derived field of an event.</summary>
    public static ValueKind Find(SysmonEvent e, FieldId field, out ReadOnlySpan<byte> value)
    {
        value = default;
        return ValueKind.Absent;
    }
}
