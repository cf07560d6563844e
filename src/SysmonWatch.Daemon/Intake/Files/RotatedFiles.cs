namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>A rotated generation as it lies in the directory.</summary>
/// <param name="Path">Where.</param>
/// <param name="Facts">What the file system says about it.</param>
/// <param name="Rank">What its name says about its age.</param>
readonly record struct RotatedFile(string Path, FileFacts Facts, RotatedNames.Rank Rank);

/// <summary>Finds the rotated generations of a log beside it.</summary>
static class RotatedFiles
{
    /// <summary>How often a directory is read again because it changed meanwhile: a rotation renames file after file.</summary>
    const int MostTries = 64;

    /// <summary>The most generations that are looked at; the newest ones.</summary>
    const int MostFiles = 1000;

    /// <summary>
    /// The rotated generations of a log, oldest first: where all names tell their age by the same scheme by that, otherwise by the time of
    /// modification. Empty where there are none, or where the directory cannot be read.
    /// </summary>
    /// <remarks>readdir(3) may miss a file that is renamed meanwhile, so a listing counts only when the next one is the same.</remarks>
    public static List<RotatedFile> Of(string livePath)
    {
        List<RotatedFile> before = List(livePath);
        for (int i = 0; i < MostTries; i++)
        {
            List<RotatedFile> after = List(livePath);
            if (SamePlaces(before, after)) return after;
            before = after;
        }
        return before;
    }

    /// <summary>All regular files in the log's directory, whatever they are called.</summary>
    public static IEnumerable<RotatedFile> AllBeside(string livePath)
    {
        string[] paths = [];
        try
        {
            paths = Directory.GetFiles(Path.GetDirectoryName(livePath) ?? "/");
        }
        catch (IOException)
        {
            // Not there (any more): then nothing is.
        }
        catch (UnauthorizedAccessException)
        {
            // Said where the live file cannot be read.
        }
        foreach (string path in paths)
        {
            if (path != livePath && FileCalls.Look(path, out FileFacts facts) == 0 && facts.IsRegular) yield return new RotatedFile(path, facts, default);
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

    static List<RotatedFile> List(string livePath)
    {
        var found = new List<RotatedFile>();
        AddFrom(livePath, found);
        // A symbolic link to a file elsewhere is rotated where the file is.
        if (TryResolve(livePath) is { } target && target != livePath) AddFrom(target, found);
        DropHalfCompressed(found);
        found.Sort(found.TrueForAll(f => f.Rank.Scheme == RotatedNames.Scheme.Number) ? ByNumber
            : found.TrueForAll(f => f.Rank.Scheme == RotatedNames.Scheme.Date) ? ByDate
            : ByModification);
        if (found.Count > MostFiles) found.RemoveRange(0, found.Count - MostFiles);
        return found;
    }

    static void AddFrom(string livePath, List<RotatedFile> found)
    {
        string live = Path.GetFileName(livePath);
        string? directory = Path.GetDirectoryName(livePath);
        if (string.IsNullOrEmpty(directory)) return;
        try
        {
            foreach (string path in Directory.EnumerateFiles(directory, Escape(Path.GetFileNameWithoutExtension(live)) + "*"))
            {
                if (RotatedNames.TryRank(live, Path.GetFileName(path), out RotatedNames.Rank rank)
                    && FileCalls.Look(path, out FileFacts facts) == 0 && facts.IsRegular)
                {
                    found.Add(new RotatedFile(path, facts, rank));
                }
            }
        }
        catch (IOException)
        {
            // Not there (any more): then nothing is.
        }
        catch (UnauthorizedAccessException)
        {
            // Said where the live file cannot be read.
        }
    }

    /// <summary>A compressor writes the new file first and removes the old one then: while both are there the old one is whole.</summary>
    static void DropHalfCompressed(List<RotatedFile> found)
    {
        var plain = found.Select(f => f.Path).Where(p => RotatedNames.WithoutCompression(p).Length == p.Length).ToHashSet(StringComparer.Ordinal);
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

    static string Escape(string name) => name.Replace('*', '?');

    static int ByNumber(RotatedFile a, RotatedFile b) =>
        a.Rank.Number != b.Rank.Number ? b.Rank.Number.CompareTo(a.Rank.Number) : ByModification(a, b);

    static int ByDate(RotatedFile a, RotatedFile b) =>
        string.CompareOrdinal(a.Rank.Date, b.Rank.Date) is var order && order != 0 ? order : ByModification(a, b);

    static int ByModification(RotatedFile a, RotatedFile b) =>
        a.Facts.ModifiedAt != b.Facts.ModifiedAt ? a.Facts.ModifiedAt.CompareTo(b.Facts.ModifiedAt) : string.CompareOrdinal(a.Path, b.Path);
}
