using Microsoft.Win32.SafeHandles;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>
/// One path of a log: the file that is there now, and those that were there before it and are not read to their end yet.
/// </summary>
/// <remarks>
/// The file system is asked at every step, so it does not matter which notifications came or were lost. Every step leaves a state that can be
/// saved: a generation's offset is the beginning of the first record not given out. Used by one thread.
/// </remarks>
sealed class FollowedPath : IDisposable
{
    /// <summary>
    /// How long a generation that another one has followed is kept open after it last grew: its writer may not have been told yet, or be in the
    /// middle of a line. rsyslog reopens within a second; fluent-bit waits 5 seconds, Vector for ever.
    /// </summary>
    public static readonly TimeSpan Linger = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a file that a glob matched and that is not at its path any more is kept after it last grew: who deletes a log may still be writing to it.
    /// A file that the configuration names is kept until another is in its place.
    /// </summary>
    public static readonly TimeSpan Forgetting = TimeSpan.FromHours(1);

    /// <summary>The most generations that linger; beyond, the oldest that is read to its end goes at once.</summary>
    const int MostLingering = 8;

    /// <summary>How many generations are remembered after they are let go.</summary>
    const int MostFinished = 16;

    /// <summary>Its state while a file that is open cannot be read.</summary>
    const string Failing = "failing";

    readonly FileFollower _owner;
    readonly TimeProvider _time;
    readonly Action<IntakeNotice> _say;
    readonly List<Generation> _line = [];
    readonly GenerationSearch _search;
    readonly List<SavedGeneration> _finished = [];
    StartAt? _startAt;
    Generation? _live;
    long _lookedAt;
    bool _restored;
    bool _isMissing;
    FileFacts? _unreadableAtStart;
    string _state = "";

    /// <summary>A path that no position is saved for.</summary>
    /// <param name="path">The path.</param>
    /// <param name="startAt">Where to start if the file is there at the first step; null from its beginning.</param>
    /// <param name="owner">Whose path it is.</param>
    /// <param name="time">The clock.</param>
    /// <param name="say">Takes what an operator should know.</param>
    public FollowedPath(string path, StartAt? startAt, FileFollower owner, TimeProvider time, Action<IntakeNotice> say)
    {
        Path = path;
        _startAt = startAt;
        _owner = owner;
        _time = time;
        _say = say;
        _search = new GenerationSearch(this, _line, owner, time, say);
        _lookedAt = Now();
    }

    /// <summary>A path that a position is saved for.</summary>
    public FollowedPath(SavedFile saved, FileFollower owner, TimeProvider time, Action<IntakeNotice> say)
        : this(saved.Path, null, owner, time, say)
    {
        _lookedAt = saved.LookedAt;
        _line.AddRange(saved.Generations.Select(g => new Generation(g) { QuietSince = time.GetTimestamp() }));
        _finished.AddRange(saved.Finished);
        _restored = true;
    }

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>True where a file is there and can be read.</summary>
    public bool IsFollowed => _live is not null;

    /// <summary>What is wrong with it, in a word; empty where nothing is.</summary>
    public string Trouble => _state;

    /// <summary>Bytes that are there and not read.</summary>
    public long Behind => _line.Sum(g => g.Behind);

    /// <summary>True while a line waits for <see cref="Generation.Settle"/>.</summary>
    public bool HasUnsettledLines => _line.Exists(g => g.HasUnsettledLines);

    /// <summary>True unless the file at the path is all there is of it: one that has been renamed may still be written to, and no look at the path shows that.</summary>
    public bool IsRestless => _state.Length > 0 || _live is null || _line.Count > 1 || _isMissing;

    /// <summary>The files that may grow.</summary>
    public IEnumerable<SafeFileHandle> Growing => _line.Select(g => g.Content?.Growing).OfType<SafeFileHandle>();

    /// <summary>True where nothing is left of it: no file at the path, none that is open.</summary>
    public bool IsGone => _live is null && _line.Count == 0;

    /// <summary>Looks at the path, then gives out the next piece.</summary>
    /// <param name="batch">Gets the records; empty before.</param>
    /// <param name="thorough">True to look for everything anew: names in the directory changed, or the slow poll's turn has come.</param>
    /// <returns>False where nothing is left to read now.</returns>
    public bool Step(RecordBatch batch, bool thorough)
    {
        Look(batch, thorough);
        for (int i = 0; i < _line.Count;)
        {
            Generation generation = _line[i];
            if (generation.Content is null)
            {
                i++;
                continue;
            }
            ReadOutcome outcome = generation.Read(batch, _time);
            if (outcome == ReadOutcome.Progress)
            {
                _owner.Moved();
                if (_state == Failing && generation == _live) Say("", new IntakeNotice.Following(Path, generation.Offset));
                if (batch.Records.Count > 0) return true;
            }
            else if (outcome == ReadOutcome.Failed)
            {
                Fail(generation);
                if (_line.Contains(generation)) i++;
            }
            else if (Handle(generation, outcome))
            {
                // There may be others before it now.
                i = 0;
            }
            else if (!MayGo(i, generation))
            {
                i++;
            }
            else
            {
                // Nobody will complete its last line any more.
                bool more = generation.Behind > 0 && generation.Read(batch, _time, ended: true) == ReadOutcome.Progress;
                if (!more || generation.Behind == 0)
                {
                    if (generation.Content is { IsDamaged: true } damaged) _say(new IntakeNotice.Lost(damaged.Path, generation.Offset, "the compressed file is damaged or cut off; what it had after that is lost"));
                    Finish(generation);
                }
                if (batch.Records.Count > 0) return true;
            }
        }
        return false;
    }

    /// <summary>True where that file is one of this path's, open now.</summary>
    public bool Holds(in FileFacts facts)
    {
        foreach (Generation generation in _line)
        {
            if (generation.Content is not null && generation.Facts.SameFileAs(facts)) return true;
        }
        return false;
    }

    /// <summary>A generation that was read and let go, if that file is one.</summary>
    public SavedGeneration? Remember(LogContent content, FileFacts facts) => _finished.FindLast(f => IsLike(f, content, facts));

    /// <summary>What has to be saved.</summary>
    public SavedFile Save() => new(
        Path,
        _lookedAt,
        [.. _line.Select((g, i) => g.Save(drained: g.WasDrained || (i < _line.Count - 1 && g.Content is not null && g.Behind == 0)))],
        [.. _finished]);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Generation generation in _line) generation.Dispose();
        _line.Clear();
    }

    void Look(RecordBatch batch, bool thorough)
    {
        long now = Now();
        int error = _owner.Files.Look(Path, out FileFacts facts);
        _isMissing = error is FileCalls.ENOENT or FileCalls.ENOTDIR;
        if (error == 0 && !facts.IsRegular)
        {
            Unreadable("it is not a regular file", "name a file that a syslog daemon writes");
            return;
        }
        if (error == 0 && _live is not null && _live.Content is not null && _live.Facts.SameFileAs(facts))
        {
            if (thorough && _line.Exists(g => g.Content is null)) Reconcile(null, default);
            return;
        }
        if (error == 0 && _owner.HolderOf(facts, except: this) is { } holder)
        {
            Say("the same file as another", new IntakeNotice.SameFile(Path, holder.Path));
            return;
        }
        if (_isMissing)
        {
            _startAt = null;
            _unreadableAtStart = null;
            // Renamed, and nothing in its place yet: what is open is read on. After a start, look where it went.
            if (_restored || (thorough && _line.Exists(g => g.Content is null))) Reconcile(null, default);
            // Another one may have come and gone since it was last looked for.
            else if (thorough && _search.AddUnseen(_line.LastOrDefault(), _line.LastOrDefault()?.Facts.ModifiedAt ?? _lookedAt, before: null) > 0) _owner.Moved(filesChanged: true);
            foreach (Generation unfound in _line.FindAll(g => g.Content is null && IsLeftAlone(g))) GiveUp(unfound);
            if (_line.Count > 0) return;
            // Only now: what was written before and renamed has been found by the time it was looked for before.
            _lookedAt = now;
            Say("missing", new IntakeNotice.Missing(Path));
            return;
        }
        LogContent? content = null;
        if (error == 0) error = OpenLive(out content, ref facts);
        if (error != 0)
        {
            if (_startAt is { } start && start.Back == TimeSpan.Zero && facts.Inode != 0)
            {
                // Its end is where it ends now, not where it will end when it may be read.
                _unreadableAtStart = facts;
                _startAt = null;
            }
            Unreadable(FileCalls.Explain(error), FileAdvice.For(facts));
            return;
        }
        if (_live is { Content: not null } && _live.Facts.SameFileAs(facts))
        {
            content!.Dispose();
            return;
        }
        if (_owner.HolderOf(facts, except: this) is { } other)
        {
            content!.Dispose();
            Say("the same file as another", new IntakeNotice.SameFile(Path, other.Path));
            return;
        }
        if (_startAt is { } startAt && startAt.Back != TimeSpan.MaxValue && startAt.Back != TimeSpan.Zero)
        {
            // As if it had been missing then: what was written to since is read.
            _lookedAt = now - (long)(startAt.Back.TotalMilliseconds * 1_000_000);
            _startAt = null;
            if (facts.ModifiedAt < _lookedAt) _startAt = StartAt.End;
        }
        // The one before may have been cut, and moved then: first things first.
        if (_live is { Content: not null } before) Handle(before, before.Check(batch, _time));
        Reconcile(content, facts);
    }

    bool Handle(Generation generation, ReadOutcome outcome)
    {
        if (outcome == ReadOutcome.Truncated) Restart(generation);
        else if (outcome == ReadOutcome.Unproven) Accept(generation);
        else if (outcome == ReadOutcome.Failed) Fail(generation);
        else return false;
        return true;
    }

    int OpenLive(out LogContent? content, ref FileFacts facts)
    {
        int error = _owner.Files.Open(Path, out content, out FileFacts opened);
        if (error == 0) facts = opened;
        return error;
    }

    /// <summary>
    /// Brings the line of generations up to date: finds again what was saved, adds what came and went unseen, and at last the file that is at
    /// the path now.
    /// </summary>
    /// <param name="live">The file at the path if it is another one than before; null where it is the same or there is none.</param>
    /// <param name="facts">What is known of it.</param>
    void Reconcile(LogContent? live, FileFacts facts)
    {
        bool isFirst = _restored;
        _restored = false;
        if (live is not null) _owner.Moved(filesChanged: true);
        if (live is not null && _line.Count == 0 && _startAt is { } startAt)
        {
            Begin(live, facts, startAt);
            return;
        }
        bool followed = _line.Count > 0;
        Generation? newest = _line.LastOrDefault();
        long floor = newest?.Facts.ModifiedAt ?? _lookedAt;
        Generation? found = live is null ? null : _search.FindBack(live, facts);
        bool isNew = live is not null && found is null;
        if (live is not null)
        {
            // One of the line from now on: it may be renamed while those that came before it are looked for.
            found ??= _search.Resume(live, facts);
            _line.Remove(found);
            _line.Add(found);
        }
        List<Generation> searched = _line.FindAll(g => g.Content is null), lost = _search.FindAgain(searched);
        // While nothing is at the path a rotation may be going on.
        foreach (Generation wanted in (live ?? _live?.Content) is null ? [] : lost)
        {
            // What was empty has nothing to be known by: filled and compressed since, it is one of the unknown.
            int instead = wanted.Head.Length == 0 ? _search.AddUnseen(null, wanted.Facts.ModifiedAt, wanted) : 0;
            if (instead == 0) GiveUp(wanted);
            else Finish(wanted);
        }
        if (found is null)
        {
            // As above: what was empty is among the unknown, which come before what came after it.
            int added = lost.Where(g => g.Head.Length == 0).Sum(wanted => _search.AddUnseen(null, wanted.Facts.ModifiedAt, wanted));
            added += _search.AddUnseen(newest, floor, before: null);
            // What is looked for in vain at every turn of the slow poll is no reason to save.
            if (isFirst || added > 0 || lost.Count < searched.Count) _owner.Moved(filesChanged: true);
            return;
        }

        // Where it is the newest that was known, nothing can have come between.
        int between = found != newest ? _search.AddUnseen(newest, floor, before: found) : 0;
        if (_unreadableAtStart is { } then)
        {
            // It may have been renamed since.
            foreach (Generation old in _line.Where(g => g.Content is not null && g.Facts.SameFileAs(then) && g.Facts.Size >= then.Size)) old.StartAtEnd(then.Size);
        }
        if (isNew && followed) _say(new IntakeNotice.Rotated(Path, between));
        if (_live is not null) _live.QuietSince = _time.GetTimestamp();
        found.QuietSince = _time.GetTimestamp();
        _live = found;
        _unreadableAtStart = null;
        _startAt = null;
        Say("", new IntakeNotice.Following(Path, found.Offset));
    }

    /// <summary>The first time: what lies beside the file was written before, and is not to be read when it is met again.</summary>
    void Begin(LogContent live, in FileFacts facts, StartAt startAt)
    {
        var generation = new Generation(live, facts) { QuietSince = _time.GetTimestamp() };
        List<RotatedFile> rotated = RotatedFiles.Of(_owner.Files, Path);
        int place = rotated.FindIndex(f => f.Facts.SameFileAs(generation.Facts));
        if (place >= 0) rotated.RemoveRange(place, rotated.Count - place);
        foreach (RotatedFile file in rotated.TakeLast(MostFinished))
        {
            if (!RotatedNames.IsReadable(file.Path) || _owner.Files.Open(file.Path, out LogContent? content, out FileFacts known) != 0) continue;
            using var old = new Generation(content!, known);
            if (!known.SameFileAs(file.Facts) || generation.BeginsLike(content!) || generation.MayBeCopiedBy(content!, known)) break;
            if (!old.IsFinal) old.StartAtEnd();
            _finished.Add(old.Save(drained: true));
        }
        if (startAt.Back == TimeSpan.Zero) generation.StartAtEnd();
        _startAt = null;
        _live = generation;
        _line.Add(generation);
        Say("", new IntakeNotice.Following(Path, generation.Offset));
    }

    /// <summary>The file was cut: goes on at its beginning, after what is left of the old content in a copy.</summary>
    void Restart(Generation generation)
    {
        long readTo = generation.Offset;
        bool found = false;
        if (generation == _live)
        {
            LogContent content = generation.Detach()!;
            content.Look(out FileFacts facts);
            _live = new Generation(content, facts) { QuietSince = _time.GetTimestamp() };
            _line.Insert(_line.IndexOf(generation) + 1, _live);
            long floor = generation.Facts.ModifiedAt;
            // Its copy may be among the line already, met when it was made.
            foreach (Generation copy in _line.FindAll(g => g.Head.Length == 0 && g != _live && IsCopyOfAnother(g))) Drop(copy);
            found = _search.FindAgain([generation]).Count == 0;
            _search.AddUnseen(generation, floor, _live);
        }
        if (!found) Finish(generation);
        _say(new IntakeNotice.Truncated(Path, readTo, found));
        _owner.Moved(filesChanged: true);
    }

    /// <summary>A file that was empty has content: a copy of what it had in between may lie beside it.</summary>
    void Accept(Generation generation)
    {
        if (generation != _live && IsCopyOfAnother(generation))
        {
            Drop(generation);
            return;
        }
        long floor = generation.Facts.ModifiedAt;
        generation.Accept();
        _search.AddUnseen(null, floor, generation);
        _owner.Moved(filesChanged: true);
    }

    /// <summary>
    /// True where a file that was empty when it was met is a copy of one that is known: logrotate had made it, and not yet copied anything into it.
    /// </summary>
    bool IsCopyOfAnother(Generation copy)
    {
        if (copy.Content is not { } content || content.Look(out FileFacts facts) != 0) return false;
        return _line.Exists(g => g != copy && (g.BeginsLike(content) || g.MayBeCopiedBy(content, facts)))
            || (_owner.Remember(content, facts) is { } known && facts.Size <= known.Offset);
    }

    void Drop(Generation copy)
    {
        _line.Remove(copy);
        copy.Dispose();
        _owner.Moved(filesChanged: true);
    }

    void Fail(Generation generation)
    {
        Say(Failing, new IntakeNotice.Unreadable(Path, FileCalls.Explain(generation.Error), "check the disk or the network file system; it is tried again"));
        if (generation.Error != FileCalls.ESTALE) return;
        generation.Dispose();
        if (generation == _live) _live = null;
        _restored = true;
        _owner.Moved(filesChanged: true);
    }

    /// <summary>True where a generation that is read to its end can be let go.</summary>
    bool MayGo(int place, Generation generation)
    {
        if (IsLeftAlone(generation)) return true;
        if (generation == _live || place == _line.Count - 1) return generation.IsFinal && generation != _live;
        if (generation.IsFinal) return true;
        bool followed = false;
        for (int i = place + 1; i < _line.Count; i++)
        {
            followed |= _line[i].Facts.Size > 0;
        }
        return followed && (_time.GetElapsedTime(generation.QuietSince) >= Linger || _line.Count - place > MostLingering);
    }

    /// <summary>True where nothing is at the path and nobody has named it, and the file has not grown for long.</summary>
    bool IsLeftAlone(Generation generation) => _isMissing && !_owner.IsNamed(Path) && _time.GetElapsedTime(generation.QuietSince) >= Forgetting;

    /// <summary>Lets go of one that could not be found again.</summary>
    void GiveUp(Generation generation)
    {
        if (!generation.WasDrained)
        {
            _say(new IntakeNotice.Lost(Path, generation.Offset, "the file that was read before is not there any more, nor a rotated copy of it; what was written to it after that is lost, if anything was"));
        }
        Finish(generation);
    }

    void Finish(Generation generation)
    {
        _line.Remove(generation);
        if (generation == _live) _live = null;
        if (generation.Head.Length > 0)
        {
            if (_finished.Count == MostFinished) _finished.RemoveAt(0);
            _finished.Add(generation.Save(drained: true));
        }
        if (_line.Count == 0) _lookedAt = generation.Facts.ModifiedAt;
        generation.Dispose();
        _owner.Moved(filesChanged: true);
    }

    static bool IsLike(SavedGeneration saved, LogContent content, in FileFacts facts) =>
        new Generation(saved) is var known && (known.BeginsLike(content) || known.MayBeCopiedBy(content, facts));

    void Unreadable(string reason, string fix) => Say("unreadable", new IntakeNotice.Unreadable(Path, reason, fix));

    /// <summary>Says something once, until something else is said.</summary>
    void Say(string state, IntakeNotice notice)
    {
        if (_state == state) return;
        _state = state;
        _say(notice);
    }

    /// <summary>The time, nanoseconds since 1970, as files have it.</summary>
    internal long Now() => (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
}
