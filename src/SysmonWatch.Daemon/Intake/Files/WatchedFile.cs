using Microsoft.Win32.SafeHandles;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>
/// A watched path: the file that is there now, and those that were there before it and are not read to their end yet.
/// </summary>
/// <remarks>
/// The file system is asked at every step, so it does not matter which notifications came or were lost: <see cref="PathLook"/> says what is there, this acts
/// on it. Every step leaves a state that can be saved: a file's offset is the beginning of the first record not given out. Used by one thread.
/// </remarks>
sealed class WatchedFile : IDisposable
{
    /// <summary>
    /// How long a renamed file is kept open after another came and it last grew: its writer may not have been told yet, or be in the middle of a line.
    /// rsyslog reopens within a second; fluent-bit waits 5 seconds, Vector for ever.
    /// </summary>
    public static readonly TimeSpan Linger = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a file that a glob matched and that is not at its path any more is kept after it last grew: whoever deletes a log may still be writing to it.
    /// A file that the configuration names is kept until another is in its place.
    /// </summary>
    public static readonly TimeSpan Forgetting = TimeSpan.FromHours(1);

    /// <summary>The trouble of a file that is open and cannot be read.</summary>
    const string Failing = "failing";

    readonly FileFollower _owner;
    readonly TimeProvider _time;
    readonly Action<IntakeNotice> _report;
    readonly FileHistory _history = new();
    readonly RenamedFileSearch _renamed;
    readonly UnseenFileSearch _unseen;
    readonly TroubleReport _trouble;
    StartAt? _startAt;
    long _lookedAt;
    bool _restored;
    bool _isMissing;
    FileFacts? _unreadableAtStart;

    /// <summary>A path that no position is saved for.</summary>
    /// <param name="path">The path.</param>
    /// <param name="startAt">Where to start if the file is there at the first step; null from its beginning.</param>
    /// <param name="owner">Whose path it is.</param>
    /// <param name="time">The clock.</param>
    /// <param name="report">Takes what an operator should know.</param>
    public WatchedFile(string path, StartAt? startAt, FileFollower owner, TimeProvider time, Action<IntakeNotice> report)
    {
        Path = path;
        _startAt = startAt;
        _owner = owner;
        _time = time;
        _report = report;
        _renamed = new RenamedFileSearch(path, _history, owner, time);
        _unseen = new UnseenFileSearch(this, _history, owner, time, report);
        _trouble = new TroubleReport(time, report);
        _lookedAt = Now();
    }

    /// <summary>A path that a position is saved for.</summary>
    public WatchedFile(SavedFile saved, FileFollower owner, TimeProvider time, Action<IntakeNotice> report)
        : this(saved.Path, null, owner, time, report)
    {
        _lookedAt = saved.LookedAt;
        _history.Restore(saved, time.GetTimestamp());
        _restored = true;
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>True where a file is there and can be read.</summary>
    public bool IsFollowed => _history.Live is not null;

    /// <summary>What is wrong with it, in a word; empty where nothing is.</summary>
    public string Trouble => _trouble.Current;

    /// <summary>Bytes that are there and not read.</summary>
    public long Behind => _history.Files.Sum(file => file.Behind);

    /// <summary>True while a line waits for <see cref="LogFile.Settle"/>.</summary>
    public bool HasUnsettledLines => _history.Files.Exists(file => file.HasUnsettledLines);

    /// <summary>
    /// True unless the file at the path is all there is of it: one that has been renamed may still be written to, and no look at the path shows that.
    /// </summary>
    public bool IsRestless => _trouble.IsOpen || _history.Live is null || _history.Files.Count > 1 || _isMissing;

    /// <summary>The files that may grow.</summary>
    public IEnumerable<SafeFileHandle> Growing => _history.Growing;

    /// <summary>True where nothing is left of it: no file at the path, none that is open.</summary>
    public bool IsGone => _history.Live is null && _history.Files.Count == 0;

    /// <summary>Looks at the path, then gives out the next piece.</summary>
    /// <param name="batch">Gets the records; empty before.</param>
    /// <param name="thorough">True to look for everything anew: names in the directory changed, or it is time to poll.</param>
    /// <returns>False where nothing is left to read now.</returns>
    public bool Step(RecordBatch batch, bool thorough)
    {
        Look(batch, thorough);
        for (int i = 0; i < _history.Files.Count;)
        {
            LogFile file = _history.Files[i];
            if (file.Content is null)
            {
                i++;
                continue;
            }
            ReadOutcome outcome = file.Read(batch, _time);
            if (outcome == ReadOutcome.Progress)
            {
                _owner.Moved();
                if (Trouble == Failing && file == _history.Live) ReportFollowing(file);
                if (batch.Records.Count > 0) return true;
            }
            else if (outcome == ReadOutcome.Failed)
            {
                Fail(file);
                if (_history.Files.Contains(file)) i++;
            }
            else if (Handle(file, outcome))
            {
                // There may be others before it now.
                i = 0;
            }
            else if (!IsLeftAlone(file) && !_history.IsDone(i, _time))
            {
                i++;
            }
            else
            {
                Release(file, batch);
                if (batch.Records.Count > 0) return true;
            }
        }
        return false;
    }

    /// <summary>True where that file is one of this path's, open now.</summary>
    public bool Holds(in FileFacts facts) => _history.Holds(facts);

    /// <summary>A file that was read and released, if that is it.</summary>
    public SavedLogFile? FindFinished(LogContent content, FileFacts facts) => _history.FindFinished(content, facts);

    /// <summary>What has to be saved.</summary>
    public SavedFile Save() => _history.Save(Path, _lookedAt);

    /// <inheritdoc/>
    public void Dispose() => _history.Dispose();

    void Look(RecordBatch batch, bool thorough)
    {
        long now = Now();
        PathLook look = PathLook.At(Path, _history.Live, _owner, this);
        _isMissing = look.What == AtPath.Nothing;
        if (!look.IsDenied) _trouble.NotDenied();
        switch (look.What)
        {
            case AtPath.Same:
                if (thorough && _history.HasUnfound) Reconcile(null, default);
                break;
            case AtPath.Nothing:
                ActOnNothing(now, thorough);
                break;
            case AtPath.NoFile:
                _trouble.Report("unreadable", new IntakeNotice.Unreadable(Path, "it is not a regular file", "name a file that a syslog daemon writes"));
                break;
            case AtPath.WatchedElsewhere:
                _trouble.Report("the same file as another", new IntakeNotice.SameFile(Path, look.Elsewhere));
                break;
            case AtPath.Unreadable:
                ActOnUnreadable(look);
                break;
            default:
                ActOnAnother(look, now, batch);
                break;
        }
    }

    void ActOnNothing(long now, bool thorough)
    {
        _startAt = null;
        _unreadableAtStart = null;
        // Renamed, and nothing in its place yet: what is open is read on. After a start, look where it went.
        if (_restored || (thorough && _history.HasUnfound)) Reconcile(null, default);
        // Another one may have come and gone since it was last looked for.
        else if (thorough && _history.Files.LastOrDefault() is var last && _unseen.Add(last, last?.Facts.ModifiedAt ?? _lookedAt, before: null) > 0) _owner.Moved(filesChanged: true);
        foreach (LogFile unfound in _history.Files.FindAll(file => file.Content is null && IsLeftAlone(file))) GiveUp(unfound);
        if (_history.Files.Count > 0) return;
        // Only now: what was written before and renamed has been found by the time it was looked for before.
        _lookedAt = now;
        _trouble.Report("missing", new IntakeNotice.Missing(Path));
    }

    void ActOnUnreadable(in PathLook look)
    {
        // A file that has just come may have been made and not been given its mode yet; one that was there at the start has its mode.
        bool isNew = _startAt is null && !_restored;
        if (_startAt is { } start && start.Back == TimeSpan.Zero && look.Facts.Inode != 0)
        {
            // Its end is where it ends now, not where it will end when it may be read.
            _unreadableAtStart = look.Facts;
            _startAt = null;
        }
        if (look.IsDenied && isNew && !_trouble.DeniedForLong()) return;
        _trouble.Report("unreadable", new IntakeNotice.Unreadable(Path, FileCalls.Explain(look.Error), FileAdvice.For(look.Facts)));
    }

    void ActOnAnother(in PathLook look, long now, RecordBatch batch)
    {
        if (_startAt is { } startAt && startAt.Back != TimeSpan.MaxValue && startAt.Back != TimeSpan.Zero)
        {
            // As if it had been missing then: what was written to since is read.
            _lookedAt = now - (long)(startAt.Back.TotalMilliseconds * 1_000_000);
            _startAt = null;
            if (look.Facts.ModifiedAt < _lookedAt) _startAt = StartAt.End;
        }
        // The one before may have been cut, and moved then: first things first.
        if (_history.Live is { Content: not null } before) Handle(before, before.Check(batch, _time));
        Reconcile(look.Content, look.Facts);
    }

    bool Handle(LogFile file, ReadOutcome outcome)
    {
        if (outcome == ReadOutcome.Truncated) Restart(file);
        else if (outcome == ReadOutcome.Unproven) Accept(file);
        else if (outcome == ReadOutcome.Failed) Fail(file);
        else return false;
        return true;
    }

    /// <summary>
    /// Brings the history up to date: finds again what was saved, adds what came and went unseen, and at last the file that is at the path now.
    /// </summary>
    /// <param name="live">The file at the path if it is another one than before; null where it is the same or there is none.</param>
    /// <param name="facts">What is known of it.</param>
    void Reconcile(LogContent? live, FileFacts facts)
    {
        bool isFirst = _restored;
        _restored = false;
        if (live is not null) _owner.Moved(filesChanged: true);
        if (live is not null && _history.Files.Count == 0 && _startAt is { } startAt)
        {
            Begin(live, facts, startAt);
            return;
        }
        bool followed = _history.Files.Count > 0;
        LogFile? newest = _history.Files.LastOrDefault();
        long floor = newest?.Facts.ModifiedAt ?? _lookedAt;
        LogFile? found = live is null ? null : _renamed.FindBack(live, facts);
        bool isNew = live is not null && found is null;
        if (live is not null)
        {
            // In the history from now on: it may be renamed while those that came before it are looked for.
            found ??= _renamed.Resume(live, facts);
            _history.Files.Remove(found);
            _history.Files.Add(found);
        }
        List<LogFile> searched = _history.Files.FindAll(file => file.Content is null), lost = _renamed.FindAgain(searched);
        // While nothing is at the path a rotation may be going on.
        foreach (LogFile wanted in (live ?? _history.Live?.Content) is null ? [] : lost)
        {
            // What was empty has nothing to be known by: filled and compressed since, it is one of the unknown.
            int instead = wanted.Head.Length == 0 ? _unseen.Add(null, wanted.Facts.ModifiedAt, wanted) : 0;
            if (instead == 0) GiveUp(wanted);
            else Finish(wanted);
        }
        if (found is null)
        {
            // As above: what was empty is among the unknown, which come before what came after it.
            int added = lost.Where(file => file.Head.Length == 0).Sum(wanted => _unseen.Add(null, wanted.Facts.ModifiedAt, wanted));
            added += _unseen.Add(newest, floor, before: null);
            // What is looked for in vain at every poll is no reason to save.
            if (isFirst || added > 0 || lost.Count < searched.Count) _owner.Moved(filesChanged: true);
            return;
        }

        // Where it is the newest that was known, nothing can have come between.
        int between = found != newest ? _unseen.Add(newest, floor, before: found) : 0;
        if (_unreadableAtStart is { } then)
        {
            // It may have been renamed since.
            foreach (LogFile old in _history.Files.Where(file => file.Content is not null && file.Facts.SameFileAs(then) && file.Facts.Size >= then.Size)) old.StartAtEnd(then.Size);
        }
        if (isNew && followed) _report(new IntakeNotice.Rotated(Path, between));
        Follow(found);
    }

    /// <summary>The first time: what lies beside the file was written before, and is not to be read when it is met again.</summary>
    void Begin(LogContent live, in FileFacts facts, StartAt startAt)
    {
        var file = new LogFile(live, facts);
        List<RotatedFile> rotated = RotatedFiles.Of(_owner.Files, Path);
        int place = rotated.FindIndex(f => f.Facts.SameFileAs(file.Facts));
        if (place >= 0) rotated.RemoveRange(place, rotated.Count - place);
        foreach (RotatedFile beside in rotated.TakeLast(FileHistory.MostFinished))
        {
            if (!RotatedNames.IsReadable(beside.Path) || _owner.Files.Open(beside.Path, out LogContent? content, out FileFacts known) != 0) continue;
            using var old = new LogFile(content!, known);
            if (!known.SameFileAs(beside.Facts) || file.BeginsLike(content!) || file.MayBeCopiedBy(content!, known)) break;
            if (!old.IsFinal) old.StartAtEnd();
            _history.RememberFinished(old);
        }
        if (startAt.Back == TimeSpan.Zero) file.StartAtEnd();
        _history.Files.Add(file);
        Follow(file);
    }

    /// <summary>A file is the one at the path from now on.</summary>
    void Follow(LogFile file)
    {
        if (_history.Live is { } before) before.QuietSince = _time.GetTimestamp();
        file.QuietSince = _time.GetTimestamp();
        _history.Live = file;
        _unreadableAtStart = null;
        _startAt = null;
        ReportFollowing(file);
    }

    /// <summary>The file was cut: goes on at its beginning, after what is left of the old content in a copy.</summary>
    void Restart(LogFile file)
    {
        long readTo = file.Offset;
        bool found = false;
        if (file == _history.Live)
        {
            LogContent content = file.Detach()!;
            content.Look(out FileFacts facts);
            var anew = new LogFile(content, facts) { QuietSince = _time.GetTimestamp() };
            _history.Live = anew;
            _history.Files.Insert(_history.Files.IndexOf(file) + 1, anew);
            long floor = file.Facts.ModifiedAt;
            // Its copy may be in the history already, met when it was made.
            foreach (LogFile copy in _history.Files.FindAll(f => f.Head.Length == 0 && f != anew && IsCopyOfAnother(f))) Drop(copy);
            found = _renamed.FindAgain([file]).Count == 0;
            _unseen.Add(file, floor, anew);
        }
        if (!found) Finish(file);
        _report(new IntakeNotice.Truncated(Path, readTo, found));
        _owner.Moved(filesChanged: true);
    }

    /// <summary>A file that was empty has content: a copy of what it had in between may lie beside it.</summary>
    void Accept(LogFile file)
    {
        if (file != _history.Live && IsCopyOfAnother(file))
        {
            Drop(file);
            return;
        }
        long floor = file.Facts.ModifiedAt;
        file.Accept();
        _unseen.Add(null, floor, file);
        _owner.Moved(filesChanged: true);
    }

    /// <summary>
    /// True where a file that was empty when it was met is a copy of one that is known: logrotate had made it, and not yet copied anything into it.
    /// </summary>
    bool IsCopyOfAnother(LogFile copy)
    {
        if (copy.Content is not { } content || content.Look(out FileFacts facts) != 0) return false;
        return _history.Files.Exists(file => file != copy && (file.BeginsLike(content) || file.MayBeCopiedBy(content, facts)))
            || (_owner.FindFinished(content, facts) is { } known && facts.Size <= known.Offset);
    }

    void Drop(LogFile copy)
    {
        _history.Files.Remove(copy);
        copy.Dispose();
        _owner.Moved(filesChanged: true);
    }

    void Fail(LogFile file)
    {
        _trouble.Report(Failing, new IntakeNotice.Unreadable(Path, FileCalls.Explain(file.Error), "check the disk or the network file system; it is tried again"));
        if (file.Error != FileCalls.ESTALE) return;
        file.Dispose();
        if (file == _history.Live) _history.Live = null;
        _restored = true;
        _owner.Moved(filesChanged: true);
    }

    /// <summary>True where nothing is at the path and nobody has named it, and the file has not grown for long.</summary>
    bool IsLeftAlone(LogFile file) => _isMissing && !_owner.IsNamed(Path) && _time.GetElapsedTime(file.QuietSince) >= Forgetting;

    /// <summary>Takes a last line that nobody will complete any more, then closes the file.</summary>
    void Release(LogFile file, RecordBatch batch)
    {
        bool more = file.Behind > 0 && file.Read(batch, _time, ended: true) == ReadOutcome.Progress;
        if (more && file.Behind > 0) return;
        if (file.Content is { IsDamaged: true } damaged) _report(new IntakeNotice.Lost(damaged.Path, file.Offset, "the compressed file is damaged or cut off; what it had after that is lost"));
        Finish(file);
    }

    /// <summary>Closes a file that could not be found again.</summary>
    void GiveUp(LogFile file)
    {
        if (!file.WasDrained)
        {
            _report(new IntakeNotice.Lost(Path, file.Offset, "the file that was read before is gone, and no rotated copy of it is there; what was written to it after that is lost, if anything was"));
        }
        Finish(file);
    }

    void Finish(LogFile file)
    {
        _history.Finish(file);
        if (_history.Files.Count == 0) _lookedAt = file.Facts.ModifiedAt;
        _owner.Moved(filesChanged: true);
    }

    void ReportFollowing(LogFile file) => _trouble.Report("", new IntakeNotice.Following(Path, file.Offset));

    /// <summary>The time, nanoseconds since 1970, as files have it.</summary>
    internal long Now() => (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
}
