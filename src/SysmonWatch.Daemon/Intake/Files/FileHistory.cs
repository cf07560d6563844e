using Microsoft.Win32.SafeHandles;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>The files that were at a watched path one after the other: those that are still to be read, and those that were read and released.</summary>
/// <remarks>Used by one thread.</remarks>
sealed class FileHistory : IDisposable
{
    /// <summary>The most renamed files that are kept open; beyond, the oldest that is read to its end is released at once.</summary>
    const int MostLingering = 8;

    /// <summary>How many files are remembered after they are released.</summary>
    public const int MostFinished = 16;

    readonly List<SavedLogFile> _finished = [];

    /// <summary>Those that are to be read, oldest first; the last one was at the path when it was looked at last.</summary>
    public List<LogFile> Files { get; } = [];

    /// <summary>The one at the path; null where there is none that can be read.</summary>
    public LogFile? Live { get; set; }

    /// <summary>True while one has yet to be found again.</summary>
    public bool HasUnfound => Files.Exists(f => f.Content is null);

    /// <summary>The files that may grow.</summary>
    public IEnumerable<SafeFileHandle> Growing => Files.Select(f => f.Content?.Growing).OfType<SafeFileHandle>();

    /// <summary>Takes up what was saved.</summary>
    public void Restore(SavedFile saved, long now)
    {
        Files.AddRange(saved.LogFiles.Select(f => new LogFile(f) { QuietSince = now }));
        _finished.AddRange(saved.Finished);
    }

    /// <summary>What has to be saved.</summary>
    public SavedFile Save(string path, long lookedAt) => new(
        path,
        lookedAt,
        [.. Files.Select((f, i) => f.Save(drained: f.WasDrained || (i < Files.Count - 1 && f.IsReadToEnd)))],
        [.. _finished]);

    /// <summary>True where that file is one of these, open now.</summary>
    public bool Holds(in FileFacts facts)
    {
        foreach (LogFile file in Files)
        {
            if (file.Content is not null && file.Facts.SameFileAs(facts)) return true;
        }
        return false;
    }

    /// <summary>A file that was read and released, if that is it or a copy of it.</summary>
    public SavedLogFile? FindFinished(LogContent content, FileFacts facts) =>
        _finished.FindLast(saved => new LogFile(saved) is var known && (known.BeginsLike(content) || known.MayBeCopiedBy(content, facts)));

    /// <summary>True where another is in the place of a file that is read to its end, and nobody will write to it any more.</summary>
    /// <param name="place">Its place among <see cref="Files"/>.</param>
    /// <param name="time">The clock.</param>
    public bool IsDone(int place, TimeProvider time)
    {
        LogFile file = Files[place];
        if (file == Live) return false;
        if (file.IsFinal) return true;
        bool replaced = Files.Skip(place + 1).Any(later => later.Facts.Size > 0);
        return replaced && (time.GetElapsedTime(file.QuietSince) >= WatchedFile.Linger || Files.Count - place > MostLingering);
    }

    /// <summary>Closes a file and remembers that it was read.</summary>
    public void Finish(LogFile file)
    {
        Files.Remove(file);
        if (file == Live) Live = null;
        if (file.Head.Length > 0) RememberFinished(file);
        file.Dispose();
    }

    /// <summary>Remembers that a file is not to be read.</summary>
    public void RememberFinished(LogFile file)
    {
        if (_finished.Count == MostFinished) _finished.RemoveAt(0);
        _finished.Add(file.Save(drained: true));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (LogFile file in Files) file.Dispose();
        Files.Clear();
    }
}
