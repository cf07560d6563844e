using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Sigma.Rules;

/// <summary>A rule's condition with its selections in place. Immutable; parts may be shared within a rule.</summary>
abstract record RuleNode
{
    RuleNode() { }

    /// <summary>True where all parts are.</summary>
    /// <param name="Parts">At least one.</param>
    /// <param name="Label">How the rule says it where it is a selector, e.g. <c>all of selection_*</c>; null otherwise.</param>
    public sealed record All(IReadOnlyList<RuleNode> Parts, string? Label = null) : RuleNode;

    /// <summary>True where any part is.</summary>
    /// <param name="Parts">At least one.</param>
    /// <param name="Label">How the rule says it where it is a selector; null otherwise.</param>
    public sealed record Any(IReadOnlyList<RuleNode> Parts, string? Label = null) : RuleNode;

    /// <summary>True where the part is not.</summary>
    public sealed record Not(RuleNode Part) : RuleNode;

    /// <summary>A search identifier.</summary>
    /// <param name="Name">Its name in the rule; of a filter's with the filter's title before it.</param>
    /// <param name="Body">What it says.</param>
    public sealed record Selection(string Name, RuleNode Body) : RuleNode;

    /// <summary>One line of a selection: a field and its values, or keywords.</summary>
    /// <param name="Field">The field; <see cref="FieldId.Unknown"/> for keywords, which are looked for in all fields.</param>
    /// <param name="Values">At least one.</param>
    /// <param name="NeedsAll">True: all values must match (<c>all</c>). False: any.</param>
    /// <param name="Negated">True: the answer is turned round (<c>neq</c>), so it is true where the field is missing.</param>
    public sealed record Item(FieldId Field, IReadOnlyList<ItemValue> Values, bool NeedsAll, bool Negated) : RuleNode
    {
        /// <summary>True for keywords.</summary>
        public bool IsKeyword => !Field.IsKnown;
    }
}

/// <summary>One value of an item.</summary>
/// <param name="Test">What it asks.</param>
/// <param name="Pattern">What the rule says, with its modifiers, for people.</param>
sealed record ItemValue(ValueTest Test, string Pattern);
