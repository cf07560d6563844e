using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Delivery.Sinks;

/// <summary>Stands for a webhook whose URL or header cannot be read now: alerts for it are kept in the outbox until a reload or the schedule gives them up.</summary>
/// <param name="name">Its name.</param>
/// <param name="problem">Why.</param>
sealed class UnusableSink(string name, string problem) : IAlertSink
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string Endpoint => "no URL";

    /// <inheritdoc/>
    public string Problem => problem;

    /// <inheritdoc/>
    public ValueTask<DeliveryResult> TellAsync(Alert alert, CancellationToken cancellation) => new(new DeliveryResult(DeliveryOutcome.Misconfigured, problem));
}
