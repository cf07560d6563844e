using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;

namespace SysmonWatch.Detection.Batches;

/// <summary>
/// Events on their way from the decoder to the alerts, with the bytes they stand in. Made once and used again. It has one owner at a time: the
/// reader fills it, one detection worker adds findings, the raiser turns them into alerts and gives it back.
/// </summary>
/// <param name="longestRecord">The longest record taken, in bytes.</param>
public sealed class EventBatch(int longestRecord = RecordBatch.DefaultLongestRecord)
{
    readonly List<SysmonEvent> _pool = [];
    long _turn;
    long _givenBack;

    /// <summary>The records it is made from, and the bytes of all its events.</summary>
    public RecordBatch Records { get; } = new(longestRecord);

    /// <summary>How many events it has.</summary>
    public int Count { get; private set; }

    /// <summary>Which rule matched which event; by event, then by rule.</summary>
    public List<(int Event, int Rule)> Findings { get; } = [];

    /// <summary>The plain-text lines of Sysmon's among the records.</summary>
    public List<SysmonNotice> Notices { get; } = [];

    /// <summary>What the numbers of the events say beyond each event: gaps, resets, conflicts.</summary>
    public List<SequenceFact> Facts { get; } = [];

    /// <summary>The event at a position from 0 up to <see cref="Count"/>.</summary>
    public SysmonEvent this[int position] => _pool[position];

    /// <summary>
    /// Makes it empty again, by which it is given back: what its events referred to may be used again. Keeps its memory.
    /// </summary>
    public void Clear()
    {
        Records.Clear();
        Restart();
    }

    /// <summary>Forgets the events but keeps the records.</summary>
    internal void Restart()
    {
        Count = 0;
        Findings.Clear();
        Notices.Clear();
        Facts.Clear();
        // Behind all that was done with the events: whoever sees this sees that too.
        Volatile.Write(ref _givenBack, _turn);
    }

    /// <summary>It is about to be filled.</summary>
    /// <returns>For <see cref="IsGivenBack"/>.</returns>
    internal long Begin() => ++_turn;

    /// <summary>True where it has been given back since it was filled in a turn. From the thread that fills it.</summary>
    internal bool IsGivenBack(long turn) => Volatile.Read(ref _givenBack) >= turn;

    /// <summary>The event that the decoder fills next; it counts once it is kept.</summary>
    internal SysmonEvent Next()
    {
        if (Count == _pool.Count) _pool.Add(new SysmonEvent());
        return _pool[Count];
    }

    /// <summary>Keeps the event that <see cref="Next"/> gave.</summary>
    internal void Keep() => Count++;
}
