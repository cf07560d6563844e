using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;

namespace SysmonWatch.Detection;

/// <summary>
/// The first stage: from records to events with their place in the sequence and in the process tree. In order, on one thread; not thread-safe.
/// </summary>
/// <param name="tree">Told every event.</param>
/// <param name="arrivals">Finds events from the future.</param>
/// <param name="counters">Shared with the other stages.</param>
public sealed class BatchDecoder(ProcessTree tree, ArrivalClock arrivals, DetectionCounters counters)
{
    readonly SysmonDecoder _decoder = new();
    long _number;

    /// <summary>The process tree, for its counters and state.</summary>
    public ProcessTree Tree { get; } = tree;

    /// <summary>Which process is SysmonWatch itself; null on replay, where nothing is ours.</summary>
    public OwnProcess? Own { get; init; }

    /// <summary>Is told of an exception while a record was decoded, which is a bug: the record is passed over. Null: it is thrown.</summary>
    public Action<Exception>? OnBug { get; init; }

    /// <summary>Makes events of a batch's records.</summary>
    /// <param name="batch">Has records and nothing else.</param>
    /// <param name="arrival">When they arrived, microseconds since 1970, for records that do not say themselves; 0 on replay.</param>
    public void Decode(EventBatch batch, long arrival = 0)
    {
        batch.Restart();
        RecordBatch records = batch.Records;
        counters.TooLong += records.SkippedTooLong;
        counters.WithoutMessage += records.SkippedWithoutMessage;
        counters.Malformed += records.SkippedMalformed;
        counters.Records += records.Records.Count;
        foreach (LogRecord record in records.Records)
        {
            try
            {
                Decode(batch, record, arrival);
            }
            catch (Exception bug) when (OnBug is not null)
            {
                OnBug(bug);
            }
        }
    }

    void Decode(EventBatch batch, in LogRecord record, long arrival)
    {
        SysmonEvent e = batch.Next();
        switch (_decoder.Decode(batch.Records.Buffer, record, e, out SysmonNotice notice))
        {
            case DecodeOutcome.Event:
                Take(e, record.Arrival != 0 ? record.Arrival : arrival != 0 ? arrival : _decoder.LastHeaderTime);
                batch.Keep();
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

    void Take(SysmonEvent e, long arrival)
    {
        e.Number = _number++;
        counters.Events++;
        if ((e.Marks & EventMarks.Truncated) != 0) counters.Truncated++;
        if ((e.Marks & EventMarks.Forged) != 0) counters.Forged++;
        if (arrivals.IsFromTheFuture(e.Time, arrival))
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
    }
}
