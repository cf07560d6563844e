using SysmonWatch.Detection.Sigma.Files;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Parsing;

/// <summary>Applies the <c>action</c> of a file's documents.</summary>
/// <remarks>
/// Not in Sigma 2.1, but in the reference implementation, and used by SigmaHQ: <c>global</c> is merged into every plain rule after it and wins over
/// the rule's own keys, <c>reset</c> forgets it, <c>repeat</c> is merged into the rule before it, which comes again. Correlations and filters
/// are left alone.
/// </remarks>
static class RuleCollection
{
    /// <summary>The documents as they count.</summary>
    public static IEnumerable<SigmaDocument> Expand(IEnumerable<YamlMappingNode> documents, ProblemList problems)
    {
        YamlMappingNode? global = null;
        YamlMappingNode? previous = null;
        foreach (YamlMappingNode document in documents)
        {
            int line = (int)document.Start.Line;
            string? action = RuleMetadataParser.Text(document, "action");
            switch (action)
            {
                case null when RuleMetadataParser.Find(document, "correlation") is not null || RuleMetadataParser.Find(document, "filter") is not null:
                    yield return new SigmaDocument(document, line, false);
                    break;
                case null:
                    previous = global is null ? document : Merge(document, global);
                    yield return new SigmaDocument(previous, line, global is not null);
                    break;
                case "global":
                    global = global is null ? WithoutAction(document) : Merge(global, WithoutAction(document));
                    break;
                case "reset":
                    global = null;
                    break;
                case "repeat" when previous is not null:
                    previous = Merge(previous, WithoutAction(document));
                    yield return new SigmaDocument(previous, line, true);
                    break;
                case "repeat":
                    problems.Error(document.Start, "'action: repeat' has no rule before it to repeat");
                    break;
                default:
                    problems.Error(RuleMetadataParser.Find(document, "action")!, $"unknown action '{action}'; expected global, reset or repeat");
                    break;
            }
        }
    }

    static YamlMappingNode WithoutAction(YamlMappingNode document) =>
        new(document.Children.Where(c => c.Key is not YamlScalarNode { Value: "action" }));

    /// <summary>Maps are merged key by key; anything else is taken from the winner.</summary>
    static YamlMappingNode Merge(YamlMappingNode loser, YamlMappingNode winner)
    {
        var merged = new YamlMappingNode();
        foreach ((YamlNode key, YamlNode value) in loser.Children)
        {
            YamlNode? wins = RuleMetadataParser.Find(winner, (key as YamlScalarNode)?.Value ?? "");
            merged.Add(key, wins is YamlMappingNode theirs && value is YamlMappingNode mine ? Merge(mine, theirs) : wins ?? value);
        }
        foreach ((YamlNode key, YamlNode value) in winner.Children)
        {
            if (RuleMetadataParser.Find(loser, (key as YamlScalarNode)?.Value ?? "") is null) merged.Add(key, value);
        }
        return merged;
    }
}
