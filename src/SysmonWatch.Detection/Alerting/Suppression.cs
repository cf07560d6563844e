using System.Buffers;
using System.Text.Json;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Snapshots;

namespace SysmonWatch.Detection.Alerting;

/// <summary>
/// Decides what is worth telling twice: the first alert of a key is raised, and what follows with the same key within the period, counted in event
/// time from the first, is folded into it. Not thread-safe.
/// </summary>
/// <remarks>It looks at the events alone and never at a clock, so that a replay raises what the live run raised.</remarks>
/// <param name="period">How long repeats are folded. Default 10 minutes; zero folds nothing.</param>
/// <param name="mostOpen">How many keys are remembered at once; beyond, the oldest is closed early, which is counted. Default 10,000.</param>
public sealed class Suppression(TimeSpan period, int mostOpen = 10_000)
{
    /// <summary>Of more record ids than twice this the first and the last ones are kept.</summary>
    const int RecordIdsAtEachEnd = 50;
    const ulong Version = 2;

    readonly long _period = period.Ticks / TimeSpan.TicksPerMicrosecond;
    readonly Dictionary<string, Open> _open = [];
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
    public bool TryFold(string key, EventIdentity identity, string? subject, ICollection<Alert> closed, bool fromTheFuture = false)
    {
        if (!fromTheFuture) AdvanceTo(identity.Time, closed);
        if (!_open.TryGetValue(key, out Open? open)) return false;
        open.Fold([identity.RecordId], subject);
        Folded++;
        return true;
    }

    /// <summary>Takes a candidate.</summary>
    /// <param name="key">What counts as the same: rule, computer and family or group.</param>
    /// <param name="candidate">The alert as it would be told.</param>
    /// <param name="closed">Gets the alerts that this closes.</param>
    /// <param name="fromTheFuture">
    /// True where its event is dated further ahead than can be true: it ends no period, and its own period begins at the stream's present time, so that
    /// it neither makes others be told again nor folds what really happens until then.
    /// </param>
    /// <returns>True when it is to be told; false when it was folded into an earlier one.</returns>
    public bool Offer(string key, Alert candidate, ICollection<Alert> closed, bool fromTheFuture = false)
    {
        if (!fromTheFuture) AdvanceTo(candidate.Time, closed);
        if (_open.TryGetValue(key, out Open? open))
        {
            open.Fold(candidate.RecordIds, candidate.LastSubject);
            Folded++;
            return false;
        }
        if (fromTheFuture && _now == long.MinValue)
        {
            // Nothing says yet when the present is, so nothing can be folded into it.
            closed.Add(candidate);
            return true;
        }
        if (_open.Count >= mostOpen && _byEnd.TryDequeue(out Open? oldest, out _))
        {
            Close(oldest, closed);
            ClosedEarly++;
        }
        Add(new Open(key, candidate, (fromTheFuture ? Math.Min(candidate.Time, _now) : candidate.Time) + _period));
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
            writer.Text(open.Key);
            writer.EitherSign(open.End);
            writer.Bytes(JsonSerializer.SerializeToUtf8Bytes(open.First, AlertJson.Default.Alert));
            writer.Number((ulong)open.Count);
            writer.Number((ulong)open.Last.Count);
            foreach (ulong id in open.Last) writer.Number(id);
            writer.Text(open.LastSubject ?? "");
        }
    }

    /// <summary>Takes the place of its state by a snapshot's; leaves it as it is when the snapshot is not one.</summary>
    public bool TryRestore(ReadOnlySpan<byte> snapshot)
    {
        var reader = new SnapshotReader(snapshot);
        if (reader.Number() != Version) return false;
        long now = reader.EitherSign();
        var restored = new List<Open>();
        int count = reader.Count();
        for (int i = 0; i < count && !reader.IsDamaged; i++)
        {
            string key = reader.Text();
            long end = reader.EitherSign();
            Alert? first = Read(reader.Bytes());
            if (first is null) return false;
            var open = new Open(key, first, end) { Count = (int)reader.Number() };
            int last = reader.Count();
            for (int j = 0; j < last; j++) open.Last.Enqueue(reader.Number());
            string subject = reader.Text();
            open.LastSubject = subject.Length > 0 ? subject : null;
            restored.Add(open);
        }
        if (!reader.IsAtEnd) return false;
        _now = now;
        _open.Clear();
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

    void Add(Open open)
    {
        open.Order = _order++;
        _open[open.Key] = open;
        _byEnd.Enqueue(open, (open.End, open.Order));
    }

    void Close(Open open, ICollection<Alert> closed)
    {
        _open.Remove(open.Key);
        closed.Add(open.Total());
    }

    sealed class Open(string key, Alert first, long end)
    {
        /// <summary>When its period is over.</summary>
        public long End { get; } = end;
        public string Key { get; } = key;
        public Alert First { get; private set; } = first;
        public Queue<ulong> Last { get; } = new();
        public int Count { get; set; } = 1;
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
