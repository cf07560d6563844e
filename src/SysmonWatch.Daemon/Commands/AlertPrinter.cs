using System.Text;
using System.Text.Json;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Commands;

/// <summary>Prints alerts to standard output: for people or as JSON.</summary>
/// <param name="output">Where to; not closed.</param>
/// <param name="form"><c>text</c>, <c>json</c> or <c>none</c>.</param>
sealed class AlertPrinter(Stream output, string form) : IDisposable
{
    static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Prints alerts and hands them on at once.</summary>
    public void Print(IEnumerable<Alert> alerts)
    {
        if (form == "none") return;
        bool any = false;
        foreach (Alert alert in alerts)
        {
            any = true;
            if (form == "json") output.Write(JsonSerializer.SerializeToUtf8Bytes(alert, AlertJson.Default.Alert));
            else output.Write(Utf8.GetBytes(ForPeople(alert)));
            output.Write("\n"u8);
        }
        if (any) output.Flush();
    }

    /// <summary><c>2026-11-24T02:40:40.529759Z  high  Title on host: … (4 times)</c></summary>
    public static string ForPeople(Alert alert)
    {
        string repeats = alert.Count > 1 ? $" ({alert.Count} times)" : "";
        return $"{EventTime.Format(alert.Time)}  {alert.Level.ToText(),-8}  {alert.Message}{repeats}  [{alert.AlertId[..8]}]";
    }

    public void Dispose() => output.Flush();
}
