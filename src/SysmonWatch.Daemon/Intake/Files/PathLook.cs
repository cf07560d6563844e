namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>What is at a watched path.</summary>
enum AtPath
{
    /// <summary>The file that was there before.</summary>
    Same,

    /// <summary>Nothing.</summary>
    Nothing,

    /// <summary>A directory, a pipe or a device.</summary>
    NoFile,

    /// <summary>A file that is watched under another path.</summary>
    WatchedElsewhere,

    /// <summary>A file that cannot be opened.</summary>
    Unreadable,

    /// <summary>Another file than before.</summary>
    Another,
}

/// <summary>What one look at a watched path showed: all that <see cref="WatchedFile"/> acts on.</summary>
/// <param name="What">What is there.</param>
/// <param name="Facts">What is known of the file; nothing where not even that may be known.</param>
/// <param name="Content">The file, where it is another one; belongs to whoever looked.</param>
/// <param name="Error">Why it cannot be opened: an errno.</param>
/// <param name="Elsewhere">The other path.</param>
readonly record struct PathLook(AtPath What, FileFacts Facts, LogContent? Content = null, int Error = 0, string Elsewhere = "")
{
    /// <summary>True where there is no right to read it.</summary>
    public bool IsDenied => What == AtPath.Unreadable && Error is FileCalls.EACCES or FileCalls.EPERM;

    /// <summary>Looks.</summary>
    /// <param name="path">The path.</param>
    /// <param name="live">The file that was there before; null where none is open.</param>
    /// <param name="owner">Knows what other paths lead to.</param>
    /// <param name="self">Whose path it is.</param>
    public static PathLook At(string path, LogFile? live, FileFollower owner, WatchedFile self)
    {
        int error = owner.Files.Look(path, out FileFacts facts);
        if (error == 0 && !facts.IsRegular) return new(AtPath.NoFile, facts);
        LogContent? content = null;
        if (error == 0)
        {
            if (Known(facts) is { } known) return known;
            error = owner.Files.Open(path, out content, out FileFacts opened);
            if (error == 0) facts = opened;
        }
        if (error is FileCalls.ENOENT or FileCalls.ENOTDIR) return new(AtPath.Nothing, default);
        if (error != 0) return new(AtPath.Unreadable, facts, Error: error);
        // It may be another file than the one that was looked at.
        if (Known(facts) is not { } after) return new(AtPath.Another, facts, content);
        content!.Dispose();
        return after;

        PathLook? Known(in FileFacts there)
        {
            if (live is { Content: not null } && live.Facts.SameFileAs(there)) return new(AtPath.Same, there);
            return owner.HolderOf(there, except: self) is { } holder ? new(AtPath.WatchedElsewhere, there, Elsewhere: holder.Path) : null;
        }
    }
}
