namespace SysmonWatch.Daemon.Intake.Sources;

/// <summary>
/// Up to where the files are covered by the journal for certain: a line may be in a file before its entry is in the journal, so a position counts
/// only once all of the journal was read a while after it. From there the files are read again when the journal fails. Not thread-safe.
/// </summary>
/// <param name="start">The position to begin with.</param>
/// <param name="time">Measures the while.</param>
sealed class CoveredPosition(byte[] start, TimeProvider time)
{
    /// <summary>How much later an entry may come than its line. journald hands a message on to syslog before it writes it itself, milliseconds apart.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    (byte[] Position, long At)? _waiting;

    /// <summary>The newest position before which the journal had everything.</summary>
    public byte[] Certain { get; private set; } = start;

    /// <summary>The files were read up to here.</summary>
    public void Read(byte[] position) => _waiting ??= (position, time.GetTimestamp());

    /// <summary>The journal had been read to its end.</summary>
    /// <param name="at">When, by the monotonic clock.</param>
    public void Drained(long at)
    {
        if (_waiting is not { } waiting || time.GetElapsedTime(waiting.At, at) < Margin) return;
        Certain = waiting.Position;
        _waiting = null;
    }

    /// <summary>Nothing is covered any more, and nothing before this position has to be read again.</summary>
    public void Reset(byte[] position) => (Certain, _waiting) = (position, null);
}
