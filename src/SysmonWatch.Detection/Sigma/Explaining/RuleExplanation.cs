namespace SysmonWatch.Detection.Sigma.Explaining;

/// <summary>A part of a rule's condition, and whether it is true of an event.</summary>
/// <param name="Text">What the rule says here, for people.</param>
/// <param name="Holds">True where it is true of the event.</param>
/// <param name="Note">What the event has, and what of it matched; null for parts that only join others. Values are as an attacker wrote them.</param>
/// <param name="Parts">Of what it is made; none for a line of a selection.</param>
public sealed record RuleExplanation(string Text, bool Holds, string? Note, IReadOnlyList<RuleExplanation> Parts)
{
    /// <summary>True for a negation: it holds where its only part does not.</summary>
    internal bool IsNegation { get; init; }

    /// <summary>True where one part is enough.</summary>
    internal bool NeedsOne { get; init; }

    /// <summary>The lines that decided the answer: had they been otherwise, it might have been too.</summary>
    public IEnumerable<RuleExplanation> Deciding()
    {
        if (Parts.Count == 0) return [this];
        IEnumerable<RuleExplanation> deciding = IsNegation ? Parts : Parts.Where(p => p.Holds == Holds);
        return deciding.SelectMany(p => p.Deciding());
    }
}
