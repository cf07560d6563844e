using System.Collections.Concurrent;

namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// Every count of the daemon, and with it everything that was lost: there is no other place where a loss may be noted. Thread-safe. Ask for a
/// counter once and keep it.
/// </summary>
/// <param name="listener">Is told of losses; null where nobody is.</param>
sealed class Counters(ILossListener? listener = null)
{
    /// <summary>Reasons are constants of the program, so there are few; the bound is for the day somebody puts data into one.</summary>
    const int MaxCounters = 1000;

    readonly ConcurrentDictionary<(string Name, string Reason), Counter> _all = new();

    /// <summary>The counter of something that is no loss.</summary>
    /// <param name="name">In the plural: "events".</param>
    public Counter Of(string name) => Get(name, "");

    /// <summary>The counter of a loss.</summary>
    /// <param name="name">What is lost, in the plural: "webhook alerts".</param>
    /// <param name="reason">Why, as it reads after a colon: "the queue of 10,000 was full". A constant, not data.</param>
    public Counter Loss(string name, string reason)
    {
        ArgumentException.ThrowIfNullOrEmpty(reason);
        return Get(name, reason);
    }

    /// <summary>All counters by name and reason, those at zero too.</summary>
    public IReadOnlyList<CounterValue> Snapshot() =>
    [
        .. _all.Values
            .Select(counter => new CounterValue(counter.Name, counter.Reason, counter.Value))
            .OrderBy(counter => counter.Name, StringComparer.Ordinal)
            .ThenBy(counter => counter.Reason, StringComparer.Ordinal),
    ];

    /// <summary>Everything that was lost so far, of every kind.</summary>
    public long Losses
    {
        get
        {
            long sum = 0;
            foreach ((_, Counter counter) in _all)
            {
                if (counter.IsLoss) sum += counter.Value;
            }
            return sum;
        }
    }

    Counter Get(string name, string reason)
    {
        if (_all.TryGetValue((name, reason), out Counter? known)) return known;
        (string, string) key = _all.Count < MaxCounters ? (name, reason) : reason.Length == 0 ? ("other things", "") : ("other things", "other reasons");
        return _all.GetOrAdd(key, static (key, listener) => new Counter(key.Name, key.Reason, key.Reason.Length > 0 ? listener : null), listener);
    }
}

/// <summary>One counter at one moment.</summary>
/// <param name="Name">What is counted.</param>
/// <param name="Reason">Why it was lost; empty for what is no loss.</param>
/// <param name="Value">How often since the start.</param>
sealed record CounterValue(string Name, string Reason, long Value);
