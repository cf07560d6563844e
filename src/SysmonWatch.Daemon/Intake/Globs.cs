using System.IO.Enumeration;

namespace SysmonWatch.Daemon.Intake;

/// <summary>Paths with <c>*</c> and <c>?</c> in any of their parts.</summary>
static class Globs
{
    /// <summary>True where a path has a wildcard.</summary>
    public static bool IsGlob(string path) => path.AsSpan().IndexOfAny('*', '?') >= 0;

    /// <summary>
    /// The files that match, in the alphabet's order, without those whose names say that they are rotated generations of another match. A path
    /// without wildcard matches itself, also where nothing is there.
    /// </summary>
    public static IReadOnlyList<string> Expand(string pattern)
    {
        if (!IsGlob(pattern)) return [pattern];
        List<string> places = ["/"];
        string[] parts = pattern.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i < parts.Length; i++)
        {
            string part = parts[i];
            bool last = i == parts.Length - 1;
            if (!IsGlob(part))
            {
                for (int k = 0; k < places.Count; k++) places[k] = Path.Combine(places[k], part);
                continue;
            }
            places = [.. places.SelectMany(place => Matches(place, part, last))];
        }
        places.RemoveAll(p => !Path.Exists(p));
        places.Sort(string.CompareOrdinal);
        var names = places.ToLookup(p => Path.GetDirectoryName(p)!, p => Path.GetFileName(p), StringComparer.Ordinal);
        return [.. places.Where(p => !IsRotated(Path.GetFileName(p), names[Path.GetDirectoryName(p)!]))];
    }

    /// <summary>The directories whose names have to be watched for a path to be noticed: the deepest that exist.</summary>
    public static IEnumerable<string> DirectoriesOf(string pattern)
    {
        string directory = Path.GetDirectoryName(pattern) ?? "/";
        IEnumerable<string> asked = IsGlob(directory) ? Expand(directory).Append(UpToWildcard(directory)) : [directory];
        foreach (string at in asked)
        {
            string? place = at;
            while (place is not null && !Directory.Exists(place)) place = Path.GetDirectoryName(place);
            if (place is not null) yield return place;
        }
    }

    static string UpToWildcard(string directory)
    {
        string place = directory;
        while (IsGlob(place)) place = Path.GetDirectoryName(place) ?? "/";
        return place;
    }

    static bool IsRotated(string name, IEnumerable<string> names) => names.Any(live => live.Length < name.Length && RotatedNames.TryRank(live, name, out _))
        || RotatedNames.WithoutCompression(name).Length != name.Length;

    static string[] Matches(string place, string part, bool files)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(place)
                .Where(path => FileSystemName.MatchesSimpleExpression(part, Path.GetFileName(path.AsSpan()), ignoreCase: false) && (files || Directory.Exists(path)))
                .ToArray();
        }
        catch (IOException)
        {
            return [];
        }
        catch (UnauthorizedAccessException)
        {
            return [];
        }
    }
}
