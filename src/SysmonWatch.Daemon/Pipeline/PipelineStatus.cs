using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>Gathers what the status line says.</summary>
sealed class PipelineStatus(PipelineService pipeline, StateStore store) : IStatusSource
{
    public StatusFacts Status
    {
        get
        {
            StoreStatus stored = store.Status();
            var sinks = stored.Pending.Select(sink => (sink.Key, sink.Value == 0 ? "ok" : $"{sink.Value} waiting")).ToList();
            if (stored.Failure is { } failure) sinks.Add(("state", failure.Message));
            return new StatusFacts([pipeline.Source?.Status ?? "starting"], pipeline.Source?.Behind, pipeline.Detection.Events, pipeline.Detection.Alerts, sinks);
        }
    }
}
