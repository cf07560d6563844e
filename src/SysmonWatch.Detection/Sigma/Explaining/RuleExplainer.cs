using System.Text;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Sigma.Explaining;

/// <summary>Walks a rule's whole condition over an event and says of each part whether it is true, and why.</summary>
static class RuleExplainer
{
    /// <summary>Patterns of a line that are written out; of longer lists the rest is counted.</summary>
    const int MostPatterns = 8;

    /// <summary>Explains a rule. The first part says whether the event is one of the rule's log source.</summary>
    public static RuleExplanation Explain(SigmaRule rule, FieldedEvent e, MatchScratch scratch)
    {
        RuleExplanation source = Source(rule.LogSource, e);
        RuleExplanation condition = Node(rule.Condition, e, false, scratch);
        return new RuleExplanation("all of", source.Holds && condition.Holds, null, [source, condition]);
    }

    static RuleExplanation Source(LogSource rule, FieldedEvent e)
    {
        IReadOnlyList<LogSource> sources = e switch
        {
            SysmonEvent sysmon => SysmonLogSources.Of(sysmon.EventId),
            JsonEvent { HasLogSource: true } json => [new LogSource(json.Category, json.Product, json.Service)],
            _ => [],
        };
        string note = sources.Count == 0 ? "the event does not say its own" : $"the event's is {string.Join(" or ", sources)}";
        if (e is SysmonEvent { EventId: var id }) note += $" (event id {id})";
        return new RuleExplanation($"log source {rule}", sources.Count == 0 || sources.Any(rule.Takes), note, []);
    }

    static RuleExplanation Node(RuleNode node, FieldedEvent e, bool negative, MatchScratch scratch)
    {
        switch (node)
        {
            case RuleNode.Selection selection:
                RuleExplanation body = Node(selection.Body, e, negative, scratch);
                return new RuleExplanation(selection.Name, body.Holds, null, [body]);
            case RuleNode.Not not:
                RuleExplanation part = Node(not.Part, e, !negative, scratch);
                return new RuleExplanation("not", !part.Holds, null, [part]) { IsNegation = true };
            case RuleNode.All all:
                RuleExplanation[] needed = [.. all.Parts.Select(p => Node(p, e, negative, scratch))];
                return new RuleExplanation(all.Label ?? "all of", needed.All(p => p.Holds), null, needed);
            case RuleNode.Any any:
                RuleExplanation[] choices = [.. any.Parts.Select(p => Node(p, e, negative, scratch))];
                return new RuleExplanation(any.Label ?? "any of", choices.Any(p => p.Holds), null, choices) { NeedsOne = true };
            case RuleNode.Item item:
                return Item(item, e, negative, scratch);
            default:
                throw new InvalidOperationException(node.GetType().Name);
        }
    }

    static RuleExplanation Item(RuleNode.Item item, FieldedEvent e, bool negative, MatchScratch scratch)
    {
        scratch.AsWritten = negative != item.Negated;
        string field = item.IsKeyword ? "any field" : item.Field.Name;
        string patterns = string.Join(item.NeedsAll ? " and " : " or ", item.Values.Take(MostPatterns).Select(v => v.Pattern));
        if (item.Values.Count > MostPatterns) patterns += $" or {item.Values.Count - MostPatterns} more";
        var matched = new List<string>();
        foreach (ItemValue value in item.Values)
        {
            if (Match(item, value, e, scratch) is { } found) matched.Add(found);
        }
        bool holds = (item.NeedsAll ? matched.Count == item.Values.Count : matched.Count > 0) != item.Negated;
        var note = new StringBuilder(item.IsKeyword ? "" : Actual(item.Field, e));
        if (matched.Count > 0) note.Append(note.Length > 0 ? "; " : "").AppendJoin("; ", matched.Take(MostPatterns));
        if (scratch.AsWritten && Repaired(item.Field, e)) note.Append("; under a negation only what Sysmon wrote counts");
        return new RuleExplanation($"{field}{(item.Negated ? " neq" : "")} {patterns}", holds, note.ToString(), []);
    }

    /// <summary>Which pattern matched, and by which value where that is not the field's own.</summary>
    static string? Match(RuleNode.Item item, ItemValue value, FieldedEvent e, MatchScratch scratch)
    {
        if (item.IsKeyword)
        {
            int position = ItemTest.FindKeyword(e, value.Test, scratch);
            if (position == ItemTest.None) return null;
            e.At(position, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> text);
            return $"{value.Pattern} in {Encoding.UTF8.GetString(name)} {Quote(text)}";
        }
        int which = ItemTest.Find(e, item.Field, value.Test, scratch);
        if (which == ItemTest.None) return null;
        if (which == ItemTest.Own) return $"{value.Pattern} matches";
        e.TryAlternative(item.Field, which, out ReadOnlySpan<byte> alternative);
        string by = e.RepairOf(item.Field, which) is { } repair ? $" ({repair})" : "";
        return $"{value.Pattern} matches {Quote(alternative)}{by}";
    }

    static string Actual(FieldId field, FieldedEvent e) => e.Find(field, out ReadOnlySpan<byte> value) switch
    {
        ValueKind.Absent => "the event has no such field",
        ValueKind.Null => "is null",
        _ => $"is {Quote(value)}",
    };

    static bool Repaired(FieldId field, FieldedEvent e)
    {
        for (int i = 0; e.TryAlternative(field, i, out _); i++)
        {
            if (e.RepairOf(field, i) is not null) return true;
        }
        return false;
    }

    static string Quote(ReadOnlySpan<byte> value) => $"\"{Encoding.UTF8.GetString(value)}\"";
}
