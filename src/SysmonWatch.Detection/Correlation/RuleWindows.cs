using System.Buffers;
using System.Globalization;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Correlation;

/// <summary>All groups of one correlation.</summary>
sealed class RuleWindows
{
    readonly CorrelationLimits _limits;
    readonly CorrelationCounters _counters;
    readonly IReadOnlyList<RuleMetadata> _parts;
    readonly FieldId[][] _groupFields;
    readonly FieldId[][] _valueFields;
    readonly FieldId[][] _inheritedFields;
    readonly Dictionary<byte[], CorrelationGroup> _groups = new(ValueKey.Comparer.Instance);
    readonly Dictionary<byte[], CorrelationGroup>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;
    readonly LinkedList<CorrelationGroup> _byUse = [];
    readonly SortedSet<CorrelationGroup> _byDue = new(DueOrder.Instance);
    readonly ArrayBufferWriter<byte> _key = new();
    readonly ArrayBufferWriter<byte> _value = new();
    readonly ArrayBufferWriter<byte> _tuple = new();
    readonly List<Crossing> _crossings = [];
    readonly int _mostEntries;
    int _cost;

    /// <param name="rule">The correlation, its references resolved.</param>
    /// <param name="parts">What each reference is.</param>
    /// <param name="inherited">Fields that the correlations ask for which this one is a part of.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="counters">Where to count.</param>
    public RuleWindows(CorrelationRule rule, IReadOnlyList<RuleMetadata> parts, IReadOnlyList<string> inherited, CorrelationLimits limits, CorrelationCounters counters)
    {
        Rule = rule;
        Inherited = inherited;
        _parts = parts;
        _limits = limits;
        _counters = counters;
        _bySpan = _groups.GetAlternateLookup<ReadOnlySpan<byte>>();
        Condition = new CompiledCondition(rule);
        _groupFields = [.. Enumerable.Range(0, rule.Rules.Count).Select(r => Resolve(rule, rule.GroupBy, r))];
        _valueFields = [.. Enumerable.Range(0, rule.Rules.Count).Select(r => Resolve(rule, rule.Fields, r))];
        _inheritedFields = [.. Enumerable.Range(0, rule.Rules.Count).Select(r => Resolve(rule, inherited, r))];
        _mostEntries = (int)Math.Max(Math.Max(8, limits.EntriesPerGroup), 2 * (Condition.LargestCount + 1));
    }

    public CorrelationRule Rule { get; }

    public CompiledCondition Condition { get; }

    /// <summary>The fields of <see cref="CorrelationEntry.Inherited"/>.</summary>
    public IReadOnlyList<string> Inherited { get; }

    /// <summary>The groups, the one that was used last first.</summary>
    public IEnumerable<CorrelationGroup> Groups => _byUse;

    public int GroupCount => _groups.Count;

    /// <summary>The end of the window that is over first; <see cref="long.MaxValue"/> for none.</summary>
    public long NextDue => _byDue.Count == 0 ? long.MaxValue : _byDue.Min!.Due;

    bool NeedsNumber => Rule.Type is CorrelationType.ValueSum or CorrelationType.ValueAverage or CorrelationType.ValuePercentile or CorrelationType.ValueMedian;

    /// <summary>A detection rule matched.</summary>
    /// <param name="bits">The references that mean that rule.</param>
    /// <param name="e">The event.</param>
    /// <param name="time">Where it belongs in time.</param>
    /// <param name="reference">The event, to keep.</param>
    /// <param name="now">The stream's time.</param>
    /// <param name="fired">Gets the hits.</param>
    public void Take(ulong bits, FieldedEvent e, long time, EventReference reference, long now, List<FiredGroup> fired)
    {
        int position = System.Numerics.BitOperations.TrailingZeroCount(bits);
        _key.ResetWrittenCount();
        foreach (FieldId field in _groupFields[position])
        {
            if (!TryAppend(_key, e, field))
            {
                _counters.GroupFieldMissing++;
                return;
            }
        }
        _value.ResetWrittenCount();
        Int128 number = 0;
        foreach (FieldId field in _valueFields[position])
        {
            if (NeedsNumber ? !TryNumber(e, field, out number) : !TryAppend(_value, e, field))
            {
                _counters.ValueMissing++;
                return;
            }
        }
        _tuple.ResetWrittenCount();
        foreach (FieldId field in _inheritedFields[position])
        {
            if (!TryAppend(_tuple, e, field)) ValueKey.AppendAbsent(_tuple);
        }
        Place(bits, time, reference, null, number, _tuple.WrittenCount == 0 ? ValueKey.NoTuple : [_tuple.WrittenSpan.ToArray()], now, fired);
    }

    /// <summary>A correlation that this one refers to fired: for each group that its events belong to here, it is one event.</summary>
    /// <param name="bits">The references that mean that correlation.</param>
    /// <param name="part">How it fired.</param>
    /// <param name="now">The stream's time.</param>
    /// <param name="fired">Gets the hits.</param>
    public void Take(ulong bits, FiredGroup part, long now, List<FiredGroup> fired)
    {
        int position = System.Numerics.BitOperations.TrailingZeroCount(bits);
        CorrelationHit hit = part.Hit;
        _value.ResetWrittenCount();
        Int128 number = 0;
        foreach (FieldId field in _valueFields[position])
        {
            int at = IndexOf(hit.Rule.GroupBy, field.Name);
            if (at < 0 || (NeedsNumber ? !TryNumber(hit.Group[at].Value, out number) : !ValueKey.TryCopy(_value, part.Key, at)))
            {
                _counters.ValueMissing++;
                return;
            }
        }
        var groups = new OrderedDictionary<byte[], List<byte[]>>(ValueKey.Comparer.Instance);
        foreach (byte[] tuple in part.Tuples)
        {
            _key.ResetWrittenCount();
            if (!_groupFields[position].All(field => TryCopy(_key, part, tuple, field))) continue;
            _tuple.ResetWrittenCount();
            foreach (FieldId field in _inheritedFields[position])
            {
                if (!TryCopy(_tuple, part, tuple, field)) ValueKey.AppendAbsent(_tuple);
            }
            byte[] key = _key.WrittenSpan.ToArray();
            if (!groups.TryGetValue(key, out List<byte[]>? tuples)) groups.Add(key, tuples = []);
            if (!tuples.Contains(_tuple.WrittenSpan.ToArray(), ValueKey.Comparer.Instance)) tuples.Add(_tuple.WrittenSpan.ToArray());
        }
        if (groups.Count == 0) _counters.GroupFieldMissing++;
        foreach ((byte[] key, List<byte[]> tuples) in groups)
        {
            _key.ResetWrittenCount();
            _key.Write(key);
            Place(bits, hit.Time, hit.Last, hit, number, _inheritedFields[position].Length == 0 ? ValueKey.NoTuple : [.. tuples], now, fired);
        }
    }

    static bool TryCopy(ArrayBufferWriter<byte> into, FiredGroup part, byte[] tuple, FieldId field)
    {
        int at = IndexOf(part.Hit.Rule.GroupBy, field.Name);
        return at >= 0 ? ValueKey.TryCopy(into, part.Key, at) : ValueKey.TryCopy(into, tuple, IndexOf(part.Inherited, field.Name));
    }

    /// <summary>Decides the windows that are over.</summary>
    /// <param name="now">The stream's time; <see cref="long.MaxValue"/> at the end of input.</param>
    /// <param name="fired">Gets the hits.</param>
    public void Decide(long now, List<FiredGroup> fired)
    {
        while (_byDue.Count > 0 && _byDue.Min is { } group && group.Due < now) Close(group, fired);
    }

    /// <summary>Forgets groups whose last event is long ago.</summary>
    public void ForgetIdle(long now)
    {
        while (_byUse.Last is { Value: { } group } && now - group.TouchedAt > Rule.Timespan + _limits.IdleGrace) Remove(group);
    }

    /// <summary>Puts a group of a snapshot back, as the one used last.</summary>
    public bool TryRestore(byte[] key, long touchedAt, long closedUntil, List<CorrelationEntry> entries, ReadOnlySpan<byte> state)
    {
        if (_groups.ContainsKey(key) || _groups.Count >= _limits.GroupsPerRule || entries.Count > _mostEntries) return false;
        bool sliding = Condition.Decision == DecisionTime.AtOnce;
        if (sliding && entries.Count == 0) return false;
        if (Condition.Decision == DecisionTime.AtSilence && entries.Count > 1) return false;
        var group = new CorrelationGroup(key, WindowValue.For(Rule, Condition)) { TouchedAt = touchedAt, ClosedUntil = closedUntil };
        if (!group.TryRestore(entries, Rule.Timespan, state, sliding)) return false;
        Add(group);
        Account(0, group);
        Schedule(group);
        return true;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        while (_byUse.Last is { Value: { } group }) Remove(group);
    }

    void Place(ulong bits, long time, EventReference reference, CorrelationHit? child, Int128 number, byte[][] inherited, long now, List<FiredGroup> fired)
    {
        ReadOnlySpan<byte> key = _key.WrittenSpan;
        bool isKnown = _bySpan.TryGetValue(key, out CorrelationGroup? group);
        if (IsLate(group, time, now))
        {
            _counters.LateIgnored++;
            return;
        }
        if (!isKnown)
        {
            while (_groups.Count >= Math.Max(1, _limits.GroupsPerRule)) Evict(_byUse.Last!.Value, now);
            group = new CorrelationGroup(key.ToArray(), WindowValue.For(Rule, Condition)) { TouchedAt = now };
            Add(group);
        }
        Touch(group!, now);
        int cost = group!.Cost;
        if (child is null && group.LastInserted is { Child: null } last && ReferenceEquals(last.Reference, reference))
        {
            if (Condition.Decision == DecisionTime.AtOnce) group.Extend(bits, Rule.Timespan, _crossings);
            else last.Rules |= bits;
        }
        else
        {
            byte[] value = Rule.Type != CorrelationType.ValueCount ? [] : group.Window.Find(_value.WrittenSpan) ?? _value.WrittenSpan.ToArray();
            Insert(group, new CorrelationEntry(time, reference, bits) { Child = child, Number = number, Value = value, Inherited = Share(group, inherited) });
        }
        Account(cost, group);
        foreach (Crossing crossing in _crossings) Fire(group, group.Between(crossing.First, crossing.Last), crossing.Value, fired);
        _crossings.Clear();
        Bound(group, now);
    }

    /// <summary>Most events of a group are alike in what others ask of them.</summary>
    static byte[][] Share(CorrelationGroup group, byte[][] tuples) =>
        !group.IsEmpty && tuples.Length == 1 && group.Newest.Inherited is [var newest] && newest.AsSpan().SequenceEqual(tuples[0]) ? group.Newest.Inherited : tuples;

    bool IsLate(CorrelationGroup? group, long time, long now) => Condition.Decision switch
    {
        DecisionTime.AtOnce => group is { IsEmpty: false } && time < group.Newest.Time - Rule.Timespan,
        _ => time < now - Rule.Timespan || (group is not null && time <= group.ClosedUntil),
    };

    void Insert(CorrelationGroup group, CorrelationEntry entry)
    {
        switch (Condition.Decision)
        {
            case DecisionTime.AtOnce:
                group.Slide(entry, Rule.Timespan, _crossings);
                return;
            case DecisionTime.AtClose:
                group.Collect(entry);
                break;
            default:
                group.KeepOnly(entry);
                break;
        }
        Schedule(group);
    }

    void Schedule(CorrelationGroup group)
    {
        if (Condition.Decision == DecisionTime.AtOnce) return;
        if (group.Due != long.MaxValue) _byDue.Remove(group);
        group.Due = group.IsEmpty ? long.MaxValue : group.Oldest.Time + Rule.Timespan;
        if (group.Due != long.MaxValue) _byDue.Add(group);
    }

    void Close(CorrelationGroup group, List<FiredGroup> fired)
    {
        int cost = group.Cost;
        long start = group.Oldest.Time;
        List<CorrelationEntry> window = group.TakeWindow(Rule.Timespan);
        Account(cost, group);
        Schedule(group);
        if (Condition.Decision == DecisionTime.AtSilence)
        {
            Fire(group, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(window), 0, fired);
        }
        else if (group.Window.Holds(start))
        {
            Fire(group, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(window), group.Window.Value(start), fired);
        }
        group.Window.Clear();
    }

    void Fire(CorrelationGroup group, ReadOnlySpan<CorrelationEntry> window, decimal value, List<FiredGroup> fired)
    {
        _counters.Fired++;
        List<string> texts = ValueKey.Texts(group.Key);
        fired.Add(new FiredGroup(HitBuilder.Build(Rule, _parts, [.. Rule.GroupBy.Zip(texts)], window, value), group.Key, Inherited, TuplesOf(window)));
    }

    /// <summary>What the events of a window have in the fields that others ask for, each once, in their order.</summary>
    byte[][] TuplesOf(ReadOnlySpan<CorrelationEntry> window)
    {
        if (Inherited.Count == 0) return ValueKey.NoTuple;
        var tuples = new OrderedDictionary<byte[], bool>(ValueKey.Comparer.Instance);
        foreach (CorrelationEntry entry in window)
        {
            foreach (byte[] tuple in entry.Inherited)
            {
                if (tuples.Count < CorrelationLimits.MostInherited) tuples.TryAdd(tuple, true);
                else if (!tuples.ContainsKey(tuple)) _counters.EvictedEntries++;
            }
        }
        return [.. tuples.Keys];
    }

    void Bound(CorrelationGroup group, long now)
    {
        if (group.Count > _mostEntries)
        {
            int cost = group.Cost;
            int most = _mostEntries - (_mostEntries / 4);
            _counters.EvictedEntries += Condition.Decision == DecisionTime.AtOnce ? group.MakeRoom(most) : group.MakeRoomBeforeClose(most);
            Account(cost, group);
        }
        while (_cost > Math.Max(_limits.EntriesPerRule, _mostEntries) && _byUse.Last is { Value: { } oldest } && oldest != group) Evict(oldest, now);
    }

    void Evict(CorrelationGroup group, long now)
    {
        // What is long over is no loss.
        if (now - group.TouchedAt <= Rule.Timespan) _counters.EvictedGroups++;
        Remove(group);
    }

    void Add(CorrelationGroup group)
    {
        _groups.Add(group.Key, group);
        group.Use = _byUse.AddFirst(group);
        _counters.Groups++;
    }

    void Touch(CorrelationGroup group, long now)
    {
        group.TouchedAt = now;
        _byUse.Remove(group.Use!);
        _byUse.AddFirst(group.Use!);
    }

    void Remove(CorrelationGroup group)
    {
        if (group.Due != long.MaxValue) _byDue.Remove(group);
        _byUse.Remove(group.Use!);
        _groups.Remove(group.Key);
        _cost -= group.Cost;
        _counters.Entries -= group.Cost;
        _counters.Groups--;
    }

    void Account(int before, CorrelationGroup group)
    {
        _cost += group.Cost - before;
        _counters.Entries += group.Cost - before;
    }

    static FieldId[] Resolve(CorrelationRule rule, IReadOnlyList<string> names, int reference) =>
        [.. names.Select(name => FieldId.Of(InheritedFields.FieldOf(rule, name, reference)))];

    static bool TryAppend(ArrayBufferWriter<byte> key, FieldedEvent e, FieldId field)
    {
        if (e.Find(field, out ReadOnlySpan<byte> value) is ValueKind.Absent or ValueKind.Null) return false;
        ValueKey.Append(key, value);
        return true;
    }

    static bool TryNumber(FieldedEvent e, FieldId field, out Int128 number)
    {
        number = 0;
        if (e.Find(field, out ReadOnlySpan<byte> value) is ValueKind.Absent or ValueKind.Null or ValueKind.Boolean) return false;
        return decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal parsed) && TryScale(parsed, out number);
    }

    static bool TryNumber(string value, out Int128 number)
    {
        number = 0;
        return decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal parsed) && TryScale(parsed, out number);
    }

    static bool TryScale(decimal value, out Int128 number)
    {
        number = 0;
        if (Math.Abs(value) >= CompiledCondition.Largest) return false;
        number = (Int128)decimal.Round(value * CompiledCondition.One);
        return true;
    }

    static int IndexOf(IReadOnlyList<string> names, string name)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (names[i] == name) return i;
        }
        return -1;
    }

    sealed class DueOrder : IComparer<CorrelationGroup>
    {
        public static DueOrder Instance { get; } = new();

        public int Compare(CorrelationGroup? x, CorrelationGroup? y)
        {
            int due = x!.Due.CompareTo(y!.Due);
            return due != 0 ? due : x.Key.AsSpan().SequenceCompareTo(y.Key);
        }
    }
}

/// <summary>A hit with what correlations need to know exactly that it is a part of.</summary>
/// <param name="Hit">The hit.</param>
/// <param name="Key">The values of its group.</param>
/// <param name="Inherited">The fields that others ask for.</param>
/// <param name="Tuples">What its events have in these fields.</param>
readonly record struct FiredGroup(CorrelationHit Hit, byte[] Key, IReadOnlyList<string> Inherited, IReadOnlyList<byte[]> Tuples);
