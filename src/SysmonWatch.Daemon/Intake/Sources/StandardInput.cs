using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Sources;

/// <summary>
/// Reads standard input: syslog lines or a journalctl stream, recognised by content. It ends, and cannot go back.
/// </summary>
/// <remarks>
/// A read of a pipe cannot be given up, so it goes on in the background when the waiting is stopped, and the next read gets what it brings.
/// </remarks>
sealed class StandardInput : SingleSource
{
    readonly Func<Stream> _open;
    readonly RecordBatch _ahead = new();
    RecordReader? _reader;
    Task<bool>? _pending;

    /// <param name="counters">What is counted.</param>
    /// <param name="open">Gives the stream; null for the process's standard input.</param>
    public StandardInput(IntakeCounters counters, Func<Stream>? open = null)
    {
        Counters = counters;
        _open = open ?? Console.OpenStandardInput;
    }

    /// <inheritdoc/>
    public override string Name => "stdin";

    /// <inheritdoc/>
    public override string Status => "standard input";

    /// <summary>What is counted.</summary>
    public IntakeCounters Counters { get; }

    /// <inheritdoc/>
    public override void Restore(ReadOnlySpan<byte> position)
    {
        // What was read from a pipe is not in it any more.
    }

    /// <inheritdoc/>
    public override byte[] Position() => [];

    /// <inheritdoc/>
    public override async ValueTask<bool> ReadAsync(RecordBatch into, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        into.Clear();
        _pending ??= Task.Factory.StartNew(ReadAhead, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        bool more = await _pending.WaitAsync(stop);
        _pending = null;
        _ahead.Buffer.AsSpan(0, _ahead.Length).CopyTo(into.Room(_ahead.Length));
        into.Length = _ahead.Length;
        into.Records.AddRange(_ahead.Records);
        into.SkippedTooLong = _ahead.SkippedTooLong;
        into.SkippedWithoutMessage = _ahead.SkippedWithoutMessage;
        into.SkippedMalformed = _ahead.SkippedMalformed;
        into.Damage.AddRange(_ahead.Damage);
        Counters.Take(into);
        return more;
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        // A reader that is still waiting for the pipe is left to the end of the process.
        if (_pending is null) _reader?.Dispose();
        return ValueTask.CompletedTask;
    }

    bool ReadAhead()
    {
        _reader ??= RecordReader.Open(_open());
        return _reader.TryRead(_ahead);
    }
}
