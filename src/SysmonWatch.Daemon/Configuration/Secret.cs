using System.Diagnostics;

namespace SysmonWatch.Daemon.Configuration;

/// <summary>
/// Text that must not get into a log, an error or a payload, such as a webhook URL. Whatever prints it prints "***";
/// two are equal when their texts are, so that a reload can see what changed.
/// </summary>
/// <param name="value">The text.</param>
/// <param name="problem">Why it cannot be had; null where it is known.</param>
[DebuggerDisplay("***")]
sealed class Secret(string value, string? problem = null) : IEquatable<Secret>
{
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    readonly string _value = value;

    /// <summary>Stands for a credential that was not looked at, because systemd passes it to the service only.</summary>
    public static Secret NotLookedAt { get; } = new("", "credential was not looked at");

    /// <summary>Why it cannot be had, as it reads after "the "; null where it is known.</summary>
    public string? Problem => problem;

    /// <summary>The text itself; only for the request it is made for.</summary>
    public string Reveal() => _value;

    /// <inheritdoc/>
    public bool Equals(Secret? other) => other is not null && string.Equals(_value, other._value, StringComparison.Ordinal) && Problem == other.Problem;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Secret);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(_value);

    /// <summary>Always "***".</summary>
    public override string ToString() => "***";
}
