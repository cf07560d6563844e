using System.Text.Json;
using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>Puts alerts where they cannot be lost any more, and wakes those who tell them.</summary>
sealed partial class AlertOutbox(IAlertStore store, IAlertRoutes routes, RunSettings settings, TimeProvider time, ILogger<AlertOutbox> logger)
{
    /// <summary>Puts alerts into the store in one transaction; one that is there already is not told again.</summary>
    public void Raise(IReadOnlyList<Alert> alerts)
    {
        DateTimeOffset now = time.GetUtcNow();
        AddResult added = store.AddAlerts([.. alerts.Select(alert => new StoredAlert(
            alert.AlertId,
            alert.Level,
            EventTime.ToDateTimeOffset(alert.Time),
            now,
            JsonSerializer.SerializeToUtf8Bytes(alert, AlertJson.Default.Alert),
            routes.SinksFor(alert)))]);
        routes.Wake();
        if (settings.Echo is not { } echo) return;
        foreach (Alert alert in alerts)
        {
            if (added.New.Contains(alert.AlertId)) echo(alert);
        }
    }

    /// <summary>The period of an alert is over and others were folded into it: the store gets the final count, and the journal a line.</summary>
    public void TellRepeats(Alert alert)
    {
        store.ReplaceAlert(alert.AlertId, JsonSerializer.SerializeToUtf8Bytes(alert, AlertJson.Default.Alert));
        LogRepeats(logger, SafeText.Show(alert.RuleTitle, 200), alert.Computer, alert.Count - 1, alert.AlertId);
    }

    [LoggerMessage(2201, LogLevel.Information, "{Rule} on {Computer} happened {Count} more times and was folded into alert {AlertId}.")]
    static partial void LogRepeats(ILogger logger, string rule, string computer, int count, string alertId);
}
