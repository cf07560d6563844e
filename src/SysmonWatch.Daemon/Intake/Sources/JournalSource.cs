using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Intake.Journal;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Sources;

/// <summary>Reads Sysmon's entries, and journald's own about losses, from the journal.</summary>
sealed partial class JournalSource : SingleSource
{
    /// <summary>Its <see cref="Name"/>: the key of its position in the state.</summary>
    public const string Kind = "journal";

    /// <summary>And journald's own, of which "Suppressed N messages" says that Sysmon's were dropped.</summary>
    const string OfJournald = "_TRANSPORT=driver";

    readonly IJournalPlace _place;
    readonly StartAt _startAt;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly PollingFallback _pollingFallback = new();
    readonly IDisposable _polling;
    readonly JournalFields _fields = new();
    IJournal? _journal;
    volatile WaitingThread? _thread;
    JournalPosition? _position;
    string _trouble = "";
    bool _moved;
    int _descriptor = -1;
    long _lastTime;
    long _coveredSince;
    long _covers = long.MaxValue;
    long _drainedAt;

    /// <param name="startAt">Where to start without a saved position.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where operators are told.</param>
    /// <param name="counters">What is counted.</param>
    /// <param name="timer">Times the slow poll.</param>
    /// <param name="place">Where the journal is; null for this host's.</param>
    public JournalSource(StartAt startAt, TimeProvider time, ILogger log, IntakeCounters counters, SharedTimer timer, IJournalPlace? place = null)
    {
        _startAt = startAt;
        _time = time;
        _log = log;
        Counters = counters;
        _place = place ?? new SystemJournal();
        _polling = timer.Every(FileSource.PollInterval, () =>
        {
            // Only while it is waited for: whoever reads looks himself.
            lock (_pollingFallback)
            {
                if (_pollingFallback.HasChanged()) _thread?.Ring();
            }
        });
    }

    /// <inheritdoc/>
    public override string Name => Kind;

    /// <inheritdoc/>
    public override string Status => _trouble.Length == 0 ? "journal" : $"journal ({_trouble})";

    /// <summary>What is counted.</summary>
    public IntakeCounters Counters { get; }

    /// <summary>
    /// Since when every event of this host's Sysmon is read from the journal, microseconds since 1970; <see cref="long.MaxValue"/> while that is not
    /// so: it cannot be read, or no entry has been seen yet that Sysmon is proved to have written. From any thread.
    /// </summary>
    public long CoversSince => Interlocked.Read(ref _covers);

    /// <summary>When everything that was there had been read, by the monotonic clock; 0 where it never had. From any thread.</summary>
    public long DrainedAt => Interlocked.Read(ref _drainedAt);

    /// <inheritdoc/>
    public override void Restore(ReadOnlySpan<byte> position)
    {
        if (position.IsEmpty) return;
        _position = JournalPosition.From(position, out string reason);
        if (_position is null) LogPosition(reason);
        _coveredSince = _position?.CoveredSince ?? 0;
    }

    /// <inheritdoc/>
    public override byte[] Position()
    {
        if (_journal?.Cursor is { } cursor && cursor != _position?.Cursor) _position = new JournalPosition(JournalPosition.Current, cursor, _lastTime, _coveredSince);
        return _position?.ToBytes() ?? [];
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> ReadAsync(RecordBatch into, CancellationToken stop)
    {
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            if (_journal is null) await CloseAsync();
            into.Clear();
            bool covered = CoversSince != long.MaxValue;
            bool moved = (_journal is not null || Open()) && Fill(into);
            // Whoever relies on it is told at once, also where there is nothing to read.
            bool uncovered = covered && CoversSince == long.MaxValue;
            if (moved || uncovered)
            {
                Counters.Take(into);
                return true;
            }
            if (_journal is null) await CloseAsync();
            _thread ??= new WaitingThread("journal", _journal is null ? -1 : _descriptor, _ => _journal is null || _journal.Process() >= 0);
            _pollingFallback.IsRestless = _journal is null;
            await _thread.WaitAsync(Timeout.InfiniteTimeSpan, stop);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        _polling.Dispose();
        await CloseAsync();
    }

    async ValueTask CloseAsync()
    {
        WaitingThread? thread = _thread;
        // Nobody must ring it any more when it is gone.
        lock (_pollingFallback) _thread = null;
        if (thread is not null) await thread.DisposeAsync();
        _journal?.Dispose();
        _journal = null;
    }

    bool Open()
    {
        JournalAccess access = _place.Check();
        if (!access.IsReadable)
        {
            if (_trouble != access.Problem) LogUnreadable(access.Problem, access.Fix);
            if (_trouble != access.Problem) Counters.Count(new IntakeNotice.Unreadable("journal", access.Problem, access.Fix));
            _trouble = access.Problem;
            Cover();
            return false;
        }
        int result = _place.Open(out IJournal? journal);
        if (result >= 0) result = journal!.AddAlternative(JournalAccess.OfSysmon);
        if (result >= 0) result = journal!.AddAlternative(OfJournald);
        if (result >= 0) result = Seek(journal!);
        if (result < 0)
        {
            Fail(result);
            journal?.Dispose();
            return false;
        }
        // From here on additions ring, also those before the first wait.
        _descriptor = journal!.Descriptor;
        _journal = journal;
        _pollingFallback.Use(_place.Files);
        if (_trouble.Length > 0) LogReadable();
        _trouble = "";
        Cover();
        return true;
    }

    void Cover() => Interlocked.Exchange(ref _covers, _trouble.Length == 0 && _journal is not null && _coveredSince > 0 ? _coveredSince : long.MaxValue);

    int Seek(IJournal journal)
    {
        if (_position is { Cursor: { } cursor })
        {
            int result = journal.SeekCursor(cursor);
            // A cursor of a damaged state file: the time has to do.
            if (result < 0 && _position.Time > 0) result = journal.SeekTime(_position.Time);
            if (result < 0) return result;
            result = journal.Next();
            if (result <= 0 || journal.IsAt(cursor)) return Math.Min(0, result);
            // Another entry is the nearest: this one is gone, and who knows what was between. Step back, so that the nearest is read.
            Counters.Count(new IntakeNotice.Lost("journal", 0, "position gone"));
            LogPositionGone();
            _coveredSince = 0;
            result = journal.SeekCursor(cursor);
            if (result < 0 && _position.Time > 0) result = journal.SeekTime(_position.Time);
            return result;
        }
        if (_position is not null || _startAt.Back == TimeSpan.MaxValue) return journal.SeekHead();
        _moved = true;
        if (_startAt.Back > TimeSpan.Zero)
        {
            long from = Microseconds(_time.GetUtcNow() - _startAt.Back);
            return journal.SeekTime(from);
        }
        int last = journal.SeekTail();
        if (last >= 0) last = journal.Previous();
        if (last < 0) return last;
        if (last == 0)
        {
            // Nothing of Sysmon's yet: all that comes is new.
            _position = new JournalPosition(JournalPosition.Current, null, 0);
            return journal.SeekHead();
        }
        _lastTime = journal.Time();
        return journal.KeepCursor();
    }

    /// <summary>Reads entries until the batch is full or there are no more.</summary>
    bool Fill(RecordBatch into)
    {
        IJournal journal = _journal!;
        bool moved = _moved;
        _moved = false;
        while (into.Length < RecordBatch.Target)
        {
            int result = journal.Next();
            if (result == 0)
            {
                Interlocked.Exchange(ref _drainedAt, _time.GetTimestamp());
                break;
            }
            if (result < 0)
            {
                Fail(result);
                Reopen();
                break;
            }
            Take(journal, into);
            // Of each, not of a batch's last only: once Next() has failed, libsystemd may stand at an entry that was not given out, or nowhere. It
            // costs little beside reading the entry.
            journal.KeepCursor();
            moved = true;
        }
        return moved;
    }

    void Take(IJournal journal, RecordBatch into)
    {
        if (!_fields.TryRead(journal, into)) return;
        ReadOnlySpan<byte> message = into.Buffer.AsSpan(into.Length, _fields.MessageLength);
        long arrival = journal.Time();
        _lastTime = arrival;
        RecordOrigin origin;
        if (_fields.Transport.SequenceEqual("driver"u8))
        {
            if (!message.StartsWith("Suppressed "u8)) return;
            origin = RecordOrigin.JournalOfSysmon;
        }
        else
        {
            origin = JournalTrust.Judge(_fields.Transport, _fields.User, _fields.Executable, message);
            if (_coveredSince == 0 && origin == RecordOrigin.JournalOfSysmon)
            {
                _coveredSince = arrival;
                Cover();
            }
        }
        into.Records.Add(new LogRecord(new Detection.Events.Slice(into.Length, message.Length), origin, arrival));
        into.Length += message.Length;
    }

    void Fail(int result)
    {
        string problem = FileCalls.Explain(-result);
        if (_trouble != problem) LogFailed(problem);
        if (_trouble != problem) Counters.Count(new IntakeNotice.Unreadable("journal", problem, ""));
        _trouble = problem;
        Cover();
    }

    /// <summary>Starts anew from the last entry that could be read.</summary>
    void Reopen()
    {
        Position();
        _journal?.Dispose();
        _journal = null;
        Cover();
    }

    static long Microseconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / 10;

    [LoggerMessage(1101, LogLevel.Error, "The journal cannot be read: {Problem}. To fix it, {Fix}. It is tried again until then.")]
    partial void LogUnreadable(string problem, string fix);

    [LoggerMessage(1102, LogLevel.Information, "The journal can be read again.")]
    partial void LogReadable();

    [LoggerMessage(1103, LogLevel.Warning, "The journal entry that was read last is gone (vacuumed, or a journal that does not outlive a reboot). Reading goes on at the nearest one after it; what was between is lost, if anything was.")]
    partial void LogPositionGone();

    [LoggerMessage(1104, LogLevel.Error, "Reading the journal failed: {Problem}. It is opened anew and read on from the last good entry; journalctl --verify says more.")]
    partial void LogFailed(string problem);

    [LoggerMessage(1105, LogLevel.Error, "The saved position in the journal cannot be used: {Reason}. Reading starts as it does the first time.")]
    partial void LogPosition(string reason);
}
