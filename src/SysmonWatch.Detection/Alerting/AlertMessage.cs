using System.Globalization;
using System.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Alerting;

/// <summary>Writes the one line people read first.</summary>
static class AlertMessage
{
    /// <summary>Characters of a command line or path in a message.</summary>
    const int LongestPart = 300;

    /// <summary>How many different processes and subjects a correlation's message names.</summary>
    const int MostNamed = 4;

    /// <summary>
    /// <c>Title on host: /usr/bin/wget (pid 26304, root) started: wget -q http://…; sshd → bash → wget</c>
    /// </summary>
    public static string ForFinding(string title, string computer, int eventId, ProcessFacts process, string subject, IReadOnlyList<string> chain)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{SafeText.Show(title, LongestPart)} on {SafeText.Show(computer, 64)}: ");
        text.Append(Name(process)).Append(' ').Append(EventSubjects.Verb(eventId));
        if (subject.Length > 0) text.Append(' ').Append(SafeText.Show(subject, LongestPart));
        if (process.CommandLine is { Length: > 0 } line) text.Append(eventId == 1 ? ": " : "; command line: ").Append(SafeText.Show(line, LongestPart));
        if (chain.Count > 1) text.Append("; ").AppendJoin(" → ", chain.Select(name => SafeText.Show(name, 64)));
        return text.ToString();
    }

    /// <summary>
    /// <c>Title on host: /tmp/.x (pid 7, root, command line: ./.x) deleted /sbin/reboot, … (4); connected to 10.0.0.1:23 … 10.0.0.99:23 (100); sshd → bash → .x</c>
    /// </summary>
    public static string ForCorrelation(string title, string computer, IReadOnlyList<EventReference> events, IReadOnlyList<string> chain)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{SafeText.Show(title, LongestPart)} on {SafeText.Show(computer, 64)}: ");
        bool first = true;
        foreach (var kind in events.GroupBy(e => e.Identity.EventId))
        {
            if (!first) text.Append("; ");
            first = false;
            AppendActors(text, kind);
            AppendSubjects(text, kind.Key, [.. kind]);
        }
        if (chain.Count > 1) text.Append("; ").AppendJoin(" → ", chain.Select(name => SafeText.Show(name, 64)));
        return text.ToString();
    }

    static void AppendActors(StringBuilder text, IEnumerable<EventReference> events)
    {
        // The one that did most of it comes first; processes may share a GUID, so the id counts too.
        ProcessNode[] actors = [.. events.Select(e => e.Process).OfType<ProcessNode>()
            .GroupBy(process => (Encoding.UTF8.GetString(process.ProcessGuid.Span), process.ProcessId))
            .OrderByDescending(group => group.Count())
            .Select(group => group.Last())];
        if (actors.Length == 0)
        {
            text.Append("an unknown process ");
            return;
        }
        ProcessFacts named = ProcessFacts.Of(actors[0]);
        text.Append(Name(named, named.CommandLine));
        if (actors.Length > 1) text.Append(CultureInfo.InvariantCulture, $" and {actors.Length - 1} more");
        text.Append(' ');
    }

    static void AppendSubjects(StringBuilder text, int eventId, EventReference[] events)
    {
        string[] subjects = [.. events.Select(e => e.Subject).Where(s => s.Length > 0).Distinct()];
        text.Append(EventSubjects.Verb(eventId));
        if (subjects.Length > 0)
        {
            text.Append(' ');
            // The first and the last say more about a long row than its beginning does.
            if (subjects.Length <= MostNamed) text.AppendJoin(", ", subjects.Select(s => SafeText.Show(s, LongestPart)));
            else text.Append(SafeText.Show(subjects[0], LongestPart)).Append(" … ").Append(SafeText.Show(subjects[^1], LongestPart));
        }
        if (events.Length > 1) text.Append(CultureInfo.InvariantCulture, $" ({events.Length})");
    }

    static string Name(ProcessFacts process, string? commandLine = null)
    {
        var parts = new List<string>(3);
        if (process.ProcessId is { } id) parts.Add($"pid {id.ToString(CultureInfo.InvariantCulture)}");
        if (process.User is { Length: > 0 } user) parts.Add(SafeText.Show(user, 64));
        if (commandLine is { Length: > 0 }) parts.Add($"command line: {SafeText.Show(commandLine, LongestPart)}");
        string image = process.Image is { Length: > 0 } path ? SafeText.Show(path, LongestPart) : "an unknown program";
        return parts.Count > 0 ? $"{image} ({string.Join(", ", parts)})" : image;
    }
}
