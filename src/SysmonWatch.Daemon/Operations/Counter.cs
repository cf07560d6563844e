namespace SysmonWatch.Daemon.Operations;

/// <summary>How much was lost of one kind, for one reason, since the start. Thread-safe; only grows. Made by <see cref="Counters"/>.</summary>
sealed class Counter
{
    readonly ILossListener? _listener;
    long _value;

    internal Counter(string kind, string reason, ILossListener? listener)
    {
        Kind = kind;
        Reason = reason;
        _listener = listener;
    }

    /// <summary>What is lost, in the plural, as it reads in a sentence: "events", "webhook alerts".</summary>
    public string Kind { get; }

    /// <summary>Why it was lost, as it reads after a colon.</summary>
    public string Reason { get; }

    /// <summary>How often, so far.</summary>
    public long Value => Interlocked.Read(ref _value);

    /// <summary>What was added to the last loss for its message; null for nothing.</summary>
    public string? Detail { get; private set; }

    /// <summary>Counts. It is reported in the journal too: the first at once, the others in sums.</summary>
    /// <param name="count">From 1.</param>
    /// <param name="detail">What the reader of the message needs beyond the reason, e.g. which file; never a secret.</param>
    public void Add(long count = 1, string? detail = null)
    {
        if (detail is not null) Detail = detail;
        Interlocked.Add(ref _value, count);
        _listener?.OnLoss(this);
    }
}

/// <summary>Hears of every loss, on the thread that counted it.</summary>
interface ILossListener
{
    /// <summary>Something was lost; the counter has it already.</summary>
    void OnLoss(Counter counter);
}
