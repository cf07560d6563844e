using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;

namespace SysmonWatch.Detection.Batches;

/// <summary>
/// The first stage: from records to events with their place in the sequence and in the process tree. In order, on one thread; not thread-safe.
/// </summary>
/// <param name="sequence">Told every event; finds copies.</param>
/// <param name="tree">Told every event but copies.</param>
/// <param name="arrivals">Finds events from the future.</param>
/// <param name="counters">Shared with the other stages.</param>
public sealed class BatchDecoder(SequenceWatch sequence, ProcessTree tree, ArrivalClock arrivals, DetectionCounters counters)
{
    readonly SysmonDecoder _decoder = new();
    readonly ForgeryHeuristic _heuristic = new();
    readonly BatchesUnderWay _underWay = new();

    /// <summary>The sequence watch, for its state.</summary>
    public SequenceWatch Sequence { get; } = sequence;

    /// <summary>The process tree, for its counters and state.</summary>
    public ProcessTree Tree { get; } = tree;

    /// <summary>Which process is SysmonWatch itself; null on replay, where nothing is ours.</summary>
    public OwnProcess? Own { get; init; }

    /// <summary>The name of this host as its events have it, in UTF-8; empty on replay, where no host is this one.</summary>
    public ReadOnlyMemory<byte> Host { get; init; }

    /// <summary>Is told of an exception while a record was decoded, which is a bug: the record is passed over. Null: it is thrown.</summary>
    public Action<Exception>? OnBug { get; init; }

    /// <summary>
    /// True: the memory of processes that have been forgotten is used again once all batches of their time have been given back (<see cref="EventBatch.Clear"/>, or
    /// filled again), which every batch must be some day. Whoever wants a process for longer takes what <see cref="ProcessNode.Keep"/> gives. Default: false.
    /// </summary>
    public bool ReusesProcesses { get; init; }

    /// <summary>Makes events of a batch's records.</summary>
    /// <param name="batch">Has records and nothing else.</param>
    /// <param name="arrival">When they arrived, microseconds since 1970, for records that do not say themselves; 0 on replay.</param>
    public void Decode(EventBatch batch, long arrival = 0)
    {
        batch.Restart();
        if (ReusesProcesses) Tree.Begin(_underWay.Begin(batch), _underWay.Oldest);
        _decoder.Hash = Sequence.Hash;
        RecordBatch records = batch.Records;
        counters.TooLong += records.SkippedTooLong;
        counters.WithoutMessage += records.SkippedWithoutMessage;
        counters.Malformed += records.SkippedMalformed;
        counters.Records += records.Records.Count;
        foreach (LogRecord record in records.Records)
        {
            LogRecord? next = record;
            while (next is { } line)
            {
                next = null;
                try
                {
                    Decode(batch, line, arrival);
                    next = _decoder.Glued;
                }
                catch (Exception bug) when (OnBug is not null)
                {
                    OnBug(bug);
                }
            }
        }
    }

    void Decode(EventBatch batch, in LogRecord record, long arrival)
    {
        SysmonEvent e = batch.Next();
        DecodeOutcome outcome = _decoder.Decode(batch.Records.Buffer, record, e, out SysmonNotice notice);
        if (record.Before > 0) counters.Glued++;
        if (_decoder.HasUnbelieved) counters.Unbelieved++;
        switch (outcome)
        {
            case DecodeOutcome.Event:
                if (IsCovered(e, record.Origin, batch.Records.CoveredSince)) counters.Covered++;
                else if (Take(e, record.Origin, Arrived(record.Arrival, arrival, _decoder.LastHeaderTime), batch.Facts)) batch.Keep();
                break;
            case DecodeOutcome.Notice:
                batch.Notices.Add(notice);
                counters.Notices++;
                break;
            case DecodeOutcome.NotSysmon:
                counters.NotSysmon++;
                break;
            case DecodeOutcome.TooLong:
                counters.TooLong++;
                break;
            default:
                counters.Unreadable++;
                break;
        }
    }

    /// <summary>The input has ended: what was waited for is missing.</summary>
    /// <param name="batch">Gets the facts.</param>
    public void Finish(EventBatch batch)
    {
        batch.Restart();
        Sequence.Flush(batch.Facts);
        Count(batch.Facts, 0);
    }

    /// <summary>True where the same event is read from a better source as well. It is not even noted: its copy from there is the one that counts.</summary>
    bool IsCovered(SysmonEvent e, RecordOrigin origin, long since) =>
        origin == RecordOrigin.File && e.HasTime && e.Time >= since && Host.Length > 0 && e.Bytes(e.Computer).SequenceEqual(Host.Span);

    /// <summary>
    /// What counts as the arrival: what the source says; else the line's header, so that reading a line again later, or on replay, finds the same;
    /// but no header makes it later than it is. 0 where nobody knows.
    /// </summary>
    static long Arrived(long recorded, long now, long header)
    {
        if (recorded != 0) return recorded;
        return header != 0 && (now == 0 || header < now) ? header : now;
    }

    bool Take(SysmonEvent e, RecordOrigin origin, long arrived, List<SequenceFact> facts)
    {
        if ((e.Marks & EventMarks.Forged) != 0) counters.Forged++;
        if (origin == RecordOrigin.File && _heuristic.Doubt(e) != ForgeryDoubt.None) e.Marks |= EventMarks.Doubtful;
        if ((e.Marks & EventMarks.Doubtful) != 0) counters.Doubtful++;
        int known = facts.Count;
        SequenceOutcome outcome = Sequence.Observe(e, origin == RecordOrigin.JournalOfSysmon, facts);
        Count(facts, known);
        if (outcome == SequenceOutcome.Copy)
        {
            counters.Copies++;
            return false;
        }
        counters.Events++;
        if ((e.Marks & EventMarks.Truncated) != 0) counters.Truncated++;
        if (arrivals.IsFromTheFuture(e.Time, arrived))
        {
            e.Marks |= EventMarks.FutureDated;
            counters.FutureDated++;
        }
        if (Own is { } own && own.Caused(e))
        {
            e.Marks |= EventMarks.Own;
            counters.Own++;
        }
        Tree.Observe(e);
        return true;
    }

    void Count(List<SequenceFact> facts, int from)
    {
        for (int i = from; i < facts.Count; i++)
        {
            switch (facts[i])
            {
                case GapFact gap:
                    counters.Missing += (long)Math.Min(gap.Count, long.MaxValue / 2);
                    break;
                case ConflictFact:
                    counters.Conflicts++;
                    break;
                case ResetFact:
                    counters.Resets++;
                    break;
                default:
                    break;
            }
        }
    }
}
