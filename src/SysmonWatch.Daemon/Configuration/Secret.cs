using System.Diagnostics;

namespace SysmonWatch.Daemon.Configuration;

/// <summary>
/// Text that must not get into a log, an error or a payload, such as a webhook URL. Whatever prints it prints "***";
/// two are equal when their texts are, so that a reload can see what changed.
/// </summary>
[DebuggerDisplay("***")]
sealed class Secret(string value) : IEquatable<Secret>
{
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    readonly string _value = value;

    /// <summary>The text itself; only for the request it is made for.</summary>
    public string Reveal() => _value;

    /// <inheritdoc/>
    public bool Equals(Secret? other) => other is not null && string.Equals(_value, other._value, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Secret);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(_value);

    /// <summary>Always "***".</summary>
    public override string ToString() => "***";
}
