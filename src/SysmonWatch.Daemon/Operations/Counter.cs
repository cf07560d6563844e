namespace SysmonWatch.Daemon.Operations;

/// <summary>How often one thing happened, for one reason, since the start. Thread-safe; only grows. Made by <see cref="Counters"/>.</summary>
sealed class Counter
{
    readonly ILossListener? _listener;
    long _value;

    internal Counter(string name, string reason, ILossListener? listener)
    {
        Name = name;
        Reason = reason;
        _listener = listener;
    }

    /// <summary>What is counted, in the plural, as it reads in a sentence: "events", "webhook alerts".</summary>
    public string Name { get; }

    /// <summary>Why it was lost, as it reads after a colon; empty for what is no loss.</summary>
    public string Reason { get; }

    /// <summary>True where something that should have been told was not.</summary>
    public bool IsLoss => Reason.Length > 0;

    /// <summary>How often, so far.</summary>
    public long Value => Interlocked.Read(ref _value);

    /// <summary>What was said with the last loss, for its message; null where nothing was.</summary>
    public string? Detail { get; private set; }

    /// <summary>Counts. A loss is said in the journal too: the first at once, the others in sums.</summary>
    /// <param name="count">From 1.</param>
    /// <param name="detail">What the reader of the message needs beyond the reason, e.g. which file; never a secret.</param>
    public void Add(long count = 1, string? detail = null)
    {
        if (detail is not null) Detail = detail;
        Interlocked.Add(ref _value, count);
        _listener?.OnLoss(this);
    }
}

/// <summary>Is told of every loss, on the thread that counted it.</summary>
interface ILossListener
{
    /// <summary>Something was lost; the counter has it already.</summary>
    void OnLoss(Counter counter);
}
