using System.Globalization;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Intake.Sources;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>Gathers what the status line says.</summary>
sealed class PipelineStatus(PipelineService pipeline, StateStore store, AlertDispatcher dispatcher, ReloadService reload) : IStatusSource
{
    const int LongestReason = 100;

    /// <summary>What is read and, where the daemon has chosen it, why.</summary>
    public static string Describe(RecordSource? source) =>
        source is null ? "starting" : source.Reason.Length == 0 ? source.Status : $"{source.Status} (chosen because {source.Reason})";

    public StatusFacts Status
    {
        get
        {
            StoreStatus stored = store.Status();
            var sinks = dispatcher.Status.Select(sink => (sink.Name, Describe(sink, stored.Pending.GetValueOrDefault(sink.Name)))).ToList();
            if (stored.Failure is { } failure) sinks.Add(("state", failure.Message));
            return new StatusFacts([Describe(pipeline.Source)], pipeline.Source?.Behind, pipeline.Detection.Events, pipeline.Detection.Alerts, sinks, reload.Refusal);
        }
    }

    static string Describe(SinkStatus sink, long waiting)
    {
        string kept = waiting > 0 ? string.Create(CultureInfo.InvariantCulture, $"{waiting:N0} waiting") : "";
        if (sink.FailingSince is not { } since) return waiting > 0 ? kept : "ok";
        string failing = $"FAILING since {since:u} ({SafeText.Show(sink.LastReason ?? "", LongestReason)})";
        return waiting > 0 ? $"{failing}, {kept}" : failing;
    }
}
