using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>
/// Follows log files: which there are, and what is to be read from them next. All of the logic and none of the waiting: it has no task, no timer
/// and no notification, and is correct at any number of steps at any time.
/// </summary>
/// <remarks>Used by one thread.</remarks>
sealed class FileFollower : IDisposable
{
    readonly IReadOnlyList<string> _patterns;
    readonly StartAt _startAt;
    readonly int _mostFiles;
    readonly TimeProvider _time;
    readonly Action<IntakeNotice> _report;
    readonly Dictionary<string, WatchedFile> _watched = new(StringComparer.Ordinal);
    // Those that may have something to read, each once; the set is what is in the queue.
    readonly Queue<WatchedFile> _due = [];
    readonly HashSet<WatchedFile> _isDue = [];
    // The saved form of those that were not stepped since.
    readonly Dictionary<WatchedFile, byte[]> _saved = [];
    HashSet<string> _knownPatterns = new(StringComparer.Ordinal);
    bool _expanded;
    bool _reportedTooMany;
    bool _moved;

    /// <param name="patterns">Absolute paths, with *, ? and […] in any part.</param>
    /// <param name="startAt">Where to start in files that are there at the first step and have no saved position.</param>
    /// <param name="mostFiles">The most files followed at a time.</param>
    /// <param name="time">The clock.</param>
    /// <param name="report">Takes what an operator should know; must not throw.</param>
    /// <param name="files">The file system; null for the real one.</param>
    public FileFollower(IReadOnlyList<string> patterns, StartAt startAt, int mostFiles, TimeProvider time, Action<IntakeNotice> report, LogFileSystem? files = null)
    {
        Files = files ?? LogFileSystem.Real;
        _patterns = patterns;
        _startAt = startAt;
        _mostFiles = mostFiles;
        _time = time;
        _report = report;
    }

    /// <summary>The paths followed.</summary>
    public IReadOnlyCollection<WatchedFile> Watched => _watched.Values;

    /// <summary>Grows whenever other files or directories have to be watched.</summary>
    public int WatchVersion { get; private set; }

    /// <summary>The directories in which names matter.</summary>
    public IEnumerable<string> Directories => _patterns.SelectMany(Globs.DirectoriesOf).Concat(_watched.Keys.Select(TargetDirectory)).Distinct(StringComparer.Ordinal);

    /// <summary>Bytes that are there and not read.</summary>
    public long Behind => _watched.Values.Sum(file => file.Behind);

    /// <summary>True while a line is there that counts as complete only after <see cref="LogFile.Settle"/>: then the next step must not wait longer.</summary>
    public bool HasUnsettledLines => _due.Any(file => file.HasUnsettledLines);

    /// <summary>
    /// True while there may be something to do that a look at the paths and directories does not show: a file lingers after another has followed it, or one is
    /// missing or cannot be read.
    /// </summary>
    public bool IsRestless => _watched.Values.Any(file => file.IsRestless);

    /// <summary>Goes on from a saved position. To be called before the first step.</summary>
    public void Restore(ReadOnlySpan<byte> position)
    {
        if (position.IsEmpty) return;
        if (FilePosition.From(position, out string reason) is not { } saved)
        {
            _report(new IntakeNotice.PositionUnusable("files", reason));
            return;
        }
        _knownPatterns = new HashSet<string>(saved.Patterns, StringComparer.Ordinal);
        foreach (SavedFile file in saved.Files)
        {
            if (_patterns.Any(p => p == file.Path || (Globs.IsGlob(p) && Globs.Matches(p, file.Path)))) Watch(new WatchedFile(file, this, _time, _report));
        }
    }

    /// <summary>All files may have something to read.</summary>
    public void MarkAllDue()
    {
        foreach (WatchedFile file in _watched.Values) MarkDue(file);
    }

    /// <summary>A file may have something to read.</summary>
    public void MarkDue(WatchedFile file)
    {
        if (_isDue.Add(file)) _due.Enqueue(file);
    }

    /// <summary>Reads the next piece of one of the files that are due, each in its turn.</summary>
    /// <param name="batch">Gets the records; empty before.</param>
    /// <param name="thorough">True where names may have changed, and at every poll: all files are due then.</param>
    /// <returns>False where there is nothing to read and no position has moved.</returns>
    public bool Step(RecordBatch batch, bool thorough)
    {
        if (thorough || !_expanded)
        {
            Expand();
            MarkAllDue();
        }
        bool more = false;
        for (int i = _due.Count; i > 0 && !more; i--)
        {
            WatchedFile file = _due.Dequeue();
            _isDue.Remove(file);
            _saved.Remove(file);
            more = file.Step(batch, thorough);
            if (more || file.HasUnsettledLines) MarkDue(file);
        }
        bool moved = _moved;
        _moved = false;
        return more || moved;
    }

    /// <summary>Where reading is: after all that was given out.</summary>
    public byte[] Position()
    {
        foreach (WatchedFile file in _watched.Values)
        {
            if (!_saved.ContainsKey(file)) _saved[file] = file.Save().ToBytes();
        }
        return FilePosition.ToBytes(_patterns, _watched.Values.Select(file => _saved[file]));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (WatchedFile file in _watched.Values) file.Dispose();
        _watched.Clear();
    }

    /// <summary>Where names are looked up.</summary>
    internal LogFileSystem Files { get; }

    /// <summary>Notes that a position is worth saving.</summary>
    internal void Moved(bool filesChanged = false)
    {
        _moved = true;
        if (filesChanged) WatchVersion++;
    }

    /// <summary>True where a path is followed because it is named, and not because a glob matches it.</summary>
    internal bool IsNamed(string path) => _patterns.Contains(path);

    /// <summary>Who else has that file open.</summary>
    internal WatchedFile? HolderOf(in FileFacts facts, WatchedFile except)
    {
        foreach (WatchedFile file in _watched.Values)
        {
            if (file != except && file.Holds(facts)) return file;
        }
        return null;
    }

    /// <summary>A file of any path that was read and released, if that is it.</summary>
    internal SavedLogFile? FindFinished(LogContent content, in FileFacts facts)
    {
        foreach (WatchedFile file in _watched.Values)
        {
            if (file.FindFinished(content, facts) is { } known) return known;
        }
        return null;
    }

    void Watch(WatchedFile file)
    {
        _watched.Add(file.Path, file);
        MarkDue(file);
    }

    void Expand()
    {
        foreach (string pattern in _patterns)
        {
            bool appeared = _expanded || _knownPatterns.Contains(pattern);
            foreach (string path in Globs.Expand(pattern))
            {
                if (_watched.ContainsKey(path)) continue;
                if (_watched.Count >= _mostFiles)
                {
                    if (!_reportedTooMany) _report(new IntakeNotice.TooMany(pattern, _mostFiles));
                    _reportedTooMany = true;
                    break;
                }
                Watch(new WatchedFile(path, appeared ? null : _startAt, this, _time, _report));
                Moved(filesChanged: true);
            }
        }
        if (_expanded)
        {
            foreach (WatchedFile gone in _watched.Values.Where(file => file.IsGone && !IsNamed(file.Path) && !Path.Exists(file.Path)).ToArray()) Forget(gone);
        }
        _expanded = true;
    }

    void Forget(WatchedFile file)
    {
        file.Dispose();
        _watched.Remove(file.Path);
        _saved.Remove(file);
    }

    static string TargetDirectory(string path)
    {
        string directory = Path.GetDirectoryName(path) ?? "/";
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true) is { } target ? Path.GetDirectoryName(target.FullName) ?? directory : directory;
        }
        catch (IOException)
        {
            return directory;
        }
        catch (UnauthorizedAccessException)
        {
            return directory;
        }
    }
}
