namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>Finds the known files of a watched path among the files that lie beside it.</summary>
/// <remarks>Used by one thread.</remarks>
/// <param name="path">The watched path.</param>
/// <param name="history">Its files.</param>
/// <param name="owner">Knows the files of other paths.</param>
/// <param name="time">The clock.</param>
sealed class RenamedFileSearch(string path, FileHistory history, FileFollower owner, TimeProvider time)
{
    /// <summary>The known file that the one at the path is: saved, or renamed and renamed back; null where it is none of them.</summary>
    public LogFile? FindBack(LogContent live, in FileFacts facts)
    {
        for (int i = history.Files.Count - 1; i >= 0; i--)
        {
            LogFile file = history.Files[i];
            if (file.Content is null ? file.TryAttach(live, facts) : file.Facts.SameFileAs(facts))
            {
                if (file.Content != live) live.Dispose();
                return file;
            }
        }
        return null;
    }

    /// <summary>The file at the path as one that was released and is back, or as a new one.</summary>
    public LogFile Resume(LogContent live, in FileFacts facts) =>
        owner.FindFinished(live, facts) is { } known && new LogFile(known) is var again && again.TryAttach(live, facts) ? again : new LogFile(live, facts);

    /// <summary>
    /// Looks for files among the rotated ones: first by number, then by content, then in compressed files, and at last under any name by number.
    /// </summary>
    /// <returns>Those that are not there.</returns>
    public List<LogFile> FindAgain(IEnumerable<LogFile> wanted)
    {
        // What was empty is known by its number only: another one's copy may be in it by now.
        List<LogFile> lost = [.. wanted.OrderBy(file => file.Head.Length == 0)];
        List<RotatedFile> rotated = [];
        for (int i = 0; i < RotatedFiles.MostTries && lost.Count > 0; i++)
        {
            List<RotatedFile> now = RotatedFiles.Of(owner.Files, path);
            // What was not found may have been renamed while it was looked for.
            if (i > 0 && RotatedFiles.SamePlaces(rotated, now)) break;
            rotated = now;
            lost.RemoveAll(file => TryFind(file, rotated));
        }
        return lost;
    }

    bool TryFind(LogFile wanted, List<RotatedFile> rotated) =>
        TryFind(wanted, rotated.Where(file => file.Facts.SameFileAs(wanted.Facts)))
        || TryFind(wanted, rotated.Where(file => !file.IsCompressed && file.Facts.Size >= wanted.Offset))
        || TryFind(wanted, rotated.Where(file => file.IsCompressed && RotatedNames.IsReadable(file.Path)))
        || TryFind(wanted, RotatedFiles.AllBeside(owner.Files, path).Where(file => file.Facts.SameFileAs(wanted.Facts)));

    bool TryFind(LogFile wanted, IEnumerable<RotatedFile> among)
    {
        foreach (RotatedFile file in among)
        {
            if (history.Holds(file.Facts) || owner.Files.Open(file.Path, out LogContent? content, out FileFacts facts) != 0) continue;
            if (!history.Holds(facts) && wanted.TryAttach(content!, facts))
            {
                wanted.QuietSince = time.GetTimestamp();
                return true;
            }
            content!.Dispose();
        }
        return false;
    }
}
