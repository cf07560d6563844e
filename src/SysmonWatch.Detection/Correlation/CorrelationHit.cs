using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Correlation;

/// <summary>One correlation came true for one group. Immutable.</summary>
/// <param name="Rule">Which correlation.</param>
/// <param name="Group">The group-by fields, in the rule's order, with the group's values (over 256 bytes: cut, with "…"); empty without group-by.</param>
/// <param name="Time">When it was complete: the time of <paramref name="Last"/>, microseconds since 1970.</param>
/// <param name="First">The first event of the window.</param>
/// <param name="Last">The event that completed it.</param>
/// <param name="Events">
/// The events of the window in order, those of correlations that were part of it included; over 100 of them the first and the last 50.
/// </param>
/// <param name="Count">How many events there were, left-out ones included.</param>
/// <param name="Value">What was computed and compared: a count, sum, mean, rank, or how many rules matched.</param>
/// <param name="Parts">What each referenced rule gave to it, in the rule's order.</param>
public sealed record CorrelationHit(
    CorrelationRule Rule,
    IReadOnlyList<(string Field, string Value)> Group,
    long Time,
    EventReference First,
    EventReference Last,
    IReadOnlyList<CorrelatedEvent> Events,
    long Count,
    decimal Value,
    IReadOnlyList<CorrelationPart> Parts)
{
    /// <summary>How many events are kept of the beginning, and of the end.</summary>
    public const int KeptAtEachEnd = 50;
}

/// <summary>An event that is part of a correlation.</summary>
/// <param name="Event">Which event.</param>
/// <param name="Rule">The detection rule it matched (the first one, where it matched several that count).</param>
/// <param name="Via">The correlation in between; null where the rule feeds the one that fired directly.</param>
public sealed record CorrelatedEvent(EventReference Event, RuleMetadata Rule, RuleMetadata? Via);

/// <summary>What one referenced rule gave to a correlation that fired.</summary>
/// <param name="Rule">The detection rule or correlation.</param>
/// <param name="Count">How often it matched in the window; 0 where it did not.</param>
/// <param name="First">Its first event; null where there is none.</param>
/// <param name="Last">Its last event; null where there is none.</param>
/// <param name="Hit">Where the rule is a correlation: the last time it fired in the window.</param>
public sealed record CorrelationPart(RuleMetadata Rule, long Count, EventReference? First, EventReference? Last, CorrelationHit? Hit);
