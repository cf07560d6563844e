using System.Text;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Sigma.Explaining;

/// <summary>Says why a rule matched an event. Walks the rule's tree, so it is for events that matched only.</summary>
static class RuleEvidence
{
    /// <summary>Every item that helped the rule to match, each once.</summary>
    public static IReadOnlyList<Evidence> Collect(RuleNode condition, FieldedEvent e, MatchScratch scratch)
    {
        var found = new List<Evidence>();
        Collect(condition, "", e, false, scratch, found);
        return [.. found.Distinct()];
    }

    /// <summary>True where the node is; what made it true is added, and nothing where it is not.</summary>
    static bool Collect(RuleNode node, string selection, FieldedEvent e, bool negative, MatchScratch scratch, List<Evidence> found)
    {
        int before = found.Count;
        switch (node)
        {
            case RuleNode.Selection named:
                return Collect(named.Body, named.Name, e, negative, scratch, found);
            case RuleNode.Not not:
                bool holds = Collect(not.Part, selection, e, !negative, scratch, found);
                found.RemoveRange(before, found.Count - before);
                return !holds;
            case RuleNode.All all:
                foreach (RuleNode part in all.Parts)
                {
                    if (Collect(part, selection, e, negative, scratch, found)) continue;
                    found.RemoveRange(before, found.Count - before);
                    return false;
                }
                return true;
            case RuleNode.Any any:
                bool some = false;
                foreach (RuleNode part in any.Parts) some |= Collect(part, selection, e, negative, scratch, found);
                return some;
            case RuleNode.Item item:
                return Item(item, selection, e, negative, scratch, found);
            default:
                throw new InvalidOperationException(node.GetType().Name);
        }
    }

    static bool Item(RuleNode.Item item, string selection, FieldedEvent e, bool negative, MatchScratch scratch, List<Evidence> found)
    {
        var matched = new List<Evidence>();
        scratch.AsWritten = negative != item.Negated;
        foreach (ItemValue value in item.Values)
        {
            if (Value(item, value, selection, e, scratch) is { } evidence) matched.Add(evidence);
        }
        bool holds = item.NeedsAll ? matched.Count == item.Values.Count : matched.Count > 0;
        if (holds == item.Negated) return false;
        if (!item.Negated)
        {
            found.AddRange(matched);
            return true;
        }
        e.Find(item.Field, out ReadOnlySpan<byte> actual);
        string patterns = string.Join(", ", item.Values.Select(v => v.Pattern));
        found.Add(new Evidence(selection, item.IsKeyword ? "" : item.Field.Name, Encoding.UTF8.GetString(actual), $"neq {patterns}"));
        return true;
    }

    static Evidence? Value(RuleNode.Item item, ItemValue value, string selection, FieldedEvent e, MatchScratch scratch)
    {
        if (item.IsKeyword)
        {
            int position = ItemTest.FindKeyword(e, value.Test, scratch);
            if (position == ItemTest.None) return null;
            e.At(position, out _, out ReadOnlySpan<byte> text);
            return new Evidence(selection, "", Encoding.UTF8.GetString(text), value.Pattern);
        }
        int which = ItemTest.Find(e, item.Field, value.Test, scratch);
        if (which == ItemTest.None) return null;
        ValueKind kind = e.Find(item.Field, out ReadOnlySpan<byte> actual);
        string? repair = which >= 0 ? e.RepairOf(item.Field, which) : value.Test is NullTest && kind == ValueKind.Text ? RepairNames.DashIsNull : null;
        if (which >= 0) e.TryAlternative(item.Field, which, out actual);
        return new Evidence(selection, item.Field.Name, Encoding.UTF8.GetString(actual), value.Pattern, repair);
    }
}
