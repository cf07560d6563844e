using Serilog.Sinks.Journald;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Delivery.Journal;

/// <summary>Tells alerts to the journal, each as one entry. Thread-safe; never throws for what journald does.</summary>
/// <remarks>Every value of an alert may be an attacker's. As a field's value it can do no harm: see <see cref="Serilog.Sinks.Journald.JournalEntry"/>.</remarks>
sealed class AlertJournal(JournalClient journal)
{
    /// <summary>Tags, marks and the like come from rule files; so many of each are written at most, far below what journald takes.</summary>
    const int MaxRepeats = 100;

    /// <summary>
    /// Tells one alert. Only <see cref="JournalSendResult.IsSent"/> means that it is told. Where <see cref="JournalSendResult.MayRetry"/> is true the
    /// same alert is to be told again later; the result's text says why, without secrets.
    /// </summary>
    public JournalSendResult Tell(Alert alert)
    {
        using JournalEntry entry = new();
        Fill(entry, alert);
        return journal.TrySend(entry);
    }

    /// <summary>Adds the fields of an alert to an entry.</summary>
    public static void Fill(JournalEntry entry, Alert alert)
    {
        string level = alert.Level.ToText();
        entry.Add("MESSAGE", Message(alert, level));
        entry.Add("MESSAGE_ID", Kind(alert));
        entry.Add("PRIORITY", Priority(alert.Level));
        entry.Add("SYSLOG_IDENTIFIER", JournalLogging.Identifier);
        entry.Add("SYSLOG_FACILITY", (int)SyslogFacility.AuthPrivate);
        entry.Add("SYSMONWATCH_ALERT_ID", alert.AlertId);
        entry.Add("SYSMONWATCH_RULE_ID", alert.RuleId);
        entry.Add("SYSMONWATCH_RULE", alert.RuleTitle);
        entry.Add("SYSMONWATCH_LEVEL", level);
        AddKnown(entry, "SYSMONWATCH_AUTHOR", alert.Author);
        AddEach(entry, "SYSMONWATCH_TECHNIQUE", AttackTags.Techniques(alert.Tags));
        AddEach(entry, "SYSMONWATCH_TACTIC", AttackTags.Tactics(alert.Tags));
        entry.Add("SYSMONWATCH_HOST", alert.Computer);
        entry.Add("SYSMONWATCH_TIME", EventTime.Format(alert.Time));
        entry.Add("SYSMONWATCH_EVENT_ID", alert.EventId);
        AddEach(entry, "SYSMONWATCH_EVENT_RECORD_ID", alert.RecordIds.Select(id => id.ToString(null, null)));
        AddKnown(entry, "SYSMONWATCH_IMAGE", alert.Image);
        AddKnown(entry, "SYSMONWATCH_COMMAND_LINE", alert.CommandLine);
        AddKnown(entry, "SYSMONWATCH_USER", alert.User);
        if (alert.ProcessId is { } processId) entry.Add("SYSMONWATCH_PROCESS_ID", processId);
        AddKnown(entry, "SYSMONWATCH_PROCESS_GUID", alert.ProcessGuid);
        AddKnown(entry, "SYSMONWATCH_FAMILY_IMAGE", alert.FamilyImage);
        AddKnown(entry, "SYSMONWATCH_FAMILY_COMMAND_LINE", alert.FamilyCommandLine);
        if (alert.FamilyProcessId is { } rootId) entry.Add("SYSMONWATCH_FAMILY_PROCESS_ID", rootId);
        if (alert.Chain.Count > 0) entry.Add("SYSMONWATCH_CHAIN", string.Join(" → ", alert.Chain));
        AddKnown(entry, "SYSMONWATCH_FIRST_SUBJECT", alert.FirstSubject);
        AddKnown(entry, "SYSMONWATCH_LAST_SUBJECT", alert.LastSubject);
        AddEach(entry, "SYSMONWATCH_MARK", alert.Marks);
        entry.Add("SYSMONWATCH_COUNT", alert.Count);
    }

    /// <summary>The level first, so that it is seen where colours are not; a count only where there is more than one.</summary>
    static string Message(Alert alert, string level) =>
        alert.Count > 1 ? $"[{level}] {alert.Message} ({alert.Count} times)" : $"[{level}] {alert.Message}";

    static string Kind(Alert alert)
    {
        if (alert.RuleId.StartsWith("sysmonwatch-", StringComparison.Ordinal)) return MessageIds.Watcher;

        // More events than findings: several events made one of them.
        bool isCorrelation = alert.Group.Count > 0 || alert.RecordIds.Count > alert.Count;
        return isCorrelation ? MessageIds.Correlation : MessageIds.Finding;
    }

    static int Priority(RuleLevel level) => level switch
    {
        RuleLevel.Critical => 2,
        RuleLevel.High => 3,
        RuleLevel.Medium => 4,
        RuleLevel.Low => 5,
        _ => 6,
    };

    static void AddKnown(JournalEntry entry, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value)) entry.Add(name, value);
    }

    static void AddEach(JournalEntry entry, string name, IEnumerable<string> values)
    {
        foreach (string value in values.Take(MaxRepeats)) entry.Add(name, value);
    }
}
