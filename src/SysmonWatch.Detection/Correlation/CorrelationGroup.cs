using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Correlation;

/// <summary>The entries of one group of one correlation, in order, and what is computed over the window at their end.</summary>
/// <remarks>
/// Two lengths are kept: the window that ends at the newest entry, and one timespan before it, so that a late event sees its own whole
/// window.
/// </remarks>
sealed class CorrelationGroup(byte[] key, WindowValue window)
{
    // Entries from here on are kept; those before are only not yet moved away.
    int _head;
    // The window starts here.
    int _tail;
    bool _heldBeforeLast;
    List<CorrelationEntry> _entries = [];

    public byte[] Key { get; } = key;

    public WindowValue Window { get; } = window;

    /// <summary>Neighbours in the order of use.</summary>
    public LinkedListNode<CorrelationGroup>? Use { get; set; }

    /// <summary>The stream's time when the group last saw an event.</summary>
    public long TouchedAt { get; set; }

    /// <summary>Events kept, for the bound of the correlation.</summary>
    public int Cost { get; private set; }

    /// <summary>What the open window's end is enqueued for; <see cref="long.MaxValue"/> for none.</summary>
    public long Due { get; set; } = long.MaxValue;

    /// <summary>The end of the last window that was decided; events up to there are late.</summary>
    public long ClosedUntil { get; set; } = long.MinValue;

    /// <summary>The entry that came in last; events that match several rules extend it.</summary>
    public CorrelationEntry? LastInserted { get; private set; }

    public int Count => _entries.Count - _head;

    public bool IsEmpty => Count == 0;

    public CorrelationEntry Oldest => _entries[_head];

    public CorrelationEntry Newest => _entries[^1];

    public ReadOnlySpan<CorrelationEntry> Entries => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_entries)[_head..];

    /// <summary>Takes an entry in where the condition is decided at once.</summary>
    /// <param name="entry">Not older than the newest entry by more than the timespan.</param>
    /// <param name="timespan">Length of the window.</param>
    /// <param name="crossings">Gets each entry that made the condition true now: first and last entry of its window, and its value.</param>
    public void Slide(CorrelationEntry entry, long timespan, List<Crossing> crossings)
    {
        LastInserted = entry;
        Cost += entry.Cost;
        if (IsEmpty || !entry.IsBefore(Newest))
        {
            Expire(entry.Time, timespan);
            _heldBeforeLast = Window.Holds(entry.Time - timespan);
            _entries.Add(entry);
            Window.Add(entry, entry.Rules);
            Check(timespan, crossings);
            return;
        }
        int at = _entries.Count;
        while (at > _head && entry.IsBefore(_entries[at - 1])) at--;
        _entries.Insert(at, entry);
        Reevaluate(at, timespan, crossings);
    }

    /// <summary>The entry that came in last matched more rules.</summary>
    public void Extend(ulong bits, long timespan, List<Crossing> crossings)
    {
        CorrelationEntry entry = LastInserted!;
        bits &= ~entry.Rules;
        if (bits == 0) return;
        entry.Rules |= bits;
        if (ReferenceEquals(entry, Newest))
        {
            Window.Add(entry, bits);
            Check(timespan, crossings);
        }
        else
        {
            Reevaluate(_entries.IndexOf(entry, _head), timespan, crossings);
        }
    }

    /// <summary>Takes an entry in where the condition is decided at the window's end.</summary>
    public void Collect(CorrelationEntry entry)
    {
        LastInserted = entry;
        Cost += entry.Cost;
        int at = _entries.Count;
        while (at > _head && entry.IsBefore(_entries[at - 1])) at--;
        _entries.Insert(at, entry);
    }

    /// <summary>Cuts the open window, which begins with the oldest entry, off.</summary>
    /// <returns>Its entries, in order; <see cref="Window"/> has its value.</returns>
    public List<CorrelationEntry> TakeWindow(long timespan)
    {
        long end = Oldest.Time + timespan;
        int stop = _head;
        Window.Clear();
        while (stop < _entries.Count && _entries[stop].Time <= end) stop++;
        List<CorrelationEntry> taken = _entries.GetRange(_head, stop - _head);
        foreach (CorrelationEntry entry in taken)
        {
            Window.Add(entry, entry.Rules);
            Cost -= entry.Cost;
        }
        _entries.RemoveRange(0, stop);
        _head = _tail = 0;
        ClosedUntil = end;
        LastInserted = null;
        return taken;
    }

    /// <summary>Gives up the oldest entries until no more than so many are left.</summary>
    /// <param name="most">How many may stay.</param>
    /// <returns>How many were given up that were in the window.</returns>
    public int MakeRoom(int most)
    {
        if (Count <= most) return 0;
        // First those that only late events would look at.
        Drop(_tail);
        if (Count <= most) return 0;
        FoldRedundant(isCounted: true);
        if (Count <= most) return 0;
        int evicted = Count - most;
        Drop(_head + evicted);
        return evicted;
    }

    /// <summary>The same where the condition is decided at the window's end: the first ones stay, for they say when that is.</summary>
    public int MakeRoomBeforeClose(int most)
    {
        if (Count <= most) return 0;
        FoldRedundant(isCounted: false);
        if (Count <= most) return 0;
        int evicted = Count - most;
        int from = _head + Math.Min(CorrelationHit.KeptAtEachEnd, most / 2);
        foreach (CorrelationEntry entry in Between(from, from + evicted - 1)) Cost -= entry.Cost;
        _entries.RemoveRange(from, evicted);
        return evicted;
    }

    /// <summary>Keeps only this entry, the newest: where silence is waited for, nothing else matters.</summary>
    public void KeepOnly(CorrelationEntry entry)
    {
        if (!IsEmpty && entry.IsBefore(Newest)) return;
        _entries.Clear();
        _entries.Add(entry);
        Cost = entry.Cost;
    }

    /// <summary>Puts back what a snapshot says.</summary>
    /// <returns>False where the entries are not in order.</returns>
    public bool TryRestore(List<CorrelationEntry> entries, long timespan, ReadOnlySpan<byte> state, bool sliding)
    {
        for (int i = 1; i < entries.Count; i++)
        {
            if (entries[i].IsBefore(entries[i - 1])) return false;
        }
        _entries = entries;
        foreach (CorrelationEntry entry in entries) Cost += entry.Cost;
        if (!sliding) return state.IsEmpty || Window.TrySetState(state);
        while (_tail < entries.Count && entries[_tail].Time < Newest.Time - timespan) _tail++;
        for (int i = _tail; i < entries.Count; i++) Window.Add(entries[i], entries[i].Rules);
        return Window.TrySetState(state);
    }

    /// <summary>The entries of a window.</summary>
    public ReadOnlySpan<CorrelationEntry> Between(int first, int last) =>
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_entries)[first..(last + 1)];

    void Check(long timespan, List<Crossing> crossings)
    {
        CorrelationEntry entry = Newest;
        long start = entry.Time - timespan;
        if (_heldBeforeLast || entry.Fired || !Window.Holds(start)) return;
        entry.Fired = true;
        crossings.Add(new Crossing(_tail, _entries.Count - 1, Window.Value(start)));
    }

    void Expire(long time, long timespan)
    {
        while (_tail < _entries.Count && _entries[_tail].Time < time - timespan) Window.Remove(_entries[_tail++]);
        int keep = _head;
        while (keep < _tail && _entries[keep].Time < time - timespan - timespan) keep++;
        Drop(keep);
    }

    /// <summary>
    /// Computes all windows again that an entry at a place in the past is in. A condition that becomes true earlier than it was told is not
    /// told again: it is the same episode.
    /// </summary>
    void Reevaluate(int from, long timespan, List<Crossing> crossings)
    {
        int start = from;
        while (start > _head && _entries[start - 1].Time >= _entries[from].Time - timespan) start--;
        Window.Clear();
        _tail = start;
        Crossing? untold = null;
        for (int i = start; i < _entries.Count; i++)
        {
            CorrelationEntry entry = _entries[i];
            long begins = entry.Time - timespan;
            while (_entries[_tail].Time < begins) Window.Remove(_entries[_tail++]);
            bool before = Window.Holds(begins);
            Window.Add(entry, entry.Rules);
            _heldBeforeLast = before;
            if (i < from) continue;
            if (!before) Tell(ref untold, crossings);
            bool holds = Window.Holds(begins);
            if (!before && holds) untold = new Crossing(_tail, i, Window.Value(begins));
            if (holds && entry.Fired) untold = null;
            if (!holds) Tell(ref untold, crossings);
        }
        Tell(ref untold, crossings);
    }

    void Tell(ref Crossing? untold, List<Crossing> crossings)
    {
        if (untold is not { } crossing) return;
        untold = null;
        _entries[crossing.Last].Fired = true;
        crossings.Add(crossing);
    }

    /// <summary>How many entries ahead the next is fetched, and the bytes of one.</summary>
    const int FetchedAhead = 4, EntryItself = 128;

    // Each goes but the first ones, which an alert shows: what comes later says the same for every window to come.
    void FoldRedundant(bool isCounted)
    {
        Window.BeginRedundancy();
        int first = _head + CorrelationHit.KeptAtEachEnd;
        int to = _entries.Count - 1;
        CorrelationEntry? kept = null;
        var laterTuples = new HashSet<byte[]>(ValueKey.Comparer.Instance);
        for (int i = _entries.Count - 1; i >= first; i--)
        {
            CorrelationEntry entry = _entries[i];
            // The entries of a long window lie far apart in memory, and nothing else is to be done while one is fetched.
            if (i >= FetchedAhead) Prefetch.OfObject(_entries[i - FetchedAhead], EntryItself);
            bool isNew = false;
            foreach (byte[] tuple in entry.Inherited) isNew |= laterTuples.Add(tuple);
            if (i >= _tail && Window.IsRedundant(entry) && !isNew && !ReferenceEquals(entry, LastInserted) && entry.Child is null && kept is not null)
            {
                if (isCounted) Window.Remove(entry);
                kept.Weight += entry.Weight;
                Cost -= entry.Cost;
                continue;
            }
            kept = entry;
            _entries[to--] = entry;
        }
        int gap = to - first + 1;
        if (gap > 0) _entries.RemoveRange(first, gap);
    }

    void Drop(int upTo)
    {
        for (; _head < upTo; _head++)
        {
            CorrelationEntry entry = _entries[_head];
            if (_head >= _tail) Window.Remove(entry);
            Cost -= entry.Cost;
            // Let go of it now; the list moves only once half of it is gone.
            _entries[_head] = null!;
        }
        _tail = Math.Max(_tail, _head);
        if (_head <= 32 || _head < _entries.Count / 2) return;
        _entries.RemoveRange(0, _head);
        _tail -= _head;
        _head = 0;
    }
}

/// <summary>A condition became true.</summary>
/// <param name="First">Place of the first entry of the window.</param>
/// <param name="Last">Place of the entry that made it true.</param>
/// <param name="Value">What was compared.</param>
readonly record struct Crossing(int First, int Last, decimal Value);
