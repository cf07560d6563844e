namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>A rotated file as it is listed in the directory.</summary>
/// <param name="Path">Where.</param>
/// <param name="Facts">What the file system says about it.</param>
/// <param name="Rank">What its name says about its age.</param>
readonly record struct RotatedFile(string Path, FileFacts Facts, RotatedNames.Rank Rank)
{
    /// <summary>True where the name was there and the file was not any more.</summary>
    public bool IsGone => !Facts.IsRegular;

    /// <summary>True where its name has a compressor's ending.</summary>
    public bool IsCompressed => RotatedNames.WithoutCompression(Path).Length != Path.Length;
}

/// <summary>Lists the rotated files of a log beside it.</summary>
static class RotatedFiles
{
    /// <summary>How often a directory is listed again because it changed meanwhile: a rotation renames file after file.</summary>
    public const int MostTries = 64;

    /// <summary>The most files that are looked at; the newest ones.</summary>
    const int MostFiles = 1000;

    /// <summary>
    /// The rotated files of a log, oldest first: where all names tell their age by the same scheme by that, otherwise by the time of
    /// modification. Empty where there are none, or where the directory cannot be read.
    /// </summary>
    /// <remarks>
    /// A listing counts only when the next one is the same, names that were gone when they were looked at included. Then it is what was there between the
    /// two: a rotation gives every name another file, and a file that one listing misses is under a name that the other one has not.
    /// </remarks>
    public static List<RotatedFile> Of(LogFileSystem files, string livePath)
    {
        List<RotatedFile> before = List(files, livePath);
        for (int i = 0; i < MostTries; i++)
        {
            List<RotatedFile> after = List(files, livePath);
            bool same = SamePlaces(before, after);
            before = after;
            if (same) break;
        }
        before.RemoveAll(f => f.IsGone);
        return before;
    }

    /// <summary>All regular files in the log's directory, whatever they are called.</summary>
    public static IEnumerable<RotatedFile> AllBeside(LogFileSystem files, string livePath)
    {
        foreach (string path in files.List(Path.GetDirectoryName(livePath) ?? "/"))
        {
            if (path != livePath && files.Look(path, out FileFacts facts) == 0 && facts.IsRegular) yield return new RotatedFile(path, facts, default);
        }
    }

    /// <summary>True where two lists have the same files under the same names.</summary>
    public static bool SamePlaces(List<RotatedFile> one, List<RotatedFile> other)
    {
        if (one.Count != other.Count) return false;
        for (int i = 0; i < one.Count; i++)
        {
            if (one[i].Path != other[i].Path || !one[i].Facts.SameFileAs(other[i].Facts)) return false;
        }
        return true;
    }

    static List<RotatedFile> List(LogFileSystem files, string livePath)
    {
        var found = new List<RotatedFile>();
        AddFrom(files, livePath, found);
        // A symbolic link to a file elsewhere is rotated where the file is.
        if (TryResolve(livePath) is { } target && target != livePath) AddFrom(files, target, found);
        DropHalfCompressed(found);
        found.Sort(found.TrueForAll(f => f.Rank.Scheme == RotatedNames.Scheme.Number) ? ByNumber
            : found.TrueForAll(f => f.Rank.Scheme == RotatedNames.Scheme.Date) ? ByDate
            : ByModification);
        if (found.Count > MostFiles) found.RemoveRange(0, found.Count - MostFiles);
        return found;
    }

    static void AddFrom(LogFileSystem files, string livePath, List<RotatedFile> found)
    {
        string live = Path.GetFileName(livePath);
        foreach (string path in files.List(Path.GetDirectoryName(livePath) ?? "/"))
        {
            if (!RotatedNames.TryRank(live, Path.GetFileName(path), out RotatedNames.Rank rank)) continue;
            if (files.Look(path, out FileFacts facts) != 0 || facts.IsRegular) found.Add(new RotatedFile(path, facts, rank));
        }
    }

    /// <summary>A compressor writes the new file first and removes the old one then: while both are there the old one is whole.</summary>
    static void DropHalfCompressed(List<RotatedFile> found)
    {
        var plain = found.Where(f => !f.IsGone && !f.IsCompressed).Select(f => f.Path).ToHashSet(StringComparer.Ordinal);
        found.RemoveAll(f => !plain.Contains(f.Path) && plain.Contains(RotatedNames.WithoutCompression(f.Path)));
    }

    static string? TryResolve(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName;
        }
        catch (IOException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    static int ByNumber(RotatedFile a, RotatedFile b) =>
        a.Rank.Number != b.Rank.Number ? b.Rank.Number.CompareTo(a.Rank.Number) : ByModification(a, b);

    static int ByDate(RotatedFile a, RotatedFile b) =>
        string.CompareOrdinal(a.Rank.Date, b.Rank.Date) is var order && order != 0 ? order : ByModification(a, b);

    static int ByModification(RotatedFile a, RotatedFile b) =>
        a.Facts.ModifiedAt != b.Facts.ModifiedAt ? a.Facts.ModifiedAt.CompareTo(b.Facts.ModifiedAt) : string.CompareOrdinal(a.Path, b.Path);
}
