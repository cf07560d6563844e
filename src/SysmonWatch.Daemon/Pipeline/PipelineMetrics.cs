using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Intake.Sources;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Batches;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>
/// Shows what the stages count as instruments of the meter <c>SysmonWatch</c>. They are read when a listener asks; the stages know nothing of them.
/// </summary>
/// <remarks>Names are those of OpenTelemetry, which Prometheus' exporters turn into <c>sysmonwatch_events_total</c> and so on.</remarks>
sealed class PipelineMetrics(Counters counters, PipelineService pipeline, IntakeCounters intake, AlertDispatcher dispatcher, StateStore store) : IHostedService
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Meter meter = counters.Meter;
        DetectionCounters detection = pipeline.Detection;
        meter.CreateObservableCounter("sysmonwatch.records", () => intake.Records, "{record}", "Log lines and journal entries read.");
        meter.CreateObservableCounter("sysmonwatch.read", () => intake.Bytes, "By", "Bytes of log lines and journal entries read.");
        meter.CreateObservableCounter("sysmonwatch.rotations", () => intake.Rotations, "{rotation}", "Log rotations seen.");
        meter.CreateObservableGauge("sysmonwatch.lag", () => pipeline.Source?.Behind ?? 0, "By", "Bytes written and not read yet.");
        meter.CreateObservableCounter("sysmonwatch.events", () => detection.Events, "{event}", "Sysmon events evaluated.");
        meter.CreateObservableCounter("sysmonwatch.unevaluated", () => Unevaluated(detection), "{record}", "Records that were not evaluated as events, by reason.");
        meter.CreateObservableCounter("sysmonwatch.marked", () => Marked(detection), "{event}", "Events that were evaluated although something is wrong with them, by mark.");
        meter.CreateObservableCounter("sysmonwatch.findings", () => detection.Findings, "{finding}", "Rule matches, repeats included.");
        meter.CreateObservableCounter("sysmonwatch.alerts", () => detection.Alerts, "{alert}", "Alerts raised.");
        meter.CreateObservableCounter("sysmonwatch.deliveries", Deliveries, "{alert}", "Alerts by sink and by what became of them.");
        meter.CreateObservableGauge("sysmonwatch.pending", Pending, "{alert}", "Alerts that wait for a sink.");
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    static IEnumerable<Measurement<long>> Unevaluated(DetectionCounters counted) => Tagged(
        "reason",
        ("not_sysmon", counted.NotSysmon), ("notice", counted.Notices), ("unreadable", counted.Unreadable), ("too_long", counted.TooLong),
        ("without_message", counted.WithoutMessage), ("malformed", counted.Malformed), ("copy", counted.Copies), ("covered_by_journal", counted.Covered),
        ("unbelieved", counted.Unbelieved), ("own", counted.Own));

    static IEnumerable<Measurement<long>> Marked(DetectionCounters counted) => Tagged(
        "mark",
        ("truncated", counted.Truncated), ("forged", counted.Forged), ("conflicting", counted.Conflicts), ("doubtful", counted.Doubtful),
        ("glued", counted.Glued), ("future_dated", counted.FutureDated));

    IEnumerable<Measurement<long>> Deliveries()
    {
        foreach (SinkStatus sink in dispatcher.Status)
        {
            yield return new(sink.Told, new("sink", sink.Name), new("outcome", "delivered"));
            yield return new(sink.Failed, new("sink", sink.Name), new("outcome", "failed_attempt"));
            yield return new(sink.Dead, new("sink", sink.Name), new("outcome", "given_up"));
        }
    }

    IEnumerable<Measurement<long>> Pending() => store.Status().Pending.Select(pending => new Measurement<long>(pending.Value, new KeyValuePair<string, object?>("sink", pending.Key)));

    static IEnumerable<Measurement<long>> Tagged(string tag, params (string Value, long Count)[] counted) =>
        counted.Select(one => new Measurement<long>(one.Count, new KeyValuePair<string, object?>(tag, one.Value)));
}
