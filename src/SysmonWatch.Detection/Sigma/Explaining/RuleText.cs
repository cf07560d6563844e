using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Sigma.Explaining;

/// <summary>A rule's condition as an indented tree, for people.</summary>
public static class RuleText
{
    /// <summary>Its lines.</summary>
    public static IEnumerable<string> Lines(SigmaRule rule) => Lines(rule.Condition, "");

    static IEnumerable<string> Lines(RuleNode node, string indent)
    {
        switch (node)
        {
            case RuleNode.Selection selection: return Lines(selection.Name, [selection.Body], indent);
            case RuleNode.Not not: return Lines("not", [not.Part], indent);
            case RuleNode.All all: return Lines(all.Label ?? "all of", all.Parts, indent);
            case RuleNode.Any any: return Lines(any.Label ?? "any of", any.Parts, indent);
            case RuleNode.Item item:
                string field = $"{(item.IsKeyword ? "any field" : item.Field.Name)}{(item.Negated ? " neq" : "")}";
                return item.Values.Select((value, i) => $"{indent}{(i == 0 ? field : item.NeedsAll ? "  and" : "  or")} {value.Pattern}");
            default: throw new InvalidOperationException(node.GetType().Name);
        }
    }

    static IEnumerable<string> Lines(string head, IReadOnlyList<RuleNode> parts, string indent) =>
        parts.SelectMany(part => Lines(part, indent + "  ")).Prepend(indent + head);
}
