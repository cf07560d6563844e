using System.Text.Json;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Tests.Delivery;

static class SomeAlerts
{
    public static Alert Alert(string id = "00112233445566778899aabbccddeeff", RuleLevel level = RuleLevel.High, DateTimeOffset? at = null) => new()
    {
        AlertId = id,
        RuleId = "6f2b0b1c-rule",
        RuleTitle = "Power control program deleted",
        Level = level,
        Time = EventTime.From(at ?? new DateTimeOffset(2026, 11, 24, 4, 14, 59, TimeSpan.Zero)),
        Computer = "lab",
        EventId = 23,
        RecordIds = [36, 37],
        Tags = ["attack.impact", "attack.t1485"],
        Image = "/tmp/.kw3f",
        ProcessId = 572,
        ProcessGuid = "{7b1f0000-0000-0000-0000-000000000000}",
        CommandLine = "/tmp/.kw3f -d",
        User = "root",
        Message = "/tmp/.kw3f deleted /sbin/reboot",
        Author = "SysmonWatch",
        Chain = ["sshd", "bash", ".kw3f"],
        FirstSubject = "/sbin/reboot",
        LastSubject = "/sbin/halt",
        Count = 2,
    };

    public static StoredAlert Stored(Alert alert, DateTimeOffset raisedAt, params string[] sinks) => new(
        alert.AlertId, alert.Level, EventTime.ToDateTimeOffset(alert.Time), raisedAt, JsonSerializer.SerializeToUtf8Bytes(alert, AlertJson.Default.Alert), sinks);
}
