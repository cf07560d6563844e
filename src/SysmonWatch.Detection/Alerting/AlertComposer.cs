using SysmonWatch.Detection.Correlation;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Alerting;

/// <summary>Turns findings and correlations into alerts: everything people will want to know, copied out of the batch.</summary>
static class AlertComposer
{
    /// <summary>The alert of one rule that matched one event.</summary>
    public static Alert OfFinding(RuleMetadata rule, SysmonEvent e, EventReference reference, IReadOnlyList<Evidence> evidence)
    {
        ProcessFacts process = ProcessFacts.Of(e);
        IReadOnlyList<string> chain = ProcessFacts.Chain(e.Process);
        string? subject = SubjectOf(reference);
        return Base(rule, reference, AlertIds.For(rule.Id, "", reference.Identity)) with
        {
            RecordIds = [reference.Identity.RecordId],
            Image = process.Image,
            ProcessId = process.ProcessId,
            ProcessGuid = process.ProcessGuid,
            CommandLine = process.CommandLine,
            User = process.User,
            Message = AlertMessage.ForFinding(rule.Title, reference.Identity.Computer, e.EventId, process, reference.Subject, chain),
            Chain = chain,
            Evidence = evidence,
            FirstSubject = subject,
            LastSubject = subject,
        };
    }

    /// <summary>The alert of a correlation. Its process is that of the event that completed it; the root of a family that is the group has fields of its own.</summary>
    public static Alert OfCorrelation(CorrelationHit hit)
    {
        EventReference[] events = [.. hit.Events.Select(part => part.Event)];
        ProcessNode? actor = hit.Last.Process;
        ProcessFacts process = ProcessFacts.Of(actor);
        bool isOfFamily = hit.Rule.GroupBy.Any(field => field.StartsWith("Family", StringComparison.Ordinal));
        ProcessFacts family = ProcessFacts.Of(isOfFamily ? actor?.Family : null);
        string key = string.Join('\n', hit.Group.Select(pair => $"{pair.Field}={pair.Value}"));
        return Base(hit.Rule.Metadata, hit.Last, AlertIds.For(hit.Rule.Metadata.Id, key, hit.Last.Identity)) with
        {
            RecordIds = [.. events.Select(e => e.Identity.RecordId)],
            Image = process.Image,
            ProcessId = process.ProcessId,
            ProcessGuid = process.ProcessGuid,
            CommandLine = process.CommandLine,
            User = process.User,
            FamilyImage = family.Image,
            FamilyCommandLine = family.CommandLine,
            FamilyProcessId = family.ProcessId,
            Message = AlertMessage.ForCorrelation(hit.Rule.Metadata.Title, hit.Last.Identity.Computer, events, ProcessFacts.Chain(actor)),
            Chain = ProcessFacts.Chain(actor),
            Evidence = [.. hit.Parts.Select(part => new Evidence(part.Rule.Name ?? part.Rule.Id, "", part.Count == 1 ? "once" : $"{part.Count} times", part.Rule.Title))],
            FirstSubject = events.Select(e => e.Subject).FirstOrDefault(subject => subject.Length > 0),
            LastSubject = events.Select(e => e.Subject).LastOrDefault(subject => subject.Length > 0),
            Group = [.. hit.Group.Select(pair => $"{pair.Field}={pair.Value}")],
        };
    }

    /// <summary>What an event acted on; null where there is none.</summary>
    public static string? SubjectOf(EventReference reference) => reference.Subject.Length > 0 ? reference.Subject : null;

    static Alert Base(RuleMetadata rule, EventReference completedBy, string alertId) => new()
    {
        AlertId = alertId,
        RuleId = rule.Id,
        RuleTitle = rule.Title,
        Level = rule.Level,
        Time = completedBy.Identity.Time,
        Computer = completedBy.Identity.Computer,
        EventId = completedBy.Identity.EventId,
        RecordIds = [],
        Tags = rule.Tags,
        Author = rule.Author,
        Description = rule.Description,
        Message = rule.Title,
        Marks = Marks(completedBy.Marks),
    };

    static string[] Marks(EventMarks marks)
    {
        if (marks == EventMarks.None) return [];
        return [.. Enum.GetValues<EventMarks>().Where(mark => mark != EventMarks.None && (marks & mark) != 0).Select(mark => mark.ToString().ToLowerInvariant())];
    }
}
