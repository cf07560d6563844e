using System.Text;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Commands;

/// <summary>Puts all that is written to a terminal through <see cref="SafeText"/>; only its own line ends stay. As thread-safe as what is behind it.</summary>
/// <param name="inner">Where it goes.</param>
sealed class SafeWriter(TextWriter inner) : TextWriter
{
    char _high;

    /// <inheritdoc/>
    public override Encoding Encoding => inner.Encoding;

    /// <inheritdoc/>
    public override void Write(char value)
    {
        if (char.IsHighSurrogate(value)) _high = value;
        else if (char.IsLowSurrogate(value)) Write(new string([_high, value]));
        else Write(value.ToString());
    }

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    /// <inheritdoc/>
    public override void Write(string? value)
    {
        if (value is null) return;
        // One call, so that the lines of several threads do not mix.
        inner.Write(string.Join('\n', value.Split('\n').Select(line => SafeText.Show(line))));
    }

    /// <inheritdoc/>
    public override void WriteLine(string? value) => Write(value + "\n");

    /// <inheritdoc/>
    public override void Flush() => inner.Flush();
}
