using Microsoft.Extensions.Logging;

namespace SysmonWatch.Daemon.State;

/// <summary>
/// What survives a restart: positions, snapshots, and the outbox of alerts. While the disk cannot be written, alerts are held in memory, and
/// nothing moves the position until they are on disk.
/// </summary>
/// <remarks>
/// Thread-safe: one lock around one connection; an operation takes one commit, well under a millisecond on a healthy disk. No failure of the disk
/// comes out as an exception. While there is one, the disk is tried again every few seconds, and a timer runs only then.
/// </remarks>
sealed partial class StateStore : IAlertStore, IDisposable
{
    // How long a failing disk is left alone, so that a database held by another process does not delay every alert.
    static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(5);
    static readonly TimeSpan TrimEvery = TimeSpan.FromHours(1);

    readonly Lock _lock = new();
    readonly OutboxLimits _limits;
    readonly TimeProvider _time;
    readonly ILogger _logger;
    readonly Database _memory = Database.InMemory();
    readonly Outbox _waiting;
    readonly Dictionary<(string Sink, string AlertId), DeliveryMark> _unwritten = [];
    readonly CheckpointTables _checkpoints = new();
    readonly StateDirectory? _state;
    readonly ITimer _retry;
    Database? _disk;
    Outbox? _outbox;
    StoreFailure? _failure;
    DateTimeOffset _retryAt = DateTimeOffset.MinValue;
    DateTimeOffset _trimAt = DateTimeOffset.MinValue;
    long _evicted;
    bool _opening;
    bool _disposed;

    StateStore(StateDirectory? state, OutboxLimits limits, int memoryAlerts, TimeProvider time, ILogger logger)
    {
        (_state, _limits, _time, _logger) = (state, limits, time, logger);
        // In memory on purpose there is nothing else, so the bounds are those of the outbox.
        _waiting = new Outbox(_memory, state is null ? limits : limits with { Alerts = memoryAlerts });
        _retry = time.CreateTimer(_ => TryFlush(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Raised, outside the lock, when the disk fails and when it works again (null).</summary>
    public event Action<StoreFailure?>? FailureChanged;

    /// <summary>Opens the state in a directory, which is made where it is not there.</summary>
    /// <param name="directory">Where the database is to be.</param>
    /// <param name="limits">Bounds of the outbox on disk.</param>
    /// <param name="memoryAlerts">Most alerts held in memory while the disk fails.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told what was set aside, what fails and what works again.</param>
    /// <returns>A store in any case; where the directory cannot be had it works in memory and goes on trying.</returns>
    /// <exception cref="StateDirectoryInUseException">Another sysmonwatch uses it.</exception>
    public static StateStore Open(string directory, OutboxLimits limits, int memoryAlerts, TimeProvider time, ILogger logger)
    {
        RequireSqlite();
        var store = new StateStore(new StateDirectory(directory, time, logger), limits, memoryAlerts, time, logger);
        try
        {
            store._opening = true;
            lock (store._lock) store.Writing(static () => { });
            store._opening = false;
            store.Announce(null, store._failure);
        }
        catch
        {
            store.Dispose();
            throw;
        }
        return store;
    }

    /// <summary>A store that is in memory on purpose (replay, tests): nothing survives it, and that is no failure.</summary>
    public static StateStore InMemory(OutboxLimits limits, TimeProvider time, ILogger logger)
    {
        RequireSqlite();
        return new StateStore(null, limits, limits.Alerts, time, logger);
    }

    /// <summary>What the last checkpoint said; <see cref="Checkpoint.Empty"/> at a first start.</summary>
    public Checkpoint Restore()
    {
        lock (_lock)
        {
            Checkpoint restored = Checkpoint.Empty;
            if (_state is null) restored = CheckpointTables.Read(_memory);
            else if (!Reading(() => restored = CheckpointTables.Read(_disk!))) restored = _state.ReadOnlyCheckpoint() ?? restored;
            return restored;
        }
    }

    /// <summary>Writes positions and snapshots, all or nothing, after every alert that is held in memory.</summary>
    /// <returns>Null where it is on disk; after a failure the next one must have every page.</returns>
    public StoreFailure? Commit(Checkpoint checkpoint)
    {
        StoreFailure? before, after;
        lock (_lock)
        {
            before = _failure;
            if (_state is null)
            {
                if (_checkpoints.LacksPages(_memory, checkpoint)) return Incomplete;
                _memory.InTransaction(() => CheckpointTables.Write(_memory, checkpoint));
                TrimIfDue(_waiting);
                return null;
            }
            bool complete = true;
            bool written = Writing(() =>
            {
                if (!(complete = !_checkpoints.LacksPages(_disk!, checkpoint))) return;
                _disk!.InTransaction(() =>
                {
                    Flush();
                    CheckpointTables.Write(_disk, checkpoint);
                });
                Flushed();
                TrimIfDue(_outbox!);
            });
            _checkpoints.Note(checkpoint, written && complete);
            after = complete ? _failure : _failure ?? Incomplete;
        }
        Announce(before, ReferenceEquals(after, Incomplete) ? null : after);
        return after;
    }

    /// <summary>Puts alerts into the outbox, all or none, before anyone is told. An id that is there already is passed over.</summary>
    public AddResult AddAlerts(IReadOnlyList<StoredAlert> alerts)
    {
        StoreFailure? before, after;
        List<string> added = [];
        int evicted = 0;
        lock (_lock)
        {
            before = _failure;
            bool written = _state is not null && Writing(() =>
            {
                _disk!.InTransaction(() =>
                {
                    Flush();
                    added = _outbox!.Add(alerts);
                });
                Flushed();
                Count(_outbox!, alerts, added);
                evicted = _outbox!.IsOverfull ? Trim(_outbox) : 0;
            });
            if (!written) (added, evicted) = AddToMemory(alerts);
            after = _failure;
        }
        Announce(before, after);
        return new AddResult(added, after, evicted);
    }

    /// <summary>Gives an alert that is in the outbox another JSON, such as one with its final count; whoever was told is not told again.</summary>
    public void ReplaceAlert(string alertId, byte[] json)
    {
        lock (_lock)
        {
            _memory.InTransaction(() => _waiting.Replace(alertId, json));
            if (_state is not null) Writing(() => _disk!.InTransaction(() => _outbox!.Replace(alertId, json)));
        }
    }

    /// <summary>What a sink is to be told now, oldest first.</summary>
    /// <param name="sink">Whom.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="longestWait">The longest that a delivery is put off: what seems to be put off further is due, as the clock has been set back. Default a day.</param>
    public IReadOnlyList<PendingDelivery> NextDue(string sink, int limit, TimeSpan? longestWait = null)
    {
        TimeSpan longest = longestWait ?? TimeSpan.FromDays(1);
        lock (_lock)
        {
            DateTimeOffset now = _time.GetUtcNow();
            List<PendingDelivery> due = [];
            if (_state is not null)
            {
                // What could not be marked is still pending on disk, so that many more are read.
                int unwritten = _unwritten.Keys.Count(k => k.Sink == sink);
                Reading(() => due = _outbox!.Due(sink, now, limit + unwritten, longest));
                if (unwritten > 0) due.RemoveAll(d => _unwritten.TryGetValue((sink, d.AlertId), out DeliveryMark? mark) && (mark.State != DeliveryState.Pending || (mark.NextTry > now && mark.NextTry <= now + longest)));
            }
            if (due.Count < limit && _waiting.Count > 0) due.AddRange(_waiting.Due(sink, now, limit - due.Count, longest));
            return due.Count > limit ? due.GetRange(0, limit) : due;
        }
    }

    /// <summary>When a sink has something to be told next; null where nothing waits for it. May be in the past.</summary>
    public DateTimeOffset? NextTry(string sink)
    {
        lock (_lock)
        {
            DateTimeOffset? first = _waiting.NextTry(sink);
            if (_state is not null)
            {
                DateTimeOffset? onDisk = null;
                Reading(() => onDisk = _outbox!.NextTry(sink));
                if (onDisk is { } time && !(time >= first)) first = time;
            }
            return first;
        }
    }

    /// <summary>Notes what came of telling alerts to a sink. What cannot be written is remembered and written later.</summary>
    public void Mark(string sink, IReadOnlyList<DeliveryMark> marks)
    {
        StoreFailure? before, after;
        lock (_lock)
        {
            before = _failure;
            if (_waiting.Count > 0) _memory.InTransaction(() => _waiting.Mark(sink, marks));
            if (_state is not null)
            {
                foreach (DeliveryMark mark in marks) if (!_waiting.Contains(mark.AlertId)) _unwritten[(sink, mark.AlertId)] = mark;
                Writing(() =>
                {
                    _disk!.InTransaction(Flush);
                    Flushed();
                });
            }
            after = _failure;
        }
        Announce(before, after);
    }

    /// <summary>Notes that a sink was told.</summary>
    public void MarkTold(string sink, string alertId) => Mark(sink, [new DeliveryMark(alertId, DeliveryState.Told)]);

    /// <summary>Notes that telling a sink failed, and when it is tried again.</summary>
    public void MarkFailed(string sink, string alertId, string reason, DateTimeOffset nextTry) => Mark(sink, [new DeliveryMark(alertId, DeliveryState.Pending, nextTry, reason)]);

    /// <summary>Notes that telling a sink is given up, and why.</summary>
    public void MarkDead(string sink, string alertId, string reason) => Mark(sink, [new DeliveryMark(alertId, DeliveryState.Dead, Reason: reason)]);

    /// <summary>Gives up what a sink was not told of the alerts put in before a time.</summary>
    /// <returns>How many.</returns>
    public int GiveUp(string sink, DateTimeOffset raisedBefore, string reason) => InBoth(outbox => outbox.GiveUp(sink, raisedBefore, reason));

    /// <summary>Gives up what is still to be told to sinks that are not configured any more.</summary>
    /// <returns>How many.</returns>
    public int GiveUpAllBut(IReadOnlyCollection<string> sinks) => InBoth(outbox => outbox.GiveUpAllBut(sinks, "no longer configured"));

    /// <summary>The newest deliveries that were given up.</summary>
    public IReadOnlyList<DeadLetter> DeadLetters(int limit)
    {
        lock (_lock)
        {
            List<DeadLetter> dead = _waiting.DeadLetters(limit);
            if (_state is not null) Reading(() => dead.AddRange(_outbox!.DeadLetters(limit)));
            return dead.Count > limit ? dead.GetRange(0, limit) : dead;
        }
    }

    /// <summary>How the store is.</summary>
    public StoreStatus Status()
    {
        lock (_lock)
        {
            Dictionary<string, long> pending = _waiting.CountBySink(DeliveryState.Pending), dead = _waiting.CountBySink(DeliveryState.Dead);
            if (_state is not null)
            {
                Reading(() =>
                {
                    foreach ((string sink, long count) in _outbox!.CountBySink(DeliveryState.Pending)) pending[sink] = pending.GetValueOrDefault(sink) + count;
                    foreach ((string sink, long count) in _outbox!.CountBySink(DeliveryState.Dead)) dead[sink] = dead.GetValueOrDefault(sink) + count;
                });
            }
            return new StoreStatus(_failure, _state is null ? 0 : _waiting.Count, _evicted, pending, dead);
        }
    }

    /// <summary>Writes what is held in memory, if the disk allows it now.</summary>
    public void TryFlush()
    {
        StoreFailure? before, after;
        lock (_lock)
        {
            if (_state is null || _disposed) return;
            before = _failure;
            _retryAt = DateTimeOffset.MinValue;
            Writing(() =>
            {
                _disk!.InTransaction(Flush);
                Flushed();
            });
            after = _failure;
        }
        Announce(before, after);
    }

    /// <summary>Writes what can be written and closes.</summary>
    public void Dispose()
    {
        if (_failure is not null) TryFlush();
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            if (_waiting.Count > 0 && _state is not null) LogLeftInMemory(_waiting.Count);
            _disk?.Dispose();
            _memory.Dispose();
            _state?.Dispose();
        }
        _retry.Dispose();
    }

    static readonly StoreFailure Incomplete = new(StoreTrouble.Incomplete, "the database lacks pages of a snapshot; the next checkpoint has all of them");

    static void RequireSqlite()
    {
        if (SqliteLibrary.Problem is { } problem) throw new DllNotFoundException(problem + ".");
    }

    /// <summary>Writes to the database on disk, unless it has just failed.</summary>
    /// <returns>True where that worked, which also ends a failure.</returns>
    bool Writing(Action action)
    {
        if (MustWait || !OnDisk(action)) return false;
        if (_failure is not null && _waiting.Count == 0 && _unwritten.Count == 0)
        {
            _failure = null;
            _retry.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        return true;
    }

    /// <summary>Reads from the database on disk; that works also where it is full or read-only.</summary>
    bool Reading(Action action) => (_failure?.Trouble is StoreTrouble.Full or StoreTrouble.ReadOnly && _disk is not null || !MustWait) && OnDisk(action);

    /// <summary>True shortly after a failure. A clock that was set back must not make it longer.</summary>
    bool MustWait
    {
        get
        {
            if (_failure is null) return false;
            TimeSpan left = _retryAt - _time.GetUtcNow();
            return left > TimeSpan.Zero && left <= RetryEvery;
        }
    }

    bool OnDisk(Action action)
    {
        try
        {
            if (_disk is null)
            {
                _disk = _state!.Open();
                _outbox = new Outbox(_disk, _limits);
            }
            action();
            return true;
        }
        catch (DatabaseException e)
        {
            Fails(StoreFailure.Of(e, _state!.Path));
        }
        catch (StateDirectoryInUseException e) when (!_opening)
        {
            Fails(new StoreFailure(StoreTrouble.Locked, e.Message.TrimEnd('.')));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fails(new StoreFailure(StoreTrouble.Inaccessible, $"{_state!.Path} cannot be used ({e.Message.TrimEnd('.')}); it must exist and belong to the service's user"));
        }
        return false;
    }

    void Fails(StoreFailure failure)
    {
        if (failure.Trouble == StoreTrouble.Damaged && _disk is not null)
        {
            // Found while running: what is in it is kept for people, and the next try begins a new one.
            _disk.Dispose();
            (_disk, _outbox) = (null, null);
            _state!.TrySetAside("damaged");
        }
        _failure = failure;
        _retryAt = _time.GetUtcNow() + RetryEvery;
        _retry.Change(RetryEvery, RetryEvery);
    }

    void Announce(StoreFailure? before, StoreFailure? after)
    {
        if (before?.Trouble == after?.Trouble) return;
        if (after is null) LogWorksAgain(_state!.Path);
        else LogFails(after.Message);
        FailureChanged?.Invoke(after);
    }

    /// <summary>Writes to disk what is held in memory; in a transaction.</summary>
    void Flush()
    {
        if (_waiting.Count > 0) _outbox!.TakeFrom(_waiting);
        foreach (IGrouping<string, KeyValuePair<(string Sink, string AlertId), DeliveryMark>> marks in _unwritten.GroupBy(u => u.Key.Sink))
        {
            _outbox!.Mark(marks.Key, marks.Select(m => m.Value));
        }
    }

    /// <summary>Forgets what <see cref="Flush"/> has written, once it is committed.</summary>
    void Flushed()
    {
        _unwritten.Clear();
        if (_waiting.Count == 0) return;
        _waiting.Clear();
        _outbox!.Recount();
    }

    (List<string> Added, int Evicted) AddToMemory(IReadOnlyList<StoredAlert> alerts)
    {
        List<string> added = [];
        StoredAlert[] unknown = _state is null ? [.. alerts] : [.. alerts.Where(a => !IsOnDisk(a.AlertId))];
        _memory.InTransaction(() => added = _waiting.Add(unknown));
        Count(_waiting, alerts, added);
        if (!_waiting.IsOverfull) return (added, 0);
        int evicted = _state is null ? Trim(_waiting) : _waiting.EvictOldest();
        if (_state is not null && evicted > 0)
        {
            _evicted += evicted;
            LogEvicted(evicted);
        }
        return (added, evicted);
    }

    /// <summary>Reading may work where writing does not.</summary>
    bool IsOnDisk(string alertId)
    {
        try
        {
            return _outbox?.Contains(alertId) == true;
        }
        catch (DatabaseException)
        {
            return false;
        }
    }

    int InBoth(Func<Outbox, int> action)
    {
        lock (_lock)
        {
            int count = action(_waiting);
            if (_state is not null) Writing(() => count += action(_outbox!));
            return count;
        }
    }

    void TrimIfDue(Outbox outbox)
    {
        DateTimeOffset now = _time.GetUtcNow();
        if (now < _trimAt && _trimAt - now <= TrimEvery && !outbox.IsOverfull) return;
        _trimAt = now + TrimEvery;
        Trim(outbox);
    }

    int Trim(Outbox outbox)
    {
        int evicted = outbox.Trim(_time.GetUtcNow());
        if (evicted > 0)
        {
            _evicted += evicted;
            LogOutboxFull(evicted);
        }
        return evicted;
    }

    static void Count(Outbox outbox, IReadOnlyList<StoredAlert> alerts, List<string> added)
    {
        if (added.Count == 0) return;
        var ids = added.ToHashSet();
        outbox.CountAdded(added.Count, alerts.Where(a => ids.Contains(a.AlertId)).Sum(a => (long)a.Json.Length));
    }

    [LoggerMessage(4001, LogLevel.Error, "State cannot be written: {Reason}. Alerts are told all the same; the position stands still until it can be.")]
    partial void LogFails(string reason);

    [LoggerMessage(4002, LogLevel.Information, "State in {Directory} can be written again.")]
    partial void LogWorksAgain(string directory);

    [LoggerMessage(4003, LogLevel.Warning, "{Count} deliveries were given up: the disk cannot be written and limits.memory_alerts is reached.")]
    partial void LogEvicted(int count);

    [LoggerMessage(4004, LogLevel.Warning, "{Count} deliveries were given up: limits.outbox_alerts or limits.outbox_bytes is reached. The journal has the alerts.")]
    partial void LogOutboxFull(int count);

    [LoggerMessage(4005, LogLevel.Error, "{Count} alerts could not be written before the end. They are raised again from the last saved position.")]
    partial void LogLeftInMemory(int count);
}
