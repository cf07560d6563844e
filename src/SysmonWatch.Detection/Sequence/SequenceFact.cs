using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Sequence;

/// <summary>What the numbers of a computer's events say. Immutable.</summary>
/// <param name="Computer">The Computer element.</param>
/// <param name="Evidence">The event that showed it.</param>
public abstract record SequenceFact(string Computer, EventIdentity Evidence);

/// <summary>Numbers are missing: lines were lost between Sysmon and here.</summary>
/// <param name="Computer">The Computer element.</param>
/// <param name="From">The first number missing.</param>
/// <param name="To">The last number missing.</param>
/// <param name="Evidence">The event that showed it.</param>
public sealed record GapFact(string Computer, ulong From, ulong To, EventIdentity Evidence) : SequenceFact(Computer, Evidence)
{
    /// <summary>How many events are missing.</summary>
    public ulong Count => To - From + 1;
}

/// <summary>The numbers started anew: Sysmon was removed and installed again, or its counter (/opt/sysmon/eventId) was deleted.</summary>
/// <param name="Computer">The Computer element.</param>
/// <param name="Last">The highest number before.</param>
/// <param name="First">The first number of the new count that was seen.</param>
/// <param name="Evidence">The event that showed it.</param>
public sealed record ResetFact(string Computer, ulong Last, ulong First, EventIdentity Evidence) : SequenceFact(Computer, Evidence);

/// <summary>A number that does not fit, while the count went on as before: damage, or somebody else wrote the event.</summary>
/// <param name="Computer">The Computer element.</param>
/// <param name="RecordId">The number.</param>
/// <param name="Expected">The number that was to come.</param>
/// <param name="Evidence">The event that showed it.</param>
public sealed record OutlierFact(string Computer, ulong RecordId, ulong Expected, EventIdentity Evidence) : SequenceFact(Computer, Evidence);

/// <summary>Two events have the same number and differ. Both are evaluated; at most one of them is Sysmon's.</summary>
/// <param name="Computer">The Computer element.</param>
/// <param name="Other">The one that came before <paramref name="Evidence"/>.</param>
/// <param name="Evidence">The event that showed it.</param>
public sealed record ConflictFact(string Computer, EventIdentity Other, EventIdentity Evidence) : SequenceFact(Computer, Evidence);

/// <summary>What an event is to those before it.</summary>
public enum SequenceOutcome
{
    /// <summary>Not seen before (or so long ago that it is forgotten).</summary>
    New,

    /// <summary>The same event by another way; to be dropped and counted.</summary>
    Copy,

    /// <summary>The same event, of which only a part was seen before; to be evaluated.</summary>
    Completes,

    /// <summary>Same number as another, other content; to be evaluated, and a <see cref="ConflictFact"/> says so.</summary>
    Conflict,
}
