using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.State;

/// <summary>
/// What survives a restart: positions, snapshots, and the outbox of alerts. While the disk cannot be written, alerts are held in memory, and
/// nothing moves the position until they are on disk.
/// </summary>
/// <remarks>
/// Thread-safe: one lock around one connection; an operation takes one commit, well under a millisecond on a healthy disk, however much is stored. No
/// failure of the disk comes out as an exception. While there is one, the disk is tried again every few seconds, and a timer runs only then.
/// </remarks>
sealed partial class StateStore : IAlertStore, IDisposable
{
    // An alert may take the place of many that are smaller; where a bound was lowered, the alerts that come bring the outbox down to it.
    const int RemovedWithOne = 64;

    static readonly TimeSpan TrimEvery = TimeSpan.FromHours(1);
    static readonly StoreFailure Incomplete = new(StoreTrouble.Incomplete, "the database lacks pages of a snapshot; the next checkpoint has all of them");

    readonly Lock _lock = new();
    readonly TimeProvider _time;
    readonly ILogger _logger;
    readonly Database _memory = Database.InMemory();
    readonly Outbox _waiting;
    readonly Dictionary<(string Sink, string AlertId), DeliveryMark> _unwritten = [];
    readonly CheckpointTables _checkpoints = new();
    readonly Counter[] _evictedByLevel;
    readonly StateDisk? _disk;
    IReadOnlyCollection<string>? _sinks;
    TaskCompletionSource? _room;
    long _trimmedAt;
    bool _trimsAgain = true;
    long _evicted;
    bool _disposed;

    StateStore(StateDirectory? directory, OutboxLimits limits, int memoryAlerts, Counters counters, TimeProvider time, ILogger logger)
    {
        (_time, _logger) = (time, logger);
        // In memory on purpose there is nothing else, so the bounds are those of the outbox.
        _waiting = new Outbox(_memory, directory is null ? limits : limits with { Alerts = memoryAlerts }, time);
        _disk = directory is null ? null : new StateDisk(directory, limits, TryFlush, time, logger);
        _evictedByLevel = [.. Enum.GetValues<RuleLevel>().Select(level => counters.Loss(
            $"deliveries of {level.ToText()} alerts",
            "too many wait for webhooks (limits.outbox_alerts, limits.outbox_bytes; limits.memory_alerts while the state cannot be written). The lowest level goes first, and nothing that the journal is still to get"))];
    }

    /// <summary>Raised, outside the lock, when the disk fails and when it works again (null).</summary>
    public event Action<StoreFailure?>? FailureChanged;

    /// <summary>Opens the state in a directory, which is made where it is not there.</summary>
    /// <param name="directory">Where the database is to be.</param>
    /// <param name="limits">Bounds of the outbox on disk.</param>
    /// <param name="memoryAlerts">Most alerts held in memory while the disk fails.</param>
    /// <param name="counters">For what is given up to keep a bound.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told what was set aside, what fails and what works again.</param>
    /// <returns>A store in any case; where the directory cannot be had it works in memory and goes on trying.</returns>
    /// <exception cref="StateDirectoryInUseException">Another sysmonwatch uses it.</exception>
    public static StateStore Open(string directory, OutboxLimits limits, int memoryAlerts, Counters counters, TimeProvider time, ILogger logger)
    {
        RequireSqlite();
        var store = new StateStore(new StateDirectory(directory, time, logger), limits, memoryAlerts, counters, time, logger);
        try
        {
            lock (store._lock) store._disk!.Open();
            store.Announce(null, store._disk.Failure);
        }
        catch
        {
            store.Dispose();
            throw;
        }
        return store;
    }

    /// <summary>A store that is in memory on purpose (replay, tests): nothing survives it, and that is no failure.</summary>
    public static StateStore InMemory(OutboxLimits limits, Counters counters, TimeProvider time, ILogger logger)
    {
        RequireSqlite();
        return new StateStore(null, limits, limits.Alerts, counters, time, logger);
    }

    /// <summary>What the last checkpoint said; <see cref="Checkpoint.Empty"/> at a first start.</summary>
    public Checkpoint Restore()
    {
        lock (_lock)
        {
            Checkpoint restored = Checkpoint.Empty;
            if (_disk is null) restored = CheckpointTables.Read(_memory);
            else if (!_disk.Read(() => restored = CheckpointTables.Read(_disk.Database!))) restored = _disk.ReadOnlyCheckpoint() ?? restored;
            return restored;
        }
    }

    /// <summary>Writes positions and snapshots, all or nothing, after every alert that is held in memory.</summary>
    /// <returns>Null where it is on disk; after a failure the next one must have every page.</returns>
    public StoreFailure? Commit(Checkpoint checkpoint)
    {
        bool complete = true;
        StoreFailure? failure = Changing(() =>
        {
            bool written = Stored((database, outbox) =>
            {
                if (!(complete = !_checkpoints.LacksPages(database, checkpoint))) return;
                InTransaction(database, outbox, () =>
                {
                    CheckpointTables.Write(database, checkpoint);
                    outbox.AtCheckpoint();
                });
                TrimIfDue(database, outbox);
            });
            _checkpoints.Note(checkpoint, written && complete);
            if (written && complete) _disk?.CopyPositions(checkpoint);
        });
        return failure ?? (complete ? null : Incomplete);
    }

    /// <summary>Puts alerts into the outbox, all or none, before anyone is told. An id that is there already is passed over.</summary>
    public AddResult AddAlerts(IReadOnlyList<StoredAlert> alerts)
    {
        List<string> added = [];
        Dictionary<RuleLevel, int> evicted = [];
        StoreFailure? failure = Changing(() =>
        {
            bool written = Stored((database, outbox) =>
            {
                evicted.Clear();
                InTransaction(database, outbox, () => Add(outbox, alerts));
            });
            if (!written)
            {
                evicted.Clear();
                StoredAlert[] unknown = [.. alerts.Where(a => !IsOnDisk(a.AlertId))];
                _memory.InTransaction(() => Add(_waiting, unknown));
            }
        });
        // Outside the lock: what is counted is said at times, and whoever says it may take a while.
        foreach ((RuleLevel level, int count) in evicted) _evictedByLevel[(int)level].Add(count);
        Interlocked.Add(ref _evicted, evicted.Values.Sum());
        return new AddResult(added, failure, evicted.Values.Sum());

        void Add(Outbox outbox, IReadOnlyList<StoredAlert> some)
        {
            added.Clear();
            foreach (StoredAlert alert in some)
            {
                added.AddRange(outbox.Add([alert]));
                // After each, so that one call with many leaves no more behind in the file than many calls.
                outbox.Shrink(RemovedWithOne, evicted);
            }
        }
    }

    /// <summary>
    /// Completes when more alerts may come: at once, unless so many wait for the journal that it must take some first. What waits here makes the input
    /// wait, and the log is what holds what comes meanwhile.
    /// </summary>
    public Task WhenThereIsRoom
    {
        get
        {
            lock (_lock) return _room?.Task ?? Task.CompletedTask;
        }
    }

    /// <summary>Gives an alert that is in the outbox another JSON, such as one with its final count; whoever was told is not told again.</summary>
    public void ReplaceAlert(string alertId, byte[] json) => ReplaceAlerts([(alertId, json)]);

    /// <summary>As <see cref="ReplaceAlert"/>, of many in one commit.</summary>
    public void ReplaceAlerts(IReadOnlyList<(string AlertId, byte[] Json)> alerts) => Changing(() =>
    {
        if (_disk is not null && _waiting.Count > 0) _memory.InTransaction(() => Replace(_waiting));
        Stored((database, outbox) => InTransaction(database, outbox, () => Replace(outbox)));

        void Replace(Outbox outbox)
        {
            foreach ((string alertId, byte[] json) in alerts) outbox.Replace(alertId, json);
        }
    });

    /// <summary>What a sink is to be told now: critical alerts first, then in the order they came.</summary>
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
            if (_disk is not null)
            {
                // What could not be marked is still pending on disk, so that many more are read.
                int unwritten = _unwritten.Count == 0 ? 0 : _unwritten.Keys.Count(k => k.Sink == sink);
                _disk.Read(() => due = _disk.Outbox!.Due(sink, now, limit + unwritten, longest));
                if (unwritten > 0) due.RemoveAll(d => _unwritten.TryGetValue((sink, d.AlertId), out DeliveryMark? mark) && (mark.State != DeliveryState.Pending || (mark.NextTry > now && mark.NextTry <= now + longest)));
            }
            if (_waiting.Count > 0)
            {
                due.AddRange(_waiting.Due(sink, now, limit, longest));
                due = [.. due.OrderBy(d => (int)d.Level < Outbox.Urgent)];
            }
            return due.Count > limit ? due.GetRange(0, limit) : due;
        }
    }

    /// <summary>When a sink has something to be told next; null where nothing waits for it. May be in the past.</summary>
    public DateTimeOffset? NextTry(string sink)
    {
        lock (_lock)
        {
            DateTimeOffset? first = _waiting.NextTry(sink);
            if (_disk is not null)
            {
                DateTimeOffset? onDisk = null;
                _disk.Read(() => onDisk = _disk.Outbox!.NextTry(sink));
                if (onDisk is { } time && !(time >= first)) first = time;
            }
            return first;
        }
    }

    /// <summary>Notes what came of telling alerts to a sink. What cannot be written is remembered and written later.</summary>
    public void Mark(string sink, IReadOnlyList<DeliveryMark> marks) => Changing(() =>
    {
        if (_disk is null || _waiting.Count > 0) _memory.InTransaction(() => _waiting.Mark(sink, marks));
        if (_disk is null) return;
        foreach (DeliveryMark mark in marks) if (!_waiting.Contains(mark.AlertId)) _unwritten[(sink, mark.AlertId)] = mark;
        Stored((database, outbox) => InTransaction(database, outbox, static () => { }));
    });

    /// <summary>Notes that a sink was told.</summary>
    public void MarkTold(string sink, string alertId) => Mark(sink, [new DeliveryMark(alertId, DeliveryState.Told)]);

    /// <summary>Notes that telling a sink failed, and when it is tried again.</summary>
    public void MarkFailed(string sink, string alertId, string reason, DateTimeOffset nextTry) => Mark(sink, [new DeliveryMark(alertId, DeliveryState.Pending, nextTry, reason)]);

    /// <summary>Notes that telling a sink is given up, and why.</summary>
    public void MarkDead(string sink, string alertId, string reason) => Mark(sink, [new DeliveryMark(alertId, DeliveryState.Dead, Reason: reason)]);

    /// <summary>Gives up what a sink was not told of the alerts that have waited for so long while the daemon ran; no clock that is set ages them.</summary>
    /// <returns>How many.</returns>
    public int GiveUp(string sink, TimeSpan olderThan, string reason)
    {
        int count = 0;
        Changing(() =>
        {
            if (_disk is not null && _waiting.Count > 0) count += _waiting.GiveUp(sink, olderThan, reason);
            Stored((database, outbox) =>
            {
                int given = 0;
                InTransaction(database, outbox, () => given = outbox.GiveUp(sink, olderThan, reason));
                count += given;
            });
        });
        return count;
    }

    /// <summary>Says who is told from now on. What waits for others is kept as long as alerts are, and is told if they come back.</summary>
    public void UseSinks(IReadOnlyCollection<string> sinks)
    {
        lock (_lock) (_sinks, _trimsAgain) = (sinks, true);
    }

    /// <summary>The newest deliveries that were given up.</summary>
    public IReadOnlyList<DeadLetter> DeadLetters(int limit)
    {
        lock (_lock)
        {
            List<DeadLetter> dead = _waiting.DeadLetters(limit);
            _disk?.Read(() => dead.AddRange(_disk.Outbox!.DeadLetters(limit)));
            return dead.Count > limit ? dead.GetRange(0, limit) : dead;
        }
    }

    /// <summary>How the store is.</summary>
    public StoreStatus Status()
    {
        lock (_lock)
        {
            Dictionary<string, long> pending = _waiting.CountBySink(DeliveryState.Pending), dead = _waiting.CountBySink(DeliveryState.Dead);
            _disk?.Read(() =>
            {
                foreach ((string sink, long count) in _disk.Outbox!.CountBySink(DeliveryState.Pending)) pending[sink] = pending.GetValueOrDefault(sink) + count;
                foreach ((string sink, long count) in _disk.Outbox!.CountBySink(DeliveryState.Dead)) dead[sink] = dead.GetValueOrDefault(sink) + count;
            });
            return new StoreStatus(_disk?.Failure, _disk is null ? 0 : _waiting.Count, Interlocked.Read(ref _evicted), pending, dead);
        }
    }

    /// <summary>Writes what is held in memory, if the disk allows it now.</summary>
    public void TryFlush() => Changing(() =>
    {
        if (_disk is null || _disposed) return;
        _disk.TryAtOnce();
        Stored((database, outbox) => InTransaction(database, outbox, static () => { }));
    });

    /// <summary>Writes what can be written and closes.</summary>
    public void Dispose()
    {
        if (_disk?.Failure is not null) TryFlush();
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            _room?.TrySetResult();
            if (_waiting.Count > 0 && _disk is not null) LogLeftInMemory(_waiting.Count);
            _disk?.Dispose();
            _memory.Dispose();
        }
    }

    static void RequireSqlite()
    {
        if (SqliteLibrary.Problem is { } problem) throw new DllNotFoundException(problem + ".");
    }

    /// <summary>Does something under the lock that may change how the disk is, or whether there is room.</summary>
    /// <returns>How the disk is after it.</returns>
    StoreFailure? Changing(Action action)
    {
        StoreFailure? before, after;
        TaskCompletionSource? room = null;
        lock (_lock)
        {
            before = _disk?.Failure;
            action();
            after = _disk?.Failure;
            if (!_disposed) room = NoteRoom();
        }
        room?.TrySetResult();
        Announce(before, after);
        return after;
    }

    TaskCompletionSource? NoteRoom()
    {
        // While the disk fails, what the journal has taken cannot be noted there, and new alerts are not put there.
        bool full = _waiting.IsFull;
        if (!full && _disk is { Failure: null, Outbox: not null }) _disk.Read(() => full = _disk.Outbox!.IsFull);
        if (full)
        {
            _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return null;
        }
        TaskCompletionSource? room = _room;
        _room = null;
        return room;
    }

    /// <summary>Works on the database on disk, or on that in memory where it is there on purpose.</summary>
    /// <returns>True where that worked, which also ends a failure.</returns>
    bool Stored(Action<Database, Outbox> action)
    {
        if (_disk is null)
        {
            action(_memory, _waiting);
            return true;
        }
        if (!_disk.Write(() => action(_disk.Database!, _disk.Outbox!))) return false;
        if (_disk.Failure is not null && _waiting.Count == 0 && _unwritten.Count == 0) _disk.Recovered();
        return true;
    }

    /// <summary>One transaction, in which what was held in memory is written first.</summary>
    void InTransaction(Database database, Outbox outbox, Action action)
    {
        bool isDisk = _disk is not null;
        database.InTransaction(() =>
        {
            if (isDisk && _waiting.Count > 0) outbox.TakeFrom(_memory);
            if (isDisk && _unwritten.Count > 0)
            {
                foreach (IGrouping<string, KeyValuePair<(string Sink, string AlertId), DeliveryMark>> marks in _unwritten.GroupBy(u => u.Key.Sink)) outbox.Mark(marks.Key, marks.Select(m => m.Value));
            }
            action();
        });
        // Committed: now it may be forgotten here.
        _unwritten.Clear();
        if (isDisk && _waiting.Count > 0) _waiting.Clear();
    }

    /// <summary>Reading may work where writing does not.</summary>
    bool IsOnDisk(string alertId)
    {
        try
        {
            return _disk?.Outbox?.Contains(alertId) == true;
        }
        catch (DatabaseException)
        {
            return false;
        }
    }

    void TrimIfDue(Database database, Outbox outbox)
    {
        if (!_trimsAgain && _time.GetElapsedTime(_trimmedAt) < TrimEvery) return;
        _trimmedAt = _time.GetTimestamp();
        int given = 0;
        database.InTransaction(() =>
        {
            if (_sinks is not null) given = outbox.GiveUpAllBut(_sinks);
            _trimsAgain = outbox.RemoveOld(_time.GetUtcNow());
        });
        if (given > 0) LogNoLongerConfigured(given);
    }

    void Announce(StoreFailure? before, StoreFailure? after)
    {
        if (before?.Trouble == after?.Trouble) return;
        if (after is null) LogWorksAgain(_disk!.Path);
        else LogFails(after.Message);
        FailureChanged?.Invoke(after);
    }

    [LoggerMessage(4001, LogLevel.Error, "State cannot be written: {Reason}. Alerts are told all the same; the position stands still until it can be.")]
    partial void LogFails(string reason);

    [LoggerMessage(4002, LogLevel.Information, "State in {Directory} can be written again.")]
    partial void LogWorksAgain(string directory);

    [LoggerMessage(4003, LogLevel.Warning, "{Count} deliveries have waited for webhooks that are not configured for as long as alerts are kept (state.keep_alerts), and are given up.")]
    partial void LogNoLongerConfigured(int count);

    [LoggerMessage(4005, LogLevel.Error, "{Count} alerts could not be written before the end. They are raised again from the last saved position.")]
    partial void LogLeftInMemory(int count);
}
