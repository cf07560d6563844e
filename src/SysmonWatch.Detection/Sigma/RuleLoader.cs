using System.Text;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma;

/// <summary>Reads rule files. What is wrong with a rule is a problem of the result, never an exception; the other rules are read.</summary>
public static class RuleLoader
{
    /// <summary>The largest rule file that is read, in bytes.</summary>
    public const long LargestFile = 16 * 1024 * 1024;

    static readonly Dictionary<string, IReadOnlyList<string>> NoPlaceholders = [];

    /// <summary>Reads files, and directories with all <c>*.yml</c> and <c>*.yaml</c> in and below them, in the order of their names.</summary>
    /// <param name="paths">Files or directories; one that is missing is a problem. A file that comes twice is read once.</param>
    /// <param name="placeholders">Values for the <c>expand</c> modifier, by placeholder name; null: none.</param>
    public static RuleSet Load(IEnumerable<string> paths, IReadOnlyDictionary<string, IReadOnlyList<string>>? placeholders = null)
    {
        var problems = new List<RuleProblem>();
        return Parse(Read(paths, problems), placeholders, problems);
    }

    /// <summary>Reads rules that are in memory, and then files and directories, as one set.</summary>
    /// <param name="documents">Each file's name, for messages, and its text.</param>
    /// <param name="paths">Files or directories; one that is missing is a problem.</param>
    public static RuleSet Load(IEnumerable<(string File, string Yaml)> documents, IEnumerable<string> paths)
    {
        var problems = new List<RuleProblem>();
        return Parse(documents.Concat(Read(paths, problems)), null, problems);
    }

    /// <summary>Reads rules that are in memory.</summary>
    /// <param name="documents">Each file's name, for messages, and its text.</param>
    /// <param name="placeholders">Values for the <c>expand</c> modifier, by placeholder name; null: none.</param>
    public static RuleSet Parse(
        IEnumerable<(string File, string Yaml)> documents, IReadOnlyDictionary<string, IReadOnlyList<string>>? placeholders = null) =>
        Parse(documents, placeholders, []);

    static RuleSet Parse(
        IEnumerable<(string File, string Yaml)> documents, IReadOnlyDictionary<string, IReadOnlyList<string>>? placeholders, List<RuleProblem> all)
    {
        var builder = new RuleSetBuilder(all);
        var modifiers = new Modifiers(placeholders ?? NoPlaceholders);
        foreach ((string file, string yaml) in documents)
        {
            var problems = new ProblemList(file, all);
            IReadOnlyList<YamlMappingNode> roots = YamlFile.Read(yaml, problems);
            foreach (SigmaDocument document in RuleCollection.Expand(roots, problems)) builder.Add(document, problems, modifiers);
        }
        return builder.Build();
    }

    static IEnumerable<(string File, string Yaml)> Read(IEnumerable<string> paths, List<RuleProblem> problems)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string path in paths)
        {
            foreach (string file in Files(path, problems))
            {
                if (seen.Add(Path.GetFullPath(file)) && ReadFile(file, problems) is { } text) yield return (file, text);
            }
        }
    }

    static string[] Files(string path, List<RuleProblem> problems)
    {
        if (!Directory.Exists(path)) return [path];
        try
        {
            string[] files = [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(IsRuleFile)];
            Array.Sort(files, StringComparer.Ordinal);
            return files;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            problems.Add(new RuleProblem(path, 1, 1, true, $"the directory cannot be read: {failure.Message}"));
            return [];
        }
    }

    static bool IsRuleFile(string file) =>
        file.EndsWith(".yml", StringComparison.OrdinalIgnoreCase) || file.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase);

    static string? ReadFile(string file, List<RuleProblem> problems)
    {
        try
        {
            if (new FileInfo(file).Length > LargestFile)
            {
                problems.Add(new RuleProblem(file, 1, 1, true, $"the file is larger than {LargestFile / 1024 / 1024} MiB, the largest that is read"));
                return null;
            }
            return File.ReadAllText(file, Encoding.UTF8);
        }
        catch (FileNotFoundException)
        {
            problems.Add(new RuleProblem(file, 1, 1, true, "there is no such file or directory"));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            problems.Add(new RuleProblem(file, 1, 1, true, $"the file cannot be read: {failure.Message}"));
        }
        return null;
    }
}
