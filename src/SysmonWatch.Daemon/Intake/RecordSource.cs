using SysmonWatch.Detection.Decoding;

namespace SysmonWatch.Daemon.Intake;

/// <summary>
/// An input: gives records, and says after each batch where it is. Used by one reader at a time.
/// </summary>
abstract class RecordSource : IAsyncDisposable
{
    /// <summary>What the saved position belongs to and counters are kept by: <c>files</c>, <c>journal</c>, <c>stdin</c>.</summary>
    public abstract string Name { get; }

    /// <summary>For the status line: what is read and how it is going, for example <c>/var/log/syslog</c> or <c>/var/log/syslog (missing)</c>.</summary>
    public abstract string Status { get; }

    /// <summary>Bytes (files) or 0 (where it is not known) that are there and not read.</summary>
    public virtual long Behind => 0;

    /// <summary>Takes up a saved position. To be called before the first read; empty where there is none.</summary>
    /// <param name="position">As <see cref="Position"/> gave it.</param>
    public abstract void Restore(ReadOnlySpan<byte> position);

    /// <summary>
    /// Where the source is after the batch that <see cref="ReadAsync"/> gave last: a restart from it reads nothing of that batch again and
    /// nothing less than what follows. To be called between reads only. Empty for an input that cannot go back.
    /// </summary>
    public abstract byte[] Position();

    /// <summary>
    /// Gives the next records; waits, without waking up in between, until there are some. The batch is cleared first.
    /// </summary>
    /// <param name="into">Gets the records. It may stay empty: then only the position has moved (first start, rotation) and is worth saving.</param>
    /// <param name="stop">Ends the waiting.</param>
    /// <returns>False where the input has ended.</returns>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public abstract ValueTask<bool> ReadAsync(RecordBatch into, CancellationToken stop);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
