using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// Everything that was lost: there is no other place where a loss may be noted. The metric <c>sysmonwatch.losses</c> has it all, and the meter is there
/// for the other metrics of the daemon. Thread-safe. Ask for a counter once and keep it.
/// </summary>
/// <remarks>Instruments are observable, so that counting costs the same whether anybody listens or not.</remarks>
sealed class Counters : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "SysmonWatch";

    /// <summary>Reasons are constants of the program, so there are few; the bound is for the case that data gets into one by mistake.</summary>
    const int MaxCounters = 1000;

    readonly ConcurrentDictionary<(string Kind, string Reason), Counter> _all = new();
    readonly ILossListener? _listener;

    /// <param name="listener">Hears of every loss; null for none.</param>
    public Counters(ILossListener? listener = null)
    {
        _listener = listener;
        Meter = new Meter(MeterName);
        Meter.CreateObservableCounter("sysmonwatch.losses", Observe, "{item}", "What should have been evaluated or delivered and was not.");
    }

    /// <summary>What all instruments of the daemon belong to.</summary>
    public Meter Meter { get; }

    /// <summary>The counter of a loss.</summary>
    /// <param name="kind">What is lost, in the plural: "webhook alerts".</param>
    /// <param name="reason">Why, as it reads after a colon: "the queue of 10,000 was full". A constant, not data.</param>
    public Counter Loss(string kind, string reason)
    {
        ArgumentException.ThrowIfNullOrEmpty(reason);
        if (_all.TryGetValue((kind, reason), out Counter? known)) return known;
        return _all.GetOrAdd(
            _all.Count < MaxCounters ? (kind, reason) : ("other things", "other reasons"),
            static (key, listener) => new Counter(key.Kind, key.Reason, listener),
            _listener);
    }

    /// <summary>Everything that was lost so far, of every kind.</summary>
    public long Losses => _all.Sum(counter => counter.Value.Value);

    /// <inheritdoc/>
    public void Dispose() => Meter.Dispose();

    IEnumerable<Measurement<long>> Observe() =>
        _all.Values.Select(counter => new Measurement<long>(counter.Value, new("kind", counter.Kind), new("reason", counter.Reason)));
}
