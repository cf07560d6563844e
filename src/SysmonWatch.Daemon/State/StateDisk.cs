using Microsoft.Extensions.Logging;

namespace SysmonWatch.Daemon.State;

/// <summary>
/// The database on disk and how it is: opened when it is needed, left alone for a while when it fails, begun anew when it is damaged or gone. No
/// failure of the disk comes out as an exception. Not thread-safe: <see cref="StateStore"/> holds the lock.
/// </summary>
sealed partial class StateDisk : IDisposable
{
    // How long a failing disk is left alone, so that a database held by another process does not delay every alert.
    static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(5);

    readonly StateDirectory _directory;
    readonly OutboxLimits _limits;
    readonly TimeProvider _time;
    readonly ILogger _logger;
    readonly ITimer _retry;
    Dictionary<string, byte[]> _positions = [];
    long _failedAt;
    bool _positionsFail;

    /// <param name="directory">Where it is.</param>
    /// <param name="limits">Bounds of its outbox.</param>
    /// <param name="retry">Called every few seconds while it fails, and only then.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told what happened to the file.</param>
    public StateDisk(StateDirectory directory, OutboxLimits limits, Action retry, TimeProvider time, ILogger logger)
    {
        (_directory, _limits, _time, _logger) = (directory, limits, time, logger);
        _retry = time.CreateTimer(_ => retry(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The database; null where it is not open. Within <see cref="Write"/> and <see cref="Read"/> it is.</summary>
    public Database? Database { get; private set; }

    /// <summary>The outbox in it.</summary>
    public Outbox? Outbox { get; private set; }

    /// <summary>Why it cannot be written; null where it can.</summary>
    public StoreFailure? Failure { get; private set; }

    /// <summary>The directory.</summary>
    public string Path => _directory.Path;

    /// <summary>Opens it; a failure is one like any other.</summary>
    /// <exception cref="StateDirectoryInUseException">Another sysmonwatch uses it.</exception>
    public void Open() => Do(static () => { }, isStart: true);

    /// <summary>Writes, unless it has just failed.</summary>
    /// <returns>True where that worked.</returns>
    public bool Write(Action action) => !MustWait && Do(action);

    /// <summary>Reads; that works also where it is full or read-only.</summary>
    public bool Read(Action action) => (Failure?.Trouble is StoreTrouble.Full or StoreTrouble.ReadOnly && Database is not null || !MustWait) && Do(action);

    /// <summary>All that was held back is written: the failure is over.</summary>
    public void Recovered()
    {
        Failure = null;
        _retry.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The next write is tried, however short ago it failed.</summary>
    public void TryAtOnce() => _failedAt = 0;

    /// <summary>What a database says that can be read only; null where there is none.</summary>
    public Checkpoint? ReadOnlyCheckpoint() => _directory.ReadOnlyCheckpoint();

    /// <summary>Copies the positions of a checkpoint that was written.</summary>
    public void CopyPositions(Checkpoint checkpoint)
    {
        foreach ((string source, byte[] position) in checkpoint.Positions) _positions[source] = position;
        foreach (string source in checkpoint.Forgotten) _positions.Remove(source);
        CopyPositions();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _retry.Dispose();
        Database?.Dispose();
        _directory.Dispose();
    }

    bool MustWait => Failure is not null && _failedAt != 0 && _time.GetElapsedTime(_failedAt) < RetryEvery;

    bool Do(Action action, bool isStart = false)
    {
        try
        {
            if (Database is null) OpenDatabase();
            else if (!_directory.IsInPlace) BeginAnew();
            action();
            return true;
        }
        catch (DatabaseException e)
        {
            Fails(StoreFailure.Of(e, Path));
        }
        catch (StateDirectoryInUseException e) when (!isStart)
        {
            Fails(new StoreFailure(StoreTrouble.Locked, e.Message.TrimEnd('.')));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fails(new StoreFailure(StoreTrouble.Inaccessible, $"{Path} cannot be used ({e.Message.TrimEnd('.')}); it must exist and belong to the service's user"));
        }
        return false;
    }

    void OpenDatabase()
    {
        Database database = _directory.Open(out bool isNew);
        try
        {
            var outbox = new Outbox(database, _limits, _time);
            if (isNew) TakeOver(database, outbox);
            (Database, Outbox) = (database, outbox);
        }
        finally
        {
            if (!ReferenceEquals(Database, database)) database.Dispose();
        }
        _positions = CheckpointTables.Positions(Database);
        CopyPositions();
    }

    /// <summary>Takes over the positions, and what can be read of the alerts of the database that was set aside.</summary>
    void TakeOver(Database database, Outbox outbox)
    {
        int alerts = 0;
        Database? old = _directory.Aside is { } aside ? Database.TryOpenToRead(aside) : null;
        try
        {
            database.InTransaction(() =>
            {
                CheckpointTables.Write(database, Checkpoint.Empty with { Positions = _directory.Positions.TryRead() ?? [] });
                if (old is not null) alerts = outbox.TakeFrom(old);
            });
        }
        finally
        {
            old?.Dispose();
        }
        if (_directory.Aside is not null) LogTakenOver(alerts, _directory.Aside);
        _directory.Aside = null;
    }

    /// <summary>Somebody has taken the file away under us. What the old one still says, as it is open, goes into a new one.</summary>
    void BeginAnew()
    {
        Database old = Database!;
        _directory.SetAside("replaced");
        _directory.Aside = null;
        Database database = _directory.Open(out _);
        int alerts = 0;
        try
        {
            var outbox = new Outbox(database, _limits, _time);
            database.InTransaction(() =>
            {
                CheckpointTables.Write(database, CheckpointTables.TryRead(old) ?? Checkpoint.Empty with { Positions = _positions });
                alerts = outbox.TakeFrom(old);
            });
            (Database, Outbox) = (database, outbox);
        }
        finally
        {
            if (!ReferenceEquals(Database, database)) database.Dispose();
        }
        old.Dispose();
        LogBegunAnew(Path, alerts);
    }

    void Fails(StoreFailure failure)
    {
        if (failure.Trouble == StoreTrouble.Damaged && Database is not null)
        {
            // Found while running: the next try begins a new one, with what can be read of this one.
            Database.Dispose();
            (Database, Outbox) = (null, null);
            _directory.TrySetAside("damaged");
        }
        Failure = failure;
        _failedAt = _time.GetTimestamp();
        _retry.Change(RetryEvery, RetryEvery);
    }

    void CopyPositions()
    {
        try
        {
            _directory.Positions.Write(_positions);
            _positionsFail = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_positionsFail) LogNotCopied(_directory.Positions.Path, e.Message.TrimEnd('.'));
            _positionsFail = true;
        }
    }

    [LoggerMessage(4104, LogLevel.Warning, "{Alerts} alerts could be read from {Aside} and are in the new database; who was not told of them is told.")]
    partial void LogTakenOver(int alerts, string aside);

    [LoggerMessage(4105, LogLevel.Error, "The database in {Directory} was deleted, emptied or replaced while it was in use. A new one has what it still had in memory: {Alerts} alerts, and the positions.")]
    partial void LogBegunAnew(string directory, int alerts);

    [LoggerMessage(4106, LogLevel.Warning, "The copy of the positions, {File}, cannot be written ({Reason}): if the database is lost, so is the place in the input.")]
    partial void LogNotCopied(string file, string reason);
}
