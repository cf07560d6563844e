namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>Paths with <c>*</c>, <c>?</c> and <c>[…]</c> in any of their parts.</summary>
/// <remarks>Source: glob(7). A name that begins with a dot is matched by a dot only; <c>[!…]</c> is what is not in it, <c>\</c> takes the next character as it is.</remarks>
static class Globs
{
    /// <summary>True where a path has a wildcard.</summary>
    public static bool IsGlob(string path) => path.AsSpan().IndexOfAny('*', '?', '[') >= 0;

    /// <summary>True where a path matches a pattern, part by part.</summary>
    public static bool Matches(string pattern, string path)
    {
        string[] parts = pattern.Split('/'), names = path.Split('/');
        return parts.Length == names.Length && parts.Zip(names).All(p => MatchesName(p.First, p.Second));
    }

    /// <summary>
    /// The files that match, in the alphabet's order, without those whose names say that they are rotated files of another match. A path
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
            places = [.. places.SelectMany(place => Matching(place, part, last))];
        }
        places.RemoveAll(p => !Path.Exists(p));
        // Brackets may be part of a name.
        if (places.Count == 0 && Path.Exists(pattern)) return [pattern];
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

    static string[] Matching(string place, string part, bool files)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(place)
                .Where(path => MatchesName(part, Path.GetFileName(path.AsSpan())) && (files || Directory.Exists(path)))
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

    static bool MatchesName(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        if (name.StartsWith('.') && !pattern.StartsWith('.')) return false;
        int p = 0, n = 0, star = -1, mark = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, mark) = (p++, n);
            }
            else if (p < pattern.Length && MatchesOne(pattern[p..], name[n], out int length))
            {
                p += length;
                n++;
            }
            else if (star >= 0)
            {
                (p, n) = (star + 1, ++mark);
            }
            else
            {
                return false;
            }
        }
        return pattern[p..].TrimStart('*').IsEmpty;
    }

    /// <summary>Matches one character against the beginning of a pattern, and says how long that is.</summary>
    static bool MatchesOne(ReadOnlySpan<char> pattern, char character, out int length)
    {
        length = 1;
        if (pattern[0] == '?') return true;
        if (pattern[0] == '\\' && pattern.Length > 1)
        {
            length = 2;
            return pattern[1] == character;
        }
        if (pattern[0] != '[') return pattern[0] == character;
        bool not = pattern.Length > 1 && pattern[1] is ('!' or '^');
        int first = not ? 2 : 1;
        // A bracket that comes first is one of the set.
        int end = pattern.Length <= first + 1 ? -1 : pattern[(first + 1)..].IndexOf(']');
        if (end < 0) return character == '[';
        ReadOnlySpan<char> set = pattern[first..(first + 1 + end)];
        length = first + set.Length + 1;
        bool found = false;
        for (int i = 0; i < set.Length; i++)
        {
            bool range = i + 2 < set.Length && set[i + 1] == '-';
            found |= range ? character >= set[i] && character <= set[i + 2] : character == set[i];
            if (range) i += 2;
        }
        return found != not;
    }
}
