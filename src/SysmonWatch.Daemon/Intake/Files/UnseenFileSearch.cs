namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>Finds the files that came to a watched path and were rotated away between two looks at it, and puts them in their place in its history.</summary>
/// <remarks>Used by one thread.</remarks>
/// <param name="path">The watched path.</param>
/// <param name="history">Its files.</param>
/// <param name="owner">Knows the files of other paths.</param>
/// <param name="time">The clock.</param>
/// <param name="report">Takes what an operator should know.</param>
sealed class UnseenFileSearch(WatchedFile path, FileHistory history, FileFollower owner, TimeProvider time, Action<IntakeNotice> report)
{
    /// <summary>The most files that may have to be read one after the other, a thousand rotated ones included.</summary>
    const int MostFiles = 1100;

    /// <summary>Nanoseconds that a time of modification may lie behind the clock: the kernel's tick is 1 to 10 ms.</summary>
    const long Grain = 20_000_000;

    /// <summary>Adds the files that are newer than the newest known one and not known themselves.</summary>
    /// <param name="newest">The newest known file, whether it could be found again or not.</param>
    /// <param name="floor">Where that is not among the rotated files: since when one must have been written to, nanoseconds since 1970.</param>
    /// <param name="before">The file they are put before; null to put them at the end.</param>
    /// <returns>How many were added.</returns>
    public int Add(LogFile? newest, long floor, LogFile? before)
    {
        int added = 0;
        // Where the clock has been set back, files written to since then seem to be older than those before: only those that are remembered can be told from them.
        if (floor > path.Now() + Grain) floor = long.MinValue + Grain;
        for (int i = 0; i < RotatedFiles.MostTries; i++)
        {
            // Asked before the list is made: what is at the path now cannot be older than what the list has.
            bool moved = before is { Content: not null } && (owner.Files.Look(path.Path, out FileFacts there) != 0 || !there.SameFileAs(before.Facts));
            if (TryAdd(RotatedFiles.Of(owner.Files, path.Path), newest, floor, before, moved, ref added)) return added;
        }
        report(new IntakeNotice.Lost(path.Path, 0, $"its rotated files were renamed faster than they could be opened, {RotatedFiles.MostTries} times in a row; what was in those that were not opened is lost"));
        return added;
    }

    /// <returns>False where the list is out of date: older files come first, so what is left has to be listed anew.</returns>
    bool TryAdd(List<RotatedFile> rotated, LogFile? newest, long floor, LogFile? before, bool moved, ref int added)
    {
        int known = -1;
        if (newest is not null && !TryPlace(newest, rotated, out known)) return false;
        int until = PlaceOfNext(before, rotated);
        // Compressed meanwhile, it is another file with the same content: its place says more than times, which go back where the clock is set back.
        if (moved && until < 0 && !TryPlace(before!, rotated, out until)) return false;
        for (int i = known + 1; i < (until < 0 ? rotated.Count : until) && history.Files.Count < MostFiles; i++)
        {
            RotatedFile file = rotated[i];
            if (known < 0 && file.Facts.ModifiedAt < floor - Grain) continue;
            // Where it is not at the path any more, what was written to after it does not belong before it.
            if (moved && until < 0 && file.Facts.ModifiedAt > before!.Facts.ModifiedAt) continue;
            if (history.Holds(file.Facts) || owner.HolderOf(file.Facts, path) is not null) continue;
            if (!RotatedNames.IsReadable(file.Path))
            {
                report(new IntakeNotice.Lost(file.Path, 0, "it was compressed before it was read, and not by gzip; use gzip or delaycompress in logrotate's configuration"));
                continue;
            }
            if (!TryOpen(file, out LogContent? content, out FileFacts facts, out int error)) return false;
            if (error != 0)
            {
                report(new IntakeNotice.Unreadable(file.Path, FileCalls.Explain(error), FileAdvice.For(file.Facts)));
                continue;
            }
            int place = history.Files.FindIndex(f => f.BeginsLike(content!) || f.MayBeCopiedBy(content!, facts));
            if (place >= 0)
            {
                content!.Dispose();
                // What it comes before has been compressed meanwhile. What is newer is found when the path is looked at again.
                if (before is not null && place >= history.Files.IndexOf(before)) return true;
                continue;
            }
            if (Recognise(content!, facts) is not { } unseen)
            {
                content!.Dispose();
                continue;
            }
            unseen.QuietSince = time.GetTimestamp();
            history.Files.Insert(before is null ? history.Files.Count : history.Files.IndexOf(before), unseen);
            added++;
        }
        return true;
    }

    /// <summary>A file as a new one, or as one that was released and has grown since; null where it holds nothing new.</summary>
    LogFile? Recognise(LogContent content, in FileFacts facts)
    {
        if (owner.FindFinished(content, facts) is not { } known) return new LogFile(content, facts);
        if (content.Growing is null || facts.Size <= known.Offset) return null;
        var again = new LogFile(known);
        return again.TryAttach(content, facts) ? again : null;
    }

    /// <summary>The place of a file in a list, or of the first of those after it in the history that is in it; -1 where none is.</summary>
    int PlaceOfNext(LogFile? file, List<RotatedFile> rotated)
    {
        int place = -1;
        for (int k = file is null ? history.Files.Count : history.Files.IndexOf(file); k < history.Files.Count && place < 0; k++)
        {
            if (history.Files[k].Content is not null) place = rotated.FindIndex(f => f.Facts.SameFileAs(history.Files[k].Facts));
        }
        return place;
    }

    /// <summary>Where a known file is in a list: the file itself, or its compressed copy.</summary>
    /// <param name="known">Which.</param>
    /// <param name="rotated">The list.</param>
    /// <param name="place">Its place; -1 where it is not there.</param>
    /// <returns>False where the list is out of date.</returns>
    bool TryPlace(LogFile known, List<RotatedFile> rotated, out int place)
    {
        place = known.Content is null ? -1 : rotated.FindIndex(f => f.Facts.SameFileAs(known.Facts));
        for (int i = 0; i < rotated.Count && place < 0; i++)
        {
            if (!RotatedNames.IsReadable(rotated[i].Path)) continue;
            if (!TryOpen(rotated[i], out LogContent? content, out _, out int error)) return false;
            if (error != 0) continue;
            using (content)
            {
                if (known.BeginsLike(content!)) place = i;
            }
        }
        return true;
    }

    /// <summary>Opens a file of a list.</summary>
    /// <returns>False where the list is out of date: its name is gone, or another file's.</returns>
    bool TryOpen(RotatedFile file, out LogContent? content, out FileFacts facts, out int error)
    {
        error = owner.Files.Open(file.Path, out content, out facts);
        if (error == FileCalls.ENOENT) return false;
        if (error != 0 || facts.SameFileAs(file.Facts)) return true;
        content!.Dispose();
        return false;
    }
}
