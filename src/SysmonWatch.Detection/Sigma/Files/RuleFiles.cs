using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Sigma.Files;

/// <summary>
/// Finds rule files: in directories all <c>*.yml</c> and <c>*.yaml</c> in and below them but <c>*.test.yml</c>, in the order of their names. A file or
/// directory that is reached on several ways, by symbolic links, counts once.
/// </summary>
/// <remarks>For one set of rules. Not thread-safe.</remarks>
sealed class RuleFiles
{
    // As the kernel: more symbolic links in one path are a loop.
    const int MostLinks = 40;

    readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    readonly Dictionary<string, string> _realDirectories = new(StringComparer.Ordinal);

    /// <summary>The files of a path that were not found before.</summary>
    /// <param name="path">A directory, or a file, which need not exist: whoever reads it will say so.</param>
    /// <param name="problems">Gets directories that cannot be read.</param>
    public IReadOnlyList<string> Find(string path, List<RuleProblem> problems)
    {
        var files = new List<(string Path, string Real)>();
        if (Directory.Exists(path)) Walk(path, files, problems);
        else files.Add((path, RealPath(path)));
        files.Sort((one, other) => string.CompareOrdinal(one.Path, other.Path));
        return [.. files.Where(file => _seen.Add(file.Real)).Select(file => file.Path)];
    }

    void Walk(string top, List<(string Path, string Real)> files, List<RuleProblem> problems)
    {
        var open = new Stack<string>([top]);
        while (open.TryPop(out string? directory))
        {
            if (!_seen.Add(RealPath(directory) + Path.DirectorySeparatorChar)) continue;
            try
            {
                foreach (string entry in Directory.EnumerateFileSystemEntries(directory))
                {
                    if (Directory.Exists(entry))
                    {
                        open.Push(entry);
                    }
                    else if (IsRuleFile(entry))
                    {
                        string real = RealPathWithin(directory, entry);
                        if (MayHaveRules(real)) files.Add((entry, real));
                    }
                }
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                problems.Add(new RuleProblem(directory, 1, 1, true, $"the directory cannot be read: {failure.Message}"));
            }
        }
    }

    /// <summary>NAME.test.yml stands beside a rule and says what it must find.</summary>
    static bool IsRuleFile(string file) =>
        Path.GetExtension(file).ToUpperInvariant() is ".YML" or ".YAML"
        && !Path.GetFileNameWithoutExtension(file).EndsWith(".test", StringComparison.OrdinalIgnoreCase);

    /// <summary>False for a pipe, where reading would wait for ever, and a device, neither of which has a length. Who means one of these names it.</summary>
    static bool MayHaveRules(string real)
    {
        try
        {
            return new FileInfo(real) is not { Exists: true, Length: 0 } || NamedPipes.IsRegular(real);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return true; // whoever reads it will say why
        }
    }

    /// <summary>The path of a directory's entry without symbolic links; what leads to the directory is only looked at once.</summary>
    string RealPathWithin(string directory, string entry)
    {
        if (Target(entry) is not null) return RealPath(entry);
        if (!_realDirectories.TryGetValue(directory, out string? real)) _realDirectories[directory] = real = RealPath(directory);
        return Path.Combine(real, Path.GetFileName(entry));
    }

    /// <summary>The path without symbolic links, as far as it exists.</summary>
    static string RealPath(string path)
    {
        string full = Path.GetFullPath(path);
        var rest = new Stack<string>(full.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse());
        string real = Path.GetPathRoot(full) ?? "";
        int links = 0;
        while (rest.TryPop(out string? part))
        {
            string next = Path.Combine(real, part);
            if (Target(next) is not { } target || ++links > MostLinks)
            {
                real = next;
                continue;
            }
            string resolved = Path.GetFullPath(target, real);
            foreach (string piece in resolved.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse()) rest.Push(piece);
            real = Path.GetPathRoot(resolved) ?? "";
        }
        return real;
    }

    static string? Target(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
