using System.Buffers;
using System.Text;
using SysmonWatch.Detection.Sigma.Files;
using SysmonWatch.Detection.Sigma.Rules;
using YamlDotNet.Core;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Reads rule files. What is wrong with a rule is a problem of the result, never an exception; the other rules are read.</summary>
public static class RuleLoader
{
    /// <summary>The largest rule file that is read, in bytes.</summary>
    public const long LargestFile = 16 * 1024 * 1024;

    /// <summary>How many files are read at once before their rules are put together, so that not all of SigmaHQ's YAML is in memory at the same time.</summary>
    const int FilesAtOnce = 64;

    static readonly Dictionary<string, IReadOnlyList<string>> NoPlaceholders = [];
    static readonly ParallelOptions OnSomeProcessors = new() { MaxDegreeOfParallelism = Math.Min(4, Environment.ProcessorCount) };

    /// <summary>Reads files, and directories with all <c>*.yml</c> and <c>*.yaml</c> in and below them but <c>*.test.yml</c>, in the order of their names.</summary>
    /// <param name="paths">Files or directories; one that is missing is a problem. A file that comes twice is read once.</param>
    /// <param name="placeholders">Values for the <c>expand</c> modifier, by placeholder name; null: none.</param>
    public static RuleSet Load(IEnumerable<string> paths, IReadOnlyDictionary<string, IReadOnlyList<string>>? placeholders = null) =>
        Parse(Find(paths), placeholders);

    /// <summary>Reads rules that are in memory, and then files and directories, as one set.</summary>
    /// <param name="documents">Each file's name, for messages, and its text.</param>
    /// <param name="paths">Files or directories; one that is missing is a problem.</param>
    /// <param name="placeholders">Values for the <c>expand</c> modifier, by placeholder name; null: none.</param>
    public static RuleSet Load(
        IEnumerable<(string File, string Yaml)> documents, IEnumerable<string> paths, IReadOnlyDictionary<string, IReadOnlyList<string>>? placeholders = null) =>
        Parse(documents.Select(InMemory).Concat(Find(paths)), placeholders);

    /// <summary>Reads rules that are in memory.</summary>
    /// <param name="documents">Each file's name, for messages, and its text.</param>
    /// <param name="placeholders">Values for the <c>expand</c> modifier, by placeholder name; null: none.</param>
    public static RuleSet Parse(
        IEnumerable<(string File, string Yaml)> documents, IReadOnlyDictionary<string, IReadOnlyList<string>>? placeholders = null) =>
        Parse(documents.Select(InMemory), placeholders);

    static RuleSet Parse(IEnumerable<Source> sources, IReadOnlyDictionary<string, IReadOnlyList<string>>? placeholders)
    {
        var all = new List<RuleProblem>();
        var builder = new RuleSetBuilder(all);
        var modifiers = new Modifiers(placeholders ?? NoPlaceholders);
        foreach (Source[] some in sources.Chunk(FilesAtOnce))
        {
            var read = new ReadFile[some.Length];
            Parallel.For(0, some.Length, OnSomeProcessors, i => read[i] = Read(some[i], modifiers));
            for (int i = 0; i < some.Length; i++)
            {
                all.AddRange(read[i].Problems);
                var problems = new ProblemList(some[i].File, all, read[i].Text);
                foreach ((SigmaDocument document, SigmaRule? rule) in read[i].Documents) builder.Add(document, rule, problems, modifiers);
            }
        }
        return builder.Build();
    }

    /// <summary>What of a file can be found out without knowing the others.</summary>
    static ReadFile Read(Source source, Modifiers modifiers)
    {
        List<RuleProblem> found = source.Problem is null ? [] : [source.Problem];
        string? yaml = source.Problem is null ? source.Yaml ?? ReadText(source.File, found) : null;
        if (yaml is null) return new ReadFile(null, [], found);
        var problems = new ProblemList(source.File, found, yaml);
        var documents = new List<(SigmaDocument, SigmaRule?)>();
        foreach (SigmaDocument document in RuleCollection.Expand(YamlFile.Read(yaml, problems), problems))
        {
            documents.Add((document, RuleSetBuilder.IsRule(document) ? RuleParser.ParseRule(document, problems, modifiers) : null));
        }
        if (documents.Count == 0 && found.Count == 0) problems.Warn(Mark.Empty, "the file is empty: there is no rule in it");
        return new ReadFile(yaml, documents, found);
    }

    static Source InMemory((string File, string Yaml) document) => new(document.File, document.Yaml, null);

    static IEnumerable<Source> Find(IEnumerable<string> paths)
    {
        var files = new RuleFiles();
        foreach (string path in paths)
        {
            var problems = new List<RuleProblem>();
            IReadOnlyList<string> found = files.Find(path, problems);
            foreach (RuleProblem problem in problems) yield return new Source(problem.File, null, problem);
            foreach (string file in found) yield return new Source(file, null, null);
        }
    }

    static string? ReadText(string file, List<RuleProblem> problems)
    {
        if (NamedPipes.Is(file))
        {
            problems.Add(new RuleProblem(file, 1, 1, true, $"the file is {NamedPipes.Fix}"));
            return null;
        }
        try
        {
            using FileStream stream = new(file, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read, BufferSize = 0 });
            // What is no regular file has no length, or goes on for ever; most rules fit into the first buffer.
            byte[] bytes = ArrayPool<byte>.Shared.Rent(16 * 1024);
            int length = 0;
            try
            {
                for (int read; (read = stream.Read(bytes, length, bytes.Length - length)) > 0;)
                {
                    length += read;
                    if (length > LargestFile)
                    {
                        problems.Add(new RuleProblem(file, 1, 1, true, $"the file is larger than {LargestFile / 1024 / 1024} MiB, the largest that is read"));
                        return null;
                    }
                    if (length < bytes.Length) continue;
                    byte[] larger = ArrayPool<byte>.Shared.Rent(length * 2);
                    bytes.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(bytes);
                    bytes = larger;
                }
                return Decode(bytes.AsSpan(0, length), file, problems);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(bytes);
            }
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            problems.Add(new RuleProblem(file, 1, 1, true, "there is no such file or directory"));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            problems.Add(new RuleProblem(file, 1, 1, true, $"the file cannot be read: {failure.Message}"));
        }
        return null;
    }

    /// <summary>UTF-8, or what a byte order mark says. Null where it is neither: what a rule asks for must not depend on a guess.</summary>
    static string? Decode(ReadOnlySpan<byte> bytes, string file, List<RuleProblem> problems)
    {
        if (bytes is [0xFE, 0xFF, ..] or [0xFF, 0xFE, ..] or [0, 0, 0xFE, 0xFF, ..])
        {
            using var text = new StreamReader(new MemoryStream(bytes.ToArray()), Encoding.UTF8, detectEncodingFromByteOrderMarks: true);
            return text.ReadToEnd();
        }
        if (bytes is [0xEF, 0xBB, 0xBF, ..]) bytes = bytes[3..];
        int wrong = FirstInvalid(bytes);
        if (wrong < 0) return Encoding.UTF8.GetString(bytes);
        int line = 1 + bytes[..wrong].Count((byte)'\n');
        int column = 1 + Encoding.UTF8.GetCharCount(bytes[(bytes[..wrong].LastIndexOf((byte)'\n') + 1)..wrong]);
        problems.Add(new RuleProblem(file, line, column, true, $"the file is not UTF-8: there is the byte 0x{bytes[wrong]:X2}; save it as UTF-8"));
        return null;
    }

    static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes)) return -1;
        int at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int length) == OperationStatus.Done) at += length;
        return at;
    }

    /// <summary>Something to read: a file, a text that stands for one, or why it cannot be read.</summary>
    sealed record Source(string File, string? Yaml, RuleProblem? Problem);

    /// <summary>A file's text and documents, those that are rules parsed, null where they are refused; and what is wrong with them.</summary>
    sealed record ReadFile(string? Text, IReadOnlyList<(SigmaDocument Document, SigmaRule? Rule)> Documents, IReadOnlyList<RuleProblem> Problems);
}
