using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Files;

/// <summary>Reads the YAML documents of a rule file, with bounds on what a file can make of memory and stack.</summary>
static class YamlFile
{
    /// <summary>How deep a document may nest.</summary>
    public const int MostDepth = 64;

    /// <summary>How many aliases a file may have.</summary>
    public const int MostAliases = 1000;

    /// <summary>How many documents are read one by one where the file as a whole is no YAML.</summary>
    const int MostSingleDocuments = 1000;

    /// <summary>The file's documents. A document that is no YAML, or has a merge key, is a problem, and the others are read all the same.</summary>
    public static IReadOnlyList<YamlMappingNode> Read(string text, ProblemList problems)
    {
        List<YamlMappingNode> documents = ReadAny(text, problems);
        if (text.Contains("<<", StringComparison.Ordinal)) documents.RemoveAll(document => HasMergeKey(document, problems));
        return documents;
    }

    /// <summary>
    /// YAML 1.2 has no merge keys; left alone, one would be a search identifier or a key without a meaning, and what it was to bring would be missing.
    /// </summary>
    static bool HasMergeKey(YamlMappingNode document, ProblemList problems)
    {
        // What aliases share is looked at once.
        var seen = new HashSet<YamlNode>(ReferenceEqualityComparer.Instance);
        var open = new Stack<YamlNode>([document]);
        while (open.TryPop(out YamlNode? node))
        {
            if (!seen.Add(node)) continue;
            if (node is YamlSequenceNode list)
            {
                foreach (YamlNode item in list.Children) open.Push(item);
                continue;
            }
            if (node is not YamlMappingNode map) continue;
            foreach ((YamlNode key, YamlNode value) in map.Children)
            {
                if (key is YamlScalarNode { Value: "<<", Style: ScalarStyle.Plain })
                {
                    problems.Error(key, "'<<' merges maps in YAML 1.1 only, and Sigma is written in YAML 1.2; write the keys out that it was to bring");
                    return true;
                }
                open.Push(value);
            }
        }
        return false;
    }

    static List<YamlMappingNode> ReadAny(string text, ProblemList problems)
    {
        if (TryRead(text, out List<YamlMappingNode> documents, out List<YamlNode> others, out _, out _))
        {
            foreach (YamlNode other in others) problems.Error(other, "a Sigma document must be a map");
            return documents;
        }
        foreach ((string document, int line) in Split(text))
        {
            // The empty lines before it keep the places right.
            if (TryRead(new string('\n', line) + document, out List<YamlMappingNode> single, out others, out string? reason, out Mark at)) documents.AddRange(single);
            else problems.Error(at, $"not YAML: {reason}");
            foreach (YamlNode other in others) problems.Error(other, "a Sigma document must be a map");
        }
        return documents;
    }

    static bool TryRead(string text, out List<YamlMappingNode> documents, out List<YamlNode> others, out string? reason, out Mark at)
    {
        documents = [];
        others = [];
        reason = null;
        at = Mark.Empty;
        var stream = new YamlStream();
        var parser = new BoundedParser(new Parser(new StringReader(text)));
        try
        {
            stream.Load(parser);
        }
        catch (YamlException wrong)
        {
            (at, reason) = YamlMistakes.Explain(text, wrong.Start, wrong.InnerException?.Message ?? wrong.Message);
            return false;
        }
        catch (Exception wrong) when (wrong is ArgumentException or InvalidOperationException or OverflowException or KeyNotFoundException)
        {
            // The YAML library has such exceptions, which say nothing, for some malformed input.
            reason = $"what follows here cannot be read ({wrong.GetType().Name}); a bracket, brace or quote may not be closed";
            at = parser.Last;
            return false;
        }
        foreach (YamlDocument document in stream.Documents)
        {
            if (document.RootNode is YamlMappingNode map) documents.Add(map);
            else if (document.RootNode is not YamlScalarNode { Value: null or "" }) others.Add(document.RootNode);
        }
        return true;
    }

    static IEnumerable<(string Document, int Line)> Split(string text)
    {
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        int start = 0;
        int count = 0;
        for (int i = 0; i <= lines.Length; i++)
        {
            bool separates = i < lines.Length && lines[i].StartsWith("---", StringComparison.Ordinal) && (lines[i].Length == 3 || lines[i][3] is ' ' or '\t' or '\r');
            if (i < lines.Length && !separates) continue;
            if (++count < MostSingleDocuments && i > start) yield return (string.Join('\n', lines[start..i]), start);
            start = i;
            if (separates && lines[i].Length == 3) start++;
        }
    }

    /// <summary>Refuses what would need much stack or time further on; the library's own parser does not recurse.</summary>
    sealed class BoundedParser(IParser inner) : IParser
    {
        readonly HashSet<AnchorName> _anchors = [];
        int _depth;
        int _aliases;

        /// <summary>Where the last thing that was understood begins.</summary>
        public Mark Last { get; private set; } = Mark.Empty;

        /// <inheritdoc/>
        public ParsingEvent? Current => inner.Current;

        /// <inheritdoc/>
        public bool MoveNext()
        {
            if (!inner.MoveNext()) return false;
            Last = inner.Current!.Start;
            _depth += inner.Current.NestingIncrease;
            if (_depth > MostDepth + 2) throw new YamlException(inner.Current.Start, inner.Current.End, $"it nests deeper than {MostDepth}");
            if (inner.Current is DocumentStart) _anchors.Clear();
            if (inner.Current is NodeEvent { Anchor.IsEmpty: false } node) _anchors.Add(node.Anchor);
            if (inner.Current is not AnchorAlias alias) return true;
            if (!_anchors.Contains(alias.Value)) throw new YamlException(alias.Start, alias.End, YamlMistakes.Quote('*'));
            if (++_aliases > MostAliases) throw new YamlException(alias.Start, alias.End, $"it has more than {MostAliases} aliases");
            return true;
        }
    }
}
