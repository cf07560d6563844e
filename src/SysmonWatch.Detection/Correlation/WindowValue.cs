using System.Buffers.Binary;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Correlation;

/// <summary>
/// What one correlation type computes over the entries of one window, kept up as they come and go. Entries come in their order, and the
/// oldest goes first.
/// </summary>
abstract class WindowValue(CompiledCondition condition)
{
    protected CompiledCondition Condition { get; } = condition;

    public static WindowValue For(CorrelationRule rule, CompiledCondition condition) => rule.Type switch
    {
        CorrelationType.EventCount => new EventCountWindow(condition),
        CorrelationType.ValueCount => new ValueCountWindow(condition),
        CorrelationType.Temporal => new TemporalWindow(condition, rule.Rules.Count),
        CorrelationType.TemporalOrdered => new OrderedWindow(condition, rule.Rules.Count),
        CorrelationType.ValueSum => new SumWindow(condition, isAverage: false),
        CorrelationType.ValueAverage => new SumWindow(condition, isAverage: true),
        CorrelationType.ValuePercentile => new RankWindow(condition, rule.Percentile),
        _ => new RankWindow(condition, percentile: null),
    };

    /// <summary>Takes an entry in, or new bits of the entry that was taken in last.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="bits">The references that are new; all of the entry's unless it was taken in before.</param>
    public abstract void Add(CorrelationEntry entry, ulong bits);

    /// <summary>Takes the oldest entry out, or one that <see cref="IsRedundant"/> says does not matter.</summary>
    public abstract void Remove(CorrelationEntry entry);

    public abstract void Clear();

    /// <summary>Whether the condition holds of what is in. Of nothing, no condition holds.</summary>
    /// <param name="start">The beginning of the window.</param>
    public abstract bool Holds(long start);

    /// <summary>What is compared, for people.</summary>
    public abstract decimal Value(long start);

    /// <summary>
    /// Whether an entry changes nothing for any window that ends at or after the newest entry. Asked from the newest to the oldest, each
    /// entry once, after <see cref="BeginRedundancy"/>.
    /// </summary>
    public virtual bool IsRedundant(CorrelationEntry entry) => false;

    public virtual void BeginRedundancy() { }

    /// <summary>True where what is kept grows with what is taken in, so that it has to be bounded.</summary>
    public virtual bool Grows => false;

    /// <summary>The shared copy of a value that is in the window; null where it is not.</summary>
    public virtual byte[]? Find(ReadOnlySpan<byte> value) => null;

    /// <summary>What cannot be computed again from the entries.</summary>
    public virtual ReadOnlySpan<long> State => default;

    /// <summary>Sets <see cref="State"/>; false where its size is wrong.</summary>
    public virtual bool TrySetState(ReadOnlySpan<byte> state) => state.IsEmpty;

    protected static decimal ToDecimal(Int128 number)
    {
        (Int128 whole, Int128 rest) = Int128.DivRem(number, CompiledCondition.One);
        return (decimal)whole + ((decimal)rest / CompiledCondition.One);
    }
}

/// <summary>Counts events.</summary>
sealed class EventCountWindow(CompiledCondition condition) : WindowValue(condition)
{
    long _count;

    public override void Add(CorrelationEntry entry, ulong bits)
    {
        if (bits == entry.Rules) _count++;
    }

    public override void Remove(CorrelationEntry entry) => _count--;

    public override void Clear() => _count = 0;

    public override bool Holds(long start) => _count > 0 && Condition.Holds((Int128)_count * CompiledCondition.One, 1);

    public override decimal Value(long start) => _count;
}

/// <summary>Counts different values by how often each is in the window.</summary>
sealed class ValueCountWindow : WindowValue
{
    readonly Dictionary<byte[], int> _uses = new(ValueKey.Comparer.Instance);
    readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;
    readonly HashSet<byte[]> _later = new(ValueKey.Comparer.Instance);

    public ValueCountWindow(CompiledCondition condition) : base(condition) => _bySpan = _uses.GetAlternateLookup<ReadOnlySpan<byte>>();

    public override bool Grows => true;

    public override void Add(CorrelationEntry entry, ulong bits)
    {
        if (bits != entry.Rules) return;
        System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_uses, entry.Value, out _)++;
    }

    public override void Remove(CorrelationEntry entry)
    {
        if (!_uses.TryGetValue(entry.Value, out int uses)) return;
        if (uses > 1) _uses[entry.Value] = uses - 1;
        else _uses.Remove(entry.Value);
    }

    public override void Clear() => _uses.Clear();

    public override bool Holds(long start) => _uses.Count > 0 && Condition.Holds((Int128)_uses.Count * CompiledCondition.One, 1);

    public override decimal Value(long start) => _uses.Count;

    public override void BeginRedundancy() => _later.Clear();

    public override bool IsRedundant(CorrelationEntry entry) => !_later.Add(entry.Value);

    public override byte[]? Find(ReadOnlySpan<byte> value) => _bySpan.TryGetValue(value, out byte[]? key, out _) ? key : null;
}

/// <summary>Which rules matched, in any order.</summary>
sealed class TemporalWindow(CompiledCondition condition, int rules) : WindowValue(condition)
{
    readonly int[] _matches = new int[rules];
    ulong _matched;
    ulong _later;

    public override void Add(CorrelationEntry entry, ulong bits)
    {
        for (; bits != 0; bits &= bits - 1)
        {
            int rule = System.Numerics.BitOperations.TrailingZeroCount(bits);
            if (_matches[rule]++ == 0) _matched |= 1UL << rule;
        }
    }

    public override void Remove(CorrelationEntry entry)
    {
        for (ulong bits = entry.Rules; bits != 0; bits &= bits - 1)
        {
            int rule = System.Numerics.BitOperations.TrailingZeroCount(bits);
            if (--_matches[rule] == 0) _matched &= ~(1UL << rule);
        }
    }

    public override void Clear()
    {
        Array.Clear(_matches);
        _matched = 0;
    }

    public override bool Holds(long start)
    {
        if (_matched == 0) return false;
        if (Condition.Expression is { } expression) return CompiledCondition.Holds(expression, _matched);
        int distinct = (int)Value(start);
        return Condition.AllRules ? distinct == _matches.Length : Condition.Holds((Int128)distinct * CompiledCondition.One, 1);
    }

    public override decimal Value(long start) => System.Numerics.BitOperations.PopCount(_matched);

    public override void BeginRedundancy() => _later = 0;

    public override bool IsRedundant(CorrelationEntry entry)
    {
        bool redundant = (entry.Rules & ~_later) == 0;
        _later |= entry.Rules;
        return redundant;
    }
}

/// <summary>
/// Which rules matched one after the other. For each length of a chain and each last position: the latest beginning that such a chain has;
/// it is in the window when that beginning is. Only full chains count unless the condition compares their length.
/// </summary>
/// <remarks>One event never is two steps of a chain: those are computed from what was there before the event.</remarks>
sealed class OrderedWindow : WindowValue
{
    const long None = long.MinValue;

    readonly int _rules;
    readonly long[] _now;
    readonly long[] _before;
    Events.EventReference? _last;

    public OrderedWindow(CompiledCondition condition, int rules) : base(condition)
    {
        _rules = rules;
        _now = new long[condition.AllRules ? rules : rules * rules];
        _before = new long[_now.Length];
        Clear();
    }

    public override ReadOnlySpan<long> State => _now;

    public override void Add(CorrelationEntry entry, ulong bits)
    {
        if (!ReferenceEquals(_last, entry.Reference)) _now.CopyTo(_before, 0);
        _last = entry.Reference;
        for (; bits != 0; bits &= bits - 1)
        {
            int position = System.Numerics.BitOperations.TrailingZeroCount(bits);
            if (Condition.AllRules) Extend(position, position == 0 ? entry.Time : _before[position - 1]);
            else ExtendAll(position, entry.Time);
        }
    }

    public override void Remove(CorrelationEntry entry) { }

    public override void Clear()
    {
        Array.Fill(_now, None);
        Array.Fill(_before, None);
        _last = null;
    }

    public override bool Holds(long start)
    {
        if (Condition.AllRules) return _now[^1] != None && _now[^1] >= start;
        int length = (int)Value(start);
        return length > 0 && Condition.Holds((Int128)length * CompiledCondition.One, 1);
    }

    public override decimal Value(long start)
    {
        if (Condition.AllRules) return _now.Count(beginning => beginning != None && beginning >= start);
        int length = _rules;
        while (length > 0 && (Longest(length) == None || Longest(length) < start)) length--;
        return length;
    }

    public override bool TrySetState(ReadOnlySpan<byte> state)
    {
        if (state.Length != _now.Length * sizeof(long)) return false;
        for (int i = 0; i < _now.Length; i++) _now[i] = BinaryPrimitives.ReadInt64LittleEndian(state[(i * sizeof(long))..]);
        _last = null;
        return true;
    }

    long Longest(int length) => _now[((length - 1) * _rules) + _rules - 1];

    void ExtendAll(int position, long time)
    {
        for (int length = 0; length <= position; length++)
        {
            long beginning = length == 0 ? time : _before[((length - 1) * _rules) + position - 1];
            for (int at = position; at < _rules; at++) Extend((length * _rules) + at, beginning);
        }
    }

    void Extend(int at, long beginning) => _now[at] = Math.Max(_now[at], beginning);
}

/// <summary>Sum or mean of exact numbers.</summary>
sealed class SumWindow(CompiledCondition condition, bool isAverage) : WindowValue(condition)
{
    Int128 _sum;
    long _count;

    public override void Add(CorrelationEntry entry, ulong bits)
    {
        if (bits != entry.Rules) return;
        _sum += entry.Number;
        _count++;
    }

    public override void Remove(CorrelationEntry entry)
    {
        _sum -= entry.Number;
        _count--;
    }

    public override void Clear()
    {
        _sum = 0;
        _count = 0;
    }

    public override bool Holds(long start) => _count > 0 && Condition.Holds(_sum, isAverage ? _count : 1);

    public override decimal Value(long start) => _count == 0 ? 0 : isAverage ? ToDecimal(_sum / _count) : ToDecimal(_sum);
}

/// <summary>A percentile by nearest rank, so that it is always a value that was there; or the median, the mean of the middle two where they are two.</summary>
/// <param name="condition">What is compared.</param>
/// <param name="percentile">0 to 100; null for the median.</param>
sealed class RankWindow(CompiledCondition condition, decimal? percentile) : WindowValue(condition)
{
    readonly List<Int128> _sorted = [];

    public override bool Grows => true;

    public override void Add(CorrelationEntry entry, ulong bits)
    {
        if (bits != entry.Rules) return;
        int at = _sorted.BinarySearch(entry.Number);
        _sorted.Insert(at < 0 ? ~at : at, entry.Number);
    }

    public override void Remove(CorrelationEntry entry)
    {
        int at = _sorted.BinarySearch(entry.Number);
        if (at >= 0) _sorted.RemoveAt(at);
    }

    public override void Clear() => _sorted.Clear();

    public override bool Holds(long start) => _sorted.Count > 0 && Condition.Holds(Pick(out int denominator), denominator);

    public override decimal Value(long start) => _sorted.Count == 0 ? 0 : ToDecimal(Pick(out int denominator) / denominator);

    Int128 Pick(out int denominator)
    {
        int count = _sorted.Count;
        denominator = percentile is null && count % 2 == 0 ? 2 : 1;
        if (denominator == 2) return _sorted[(count / 2) - 1] + _sorted[count / 2];
        if (percentile is null) return _sorted[count / 2];
        int rank = (int)Math.Ceiling(percentile.Value * count / 100);
        return _sorted[Math.Clamp(rank, 1, count) - 1];
    }
}
