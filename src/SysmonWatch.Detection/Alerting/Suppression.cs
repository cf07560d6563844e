using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Snapshots;

namespace SysmonWatch.Detection.Alerting;

/// <summary>
/// Decides what is worth telling twice: the first alert of a <see cref="RepeatKey"/> is raised, and what follows with the same key within the period,
/// counted in event time from the first, is folded into it. Not thread-safe.
/// </summary>
/// <remarks>
/// What is raised and what is folded depends on the events alone and never on a clock, so that a replay raises what the live run raised. A clock may only ask for the
/// counts of periods that have passed by it (<see cref="CountsUntil"/>).
/// </remarks>
/// <param name="period">How long repeats are folded. Default 10 minutes; zero folds nothing.</param>
/// <param name="mostOpen">How many keys are remembered at once; beyond, the oldest is closed early, which is counted. Default 10,000.</param>
public sealed class Suppression(TimeSpan period, int mostOpen = 10_000)
{
    /// <summary>
    /// How many alerts with different evidence one group of a rule has in a period. What else comes, however often it varies, is folded into one more: whoever tries all
    /// arguments of a program makes this many alerts and not a flood.
    /// </summary>
    public const int MostOfGroup = 20;

    /// <summary>Of more record ids than twice this the first and the last ones are kept.</summary>
    const int RecordIdsAtEachEnd = 50;
    const ulong Version = 3;

    readonly long _period = period.Ticks / TimeSpan.TicksPerMicrosecond;
    readonly Dictionary<UInt128, Open> _open = [];
    readonly Dictionary<UInt128, int> _ofGroup = [];
    readonly PriorityQueue<Open, (long End, long Order)> _byEnd = new();
    long _order;
    long _now = long.MinValue;

    /// <summary>How many findings have been folded into an alert that was already raised.</summary>
    public long Folded { get; private set; }

    /// <summary>How many keys have been closed before their period was over, because there were too many.</summary>
    public long ClosedEarly { get; private set; }

    /// <summary>Takes a finding that repeats another, before its alert is composed.</summary>
    /// <param name="key">What counts as the same.</param>
    /// <param name="identity">The finding's event.</param>
    /// <param name="subject">What the event acted on; null where there is none.</param>
    /// <param name="closed">Gets the alerts that this closes.</param>
    /// <param name="fromTheFuture">As for <see cref="Offer"/>.</param>
    /// <returns>False where it repeats nothing; it is to be composed and offered then.</returns>
    public bool TryFold(RepeatKey key, EventIdentity identity, string? subject, ICollection<Alert> closed, bool fromTheFuture = false)
    {
        if (!fromTheFuture) AdvanceTo(identity.Time, closed);
        if (!_open.TryGetValue(Place(key), out Open? open)) return false;
        open.Fold([identity.RecordId], subject);
        Folded++;
        return true;
    }

    /// <summary>Takes a candidate.</summary>
    /// <param name="key">What counts as the same.</param>
    /// <param name="candidate">The alert as it would be told.</param>
    /// <param name="closed">Gets the alerts that this closes.</param>
    /// <param name="fromTheFuture">
    /// True where its event is dated further ahead than can be true: it ends no period, and its own period begins at the stream's present time, so that
    /// it neither makes others be told again nor folds what really happens until then.
    /// </param>
    /// <returns>True when it is to be told; false when it was folded into an earlier one.</returns>
    public bool Offer(RepeatKey key, Alert candidate, ICollection<Alert> closed, bool fromTheFuture = false)
    {
        if (!fromTheFuture) AdvanceTo(candidate.Time, closed);
        UInt128 place = Place(key);
        if (_open.TryGetValue(place, out Open? open))
        {
            open.Fold(candidate.RecordIds, candidate.LastSubject);
            Folded++;
            return false;
        }
        if (_period == 0 || (fromTheFuture && _now == long.MinValue))
        {
            // Nothing is to be folded, or nothing says yet when the present is.
            closed.Add(candidate);
            return true;
        }
        if (_open.Count >= mostOpen && _byEnd.TryDequeue(out Open? oldest, out _))
        {
            Close(oldest, closed);
            ClosedEarly++;
        }
        Add(new Open(place, key.Group, candidate, fromTheFuture ? Math.Min(candidate.Time, _now) : candidate.Time));
        return true;
    }

    /// <summary>Closes what has ended by a time; an alert that is closed is final.</summary>
    public void AdvanceTo(long time, ICollection<Alert> closed)
    {
        _now = Math.Max(_now, time);
        while (_byEnd.TryPeek(out Open? first, out (long End, long Order) at) && at.End <= time)
        {
            _byEnd.Dequeue();
            Close(first, closed);
        }
    }

    /// <summary>
    /// Gives the alerts whose period has passed by a clock, with their counts so far, each again only where its count has grown since. It closes none: on a
    /// silent host nobody waits for the next event to learn a count, and an event that comes late is folded all the same.
    /// </summary>
    /// <param name="now">Microseconds since 1970.</param>
    /// <param name="counted">Gets the alerts into which something was folded.</param>
    public void CountsUntil(long now, ICollection<Alert> counted)
    {
        if (!_byEnd.TryPeek(out _, out (long End, long Order) first) || first.End > now) return;
        foreach (Open open in _open.Values)
        {
            if (open.Start + _period > now || open.Count <= open.Given) continue;
            open.Given = open.Count;
            counted.Add(open.Total());
        }
    }

    /// <summary>Closes everything: the input has ended.</summary>
    public void Finish(ICollection<Alert> closed)
    {
        while (_byEnd.TryDequeue(out Open? next, out _)) Close(next, closed);
    }

    /// <summary>Its state as bytes.</summary>
    public void Save(IBufferWriter<byte> into)
    {
        var writer = new SnapshotWriter(into);
        writer.Number(Version);
        writer.EitherSign(_now);
        writer.Number((ulong)_open.Count);
        foreach (Open open in _open.Values.OrderBy(open => open.Order))
        {
            Write(writer, open.Key);
            Write(writer, open.Group);
            writer.EitherSign(open.Start);
            writer.Bytes(JsonSerializer.SerializeToUtf8Bytes(open.First, AlertJson.Default.Alert));
            writer.Number((ulong)open.Count);
            writer.Number((ulong)open.Last.Count);
            foreach (ulong id in open.Last) writer.Number(id);
            writer.Text(open.LastSubject ?? "");
        }
    }

    /// <summary>
    /// Takes the place of its state by a snapshot's; leaves it as it is when the snapshot is not one. What was open under another period ends by this one.
    /// </summary>
    public bool TryRestore(ReadOnlySpan<byte> snapshot)
    {
        var reader = new SnapshotReader(snapshot);
        if (reader.Number() != Version) return false;
        long now = reader.EitherSign();
        var restored = new List<Open>();
        int count = reader.Count();
        for (int i = 0; i < count && !reader.IsDamaged; i++)
        {
            UInt128 key = ReadKey(ref reader), group = ReadKey(ref reader);
            long start = reader.EitherSign();
            Alert? first = Read(reader.Bytes());
            if (first is null) return false;
            var open = new Open(key, group, first, start) { Count = (int)reader.Number() };
            int last = reader.Count();
            for (int j = 0; j < last; j++) open.Last.Enqueue(reader.Number());
            string subject = reader.Text();
            open.LastSubject = subject.Length > 0 ? subject : null;
            restored.Add(open);
        }
        if (!reader.IsAtEnd) return false;
        _now = now;
        _open.Clear();
        _ofGroup.Clear();
        _byEnd.Clear();
        restored.ForEach(Add);
        return true;
    }

    static Alert? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, AlertJson.Default.Alert);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static void Write(SnapshotWriter writer, UInt128 key)
    {
        writer.Number((ulong)(key >> 64));
        writer.Number((ulong)key);
    }

    static UInt128 ReadKey(ref SnapshotReader reader) => new(reader.Number(), reader.Number());

    /// <summary>Under which key it stands: its own, or its group's where the group has too many.</summary>
    UInt128 Place(RepeatKey key) => _open.ContainsKey(key.Whole) || _ofGroup.GetValueOrDefault(key.Group) < MostOfGroup ? key.Whole : key.Group;

    void Add(Open open)
    {
        open.Order = _order++;
        _open[open.Key] = open;
        CollectionsMarshal.GetValueRefOrAddDefault(_ofGroup, open.Group, out _)++;
        _byEnd.Enqueue(open, (open.Start + _period, open.Order));
    }

    void Close(Open open, ICollection<Alert> closed)
    {
        _open.Remove(open.Key);
        if (--CollectionsMarshal.GetValueRefOrAddDefault(_ofGroup, open.Group, out _) == 0) _ofGroup.Remove(open.Group);
        closed.Add(open.Total());
    }

    sealed class Open(UInt128 key, UInt128 group, Alert first, long start)
    {
        public UInt128 Key { get; } = key;
        public UInt128 Group { get; } = group;

        /// <summary>When its period began.</summary>
        public long Start { get; } = start;
        public Alert First { get; private set; } = first;
        public Queue<ulong> Last { get; } = new();
        public int Count { get; set; } = 1;

        /// <summary>The count that the clock has asked for last.</summary>
        public int Given { get; set; } = 1;
        public long Order { get; set; }
        public string? LastSubject { get; set; } = first.LastSubject;

        public void Fold(IReadOnlyList<ulong> recordIds, string? subject)
        {
            Count++;
            LastSubject = subject ?? LastSubject;
            foreach (ulong id in recordIds)
            {
                if (First.RecordIds.Count < RecordIdsAtEachEnd)
                {
                    First = First with { RecordIds = [.. First.RecordIds, id] };
                    continue;
                }
                Last.Enqueue(id);
                if (Last.Count > RecordIdsAtEachEnd) Last.Dequeue();
            }
        }

        public Alert Total() => First with { Count = Count, RecordIds = [.. First.RecordIds, .. Last], LastSubject = LastSubject };
    }
}
