using SysmonWatch.Daemon.Intake.Sources;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>Gathers what the status line says.</summary>
sealed class PipelineStatus(PipelineService pipeline, StateStore store) : IStatusSource
{
    /// <summary>What is read and, where the daemon has chosen it, why.</summary>
    public static string Describe(RecordSource? source) =>
        source is null ? "starting" : source.Reason.Length == 0 ? source.Status : $"{source.Status} (chosen because {source.Reason})";

    public StatusFacts Status
    {
        get
        {
            StoreStatus stored = store.Status();
            var sinks = stored.Pending.Select(sink => (sink.Key, sink.Value == 0 ? "ok" : $"{sink.Value} waiting")).ToList();
            if (stored.Failure is { } failure) sinks.Add(("state", failure.Message));
            return new StatusFacts([Describe(pipeline.Source)], pipeline.Source?.Behind, pipeline.Detection.Events, pipeline.Detection.Alerts, sinks);
        }
    }
}
