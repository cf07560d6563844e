using Microsoft.Win32.SafeHandles;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>
/// Follows log files: which there are, and what is to be read from them next. All of the logic and none of the waiting: it has no task, no timer
/// and no notification, and is correct at any number of steps at any time.
/// </summary>
/// <remarks>Used by one thread.</remarks>
sealed class FileFollower : IDisposable
{
    /// <summary>The most files followed at a time.</summary>
    public const int MostFiles = 256;

    readonly IReadOnlyList<string> _patterns;
    readonly StartAt _startAt;
    readonly TimeProvider _time;
    readonly Action<IntakeNotice> _say;
    readonly List<FollowedPath> _paths = [];
    HashSet<string> _knownPatterns = new(StringComparer.Ordinal);
    bool _expanded;
    bool _saidTooMany;
    int _turn;
    bool _moved;

    /// <param name="patterns">Absolute paths, with *, ? and […] in any part.</param>
    /// <param name="startAt">Where to start in files that are there at the first step and have no saved position.</param>
    /// <param name="time">The clock.</param>
    /// <param name="say">Takes what an operator should know; must not throw.</param>
    /// <param name="files">The file system; null for the real one.</param>
    public FileFollower(IReadOnlyList<string> patterns, StartAt startAt, TimeProvider time, Action<IntakeNotice> say, LogFileSystem? files = null)
    {
        Files = files ?? LogFileSystem.Real;
        _patterns = patterns;
        _startAt = startAt;
        _time = time;
        _say = say;
    }

    /// <summary>The paths followed.</summary>
    public IReadOnlyList<FollowedPath> Paths => _paths;

    /// <summary>Grows whenever other files or directories have to be watched.</summary>
    public int WatchVersion { get; private set; }

    /// <summary>The files that may grow.</summary>
    public IEnumerable<SafeFileHandle> GrowingFiles => _paths.SelectMany(p => p.Growing);

    /// <summary>The directories in which names matter.</summary>
    public IEnumerable<string> Directories => _patterns.SelectMany(Globs.DirectoriesOf).Concat(_paths.Select(p => TargetDirectory(p.Path))).Distinct(StringComparer.Ordinal);

    /// <summary>Bytes that are there and not read.</summary>
    public long Behind => _paths.Sum(p => p.Behind);

    /// <summary>True while a line is there that counts as complete only after <see cref="Generation.Settle"/>: then the next step must not wait longer.</summary>
    public bool HasUnsettledLines => _paths.Exists(p => p.HasUnsettledLines);

    /// <summary>
    /// True while there may be something to do that a look at the paths and directories does not show: a file lingers after another has followed it, or one is
    /// missing or cannot be read.
    /// </summary>
    public bool IsRestless => _paths.Exists(p => p.IsRestless);

    /// <summary>Goes on from a saved position. To be called before the first step.</summary>
    public void Restore(ReadOnlySpan<byte> position)
    {
        if (position.IsEmpty) return;
        if (FilePosition.From(position, out string reason) is not { } saved)
        {
            _say(new IntakeNotice.PositionUnusable("files", reason));
            return;
        }
        _knownPatterns = new HashSet<string>(saved.Patterns, StringComparer.Ordinal);
        foreach (SavedFile file in saved.Files)
        {
            if (_patterns.Any(p => p == file.Path || (Globs.IsGlob(p) && Globs.Matches(p, file.Path)))) _paths.Add(new FollowedPath(file, this, _time, _say));
        }
    }

    /// <summary>Reads the next piece of one of the files, each in its turn.</summary>
    /// <param name="batch">Gets the records; empty before.</param>
    /// <param name="thorough">True where names may have changed, and at every turn of the slow poll.</param>
    /// <returns>False where there is nothing to read and no position has moved.</returns>
    public bool Step(RecordBatch batch, bool thorough)
    {
        if (thorough || !_expanded) Expand();
        for (int i = 0; i < _paths.Count; i++)
        {
            int at = (_turn + i) % _paths.Count;
            if (_paths[at].Step(batch, thorough))
            {
                _turn = at + 1;
                _moved = false;
                return true;
            }
        }
        bool moved = _moved;
        _moved = false;
        return moved;
    }

    /// <summary>Where reading is: after all that was given out.</summary>
    public byte[] Position() => new FilePosition(FilePosition.Current, _patterns, [.. _paths.Select(p => p.Save())]).ToBytes();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (FollowedPath path in _paths) path.Dispose();
        _paths.Clear();
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
    internal FollowedPath? HolderOf(in FileFacts facts, FollowedPath except)
    {
        foreach (FollowedPath path in _paths)
        {
            if (path != except && path.Holds(facts)) return path;
        }
        return null;
    }

    /// <summary>A generation of any path that was read and let go, if that file is one.</summary>
    internal SavedGeneration? Remember(LogContent content, in FileFacts facts)
    {
        foreach (FollowedPath path in _paths)
        {
            if (path.Remember(content, facts) is { } known) return known;
        }
        return null;
    }

    void Expand()
    {
        foreach (string pattern in _patterns)
        {
            bool appeared = _expanded || _knownPatterns.Contains(pattern);
            foreach (string path in Globs.Expand(pattern))
            {
                if (_paths.Exists(p => p.Path == path)) continue;
                if (_paths.Count >= MostFiles)
                {
                    if (!_saidTooMany) _say(new IntakeNotice.TooMany(pattern, MostFiles));
                    _saidTooMany = true;
                    break;
                }
                _paths.Add(new FollowedPath(path, appeared ? null : _startAt, this, _time, _say));
                Moved(filesChanged: true);
            }
        }
        for (int i = _paths.Count - 1; i >= 0; i--)
        {
            if (!_expanded || !_paths[i].IsGone || IsNamed(_paths[i].Path) || Path.Exists(_paths[i].Path)) continue;
            _paths[i].Dispose();
            _paths.RemoveAt(i);
        }
        _expanded = true;
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
