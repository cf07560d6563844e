using Microsoft.Extensions.Logging;

namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// The one timer of an idle daemon: a thread that wakes at fixed distances for everything that is done by the clock, so that an idle host is woken
/// once for all of it. Thread-safe.
/// </summary>
/// <remarks>
/// A thread and no <see cref="System.Threading.Timer"/>: each of those takes a thread of the pool, which starts others to look after it and looks around for more
/// work before it sleeps; that costs several times what is done then.
/// </remarks>
sealed partial class SharedTimer : IDisposable
{
    readonly Lock _lock = new();
    // Held while the actions run, so that who ends one can wait for it.
    readonly Lock _ticking = new();
    readonly AutoResetEvent _wake = new(false);
    readonly ILogger _logger;
    readonly List<Periodic> _periodic = [];
    Thread? _thread;
    long _ticks;
    volatile bool _stopping;

    /// <param name="tick">The distance of two ticks.</param>
    /// <param name="logger">Told of bugs in what is done.</param>
    public SharedTimer(TimeSpan tick, ILogger logger) => (Tick, _logger) = (tick, logger);

    /// <param name="watchdog">Half its timeout is the longest distance allowed, where there is one.</param>
    /// <param name="logger">Told of bugs in what is done.</param>
    public SharedTimer(WatchdogSettings watchdog, ILogger logger)
        : this(TickFor(watchdog), logger)
    {
    }

    /// <summary>The distance where no watchdog asks for a shorter one.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromSeconds(15);

    /// <summary>WATCHDOG_USEC of a few microseconds would make this a busy loop.</summary>
    static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);

    /// <summary>The distance of two ticks; 100 ms to 15 s where a watchdog sets it.</summary>
    public TimeSpan Tick { get; }

    /// <summary>Does something from now on at every so many ticks, on the thread of the ticks: it must be short and not wait for anybody.</summary>
    /// <param name="every">How often at least; rounded down to whole ticks, one tick where it is less.</param>
    /// <param name="action">What to do.</param>
    /// <returns>Dispose it to end that; it waits for the time under way.</returns>
    public IDisposable Every(TimeSpan every, Action action)
    {
        var periodic = new Periodic(this, Math.Max(1, (long)Math.Floor((every / Tick) + 0.001)), action);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            _periodic.Add(periodic);
            if (_thread is null)
            {
                _thread = new Thread(Run) { Name = "clock", IsBackground = true };
                _thread.Start();
            }
        }
        return periodic;
    }

    /// <summary>One tick. Public for tests, which have no time to wait for it; the thread is the only other caller.</summary>
    public void TickNow()
    {
        lock (_ticking)
        {
            Periodic[] due;
            lock (_lock)
            {
                _ticks++;
                due = [.. _periodic.Where(periodic => _ticks % periodic.Ticks == 0)];
            }
            foreach (Periodic periodic in due) Do(periodic);
        }
    }

    /// <summary>Ends it, after the tick that is under way.</summary>
    public void Dispose()
    {
        Thread? thread;
        lock (_lock)
        {
            if (_stopping) return;
            _stopping = true;
            thread = _thread;
        }
        _wake.Set();
        thread?.Join();
        _wake.Dispose();
    }

    static TimeSpan TickFor(WatchdogSettings watchdog)
    {
        if (watchdog.Interval is not { } half) return Longest;
        // A whole number of ticks in it, so that what the watchdog wants to hear is never late.
        TimeSpan tick = half / Math.Ceiling(half / Longest);
        return tick < Shortest ? Shortest : tick;
    }

    void Run()
    {
        while (!_stopping)
        {
            if (!_wake.WaitOne(Tick)) TickNow();
        }
    }

    void Do(Periodic periodic)
    {
        try
        {
            periodic.Action();
        }
        catch (Exception bug)
        {
            // On a thread of ours nobody else would take it, and the process would end.
            LogBug(bug);
        }
    }

    sealed class Periodic(SharedTimer owner, long ticks, Action action) : IDisposable
    {
        public long Ticks => ticks;

        public Action Action => action;

        public void Dispose()
        {
            lock (owner._lock) owner._periodic.Remove(this);
            lock (owner._ticking) { }
        }
    }

    [LoggerMessage(5005, LogLevel.Error, "What is done by the clock failed because of a bug in SysmonWatch; please report it.")]
    partial void LogBug(Exception bug);
}
