using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Sources;

/// <summary>
/// An input: gives records, and says after each batch where it is. Used by one reader at a time.
/// </summary>
abstract class RecordSource : IAsyncDisposable
{
    /// <summary>What the saved positions belong to, and what is forgotten when it is not read any more: <c>files</c>, <c>journal</c>, <c>stdin</c>.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>For the status line: what is read and how it is going, for example <c>/var/log/syslog</c> or <c>/var/log/syslog (missing)</c>.</summary>
    public abstract string Status { get; }

    /// <summary>Why this and no other is read, where the configuration leaves it open; empty where it says.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Bytes (files) or 0 (where it is not known) that are there and not read.</summary>
    public virtual long Behind => 0;

    /// <summary>Takes up saved positions, each by its name. To be called before the first read.</summary>
    /// <param name="positions">As <see cref="Positions"/> gave them; others may be among them.</param>
    public abstract void Restore(IReadOnlyDictionary<string, byte[]> positions);

    /// <summary>
    /// Where the source is after the batch that <see cref="ReadAsync"/> gave last: a restart from there reads nothing of that batch again and
    /// nothing less than what follows. To be called between reads only.
    /// </summary>
    public abstract IReadOnlyDictionary<string, byte[]> Positions();

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

/// <summary>An input with one name and one position.</summary>
abstract class SingleSource : RecordSource
{
    /// <summary>Its one name.</summary>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public sealed override IReadOnlyList<string> Names => [Name];

    /// <summary>Takes up a saved position; empty where there is none.</summary>
    public abstract void Restore(ReadOnlySpan<byte> position);

    /// <summary>Its one position. Empty for an input that cannot go back.</summary>
    public abstract byte[] Position();

    /// <inheritdoc/>
    public sealed override void Restore(IReadOnlyDictionary<string, byte[]> positions) => Restore(positions.GetValueOrDefault(Name) ?? []);

    /// <inheritdoc/>
    public sealed override IReadOnlyDictionary<string, byte[]> Positions() => new Dictionary<string, byte[]> { [Name] = Position() };
}
