using SysmonWatch.Daemon.Operations;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Sources;

/// <summary>What intake counts. Thread-safe.</summary>
/// <param name="losses">Is told of what is left out; null where nobody is to know (tests).</param>
sealed class IntakeCounters(Counters? losses = null)
{
    readonly Counter? _lostTooLong = losses?.Loss("log lines", "they are longer than limits.line_length");
    readonly Counter? _lostWithoutMessage = losses?.Loss("journal entries", "they have no MESSAGE");
    readonly Counter? _lostMalformed = losses?.Loss("journal entries", "journald could not read them; see journalctl --verify");
    long _records;
    long _bytes;
    long _tooLong;
    long _withoutMessage;
    long _rotations;
    long _truncations;
    long _lost;
    long _unreadable;

    /// <summary>Records given out.</summary>
    public long Records => Interlocked.Read(ref _records);

    /// <summary>Bytes of records given out.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Records left out because they are longer than <c>limits.line_length</c>.</summary>
    public long TooLong => Interlocked.Read(ref _tooLong);

    /// <summary>Journal records left out because they have no MESSAGE.</summary>
    public long WithoutMessage => Interlocked.Read(ref _withoutMessage);

    /// <summary>Rotations seen.</summary>
    public long Rotations => Interlocked.Read(ref _rotations);

    /// <summary>Truncations after which the rest of the old content could not be found.</summary>
    public long Truncations => Interlocked.Read(ref _truncations);

    /// <summary>Rotated files, or stretches of the journal, that were gone before they were read.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>How often an input turned out to be unreadable.</summary>
    public long Unreadable => Interlocked.Read(ref _unreadable);

    /// <summary>Counts a batch.</summary>
    public void Take(RecordBatch batch)
    {
        Interlocked.Add(ref _records, batch.Records.Count);
        Interlocked.Add(ref _bytes, batch.Length);
        Interlocked.Add(ref _tooLong, batch.SkippedTooLong);
        Interlocked.Add(ref _withoutMessage, batch.SkippedWithoutMessage);
        if (batch.SkippedTooLong > 0) _lostTooLong?.Add(batch.SkippedTooLong);
        if (batch.SkippedWithoutMessage > 0) _lostWithoutMessage?.Add(batch.SkippedWithoutMessage);
        if (batch.SkippedMalformed > 0) _lostMalformed?.Add(batch.SkippedMalformed);
    }

    /// <summary>Counts what was said.</summary>
    public void Count(IntakeNotice notice)
    {
        switch (notice)
        {
            case IntakeNotice.Rotated rotated:
                Interlocked.Add(ref _rotations, 1 + rotated.Between);
                break;
            case IntakeNotice.Truncated { CopyFound: false }:
                Interlocked.Increment(ref _truncations);
                break;
            case IntakeNotice.Lost:
                Interlocked.Increment(ref _lost);
                break;
            case IntakeNotice.Unreadable:
                Interlocked.Increment(ref _unreadable);
                break;
            default:
                break;
        }
    }
}
