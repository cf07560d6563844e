using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Delivery.Sinks;

/// <summary>Somebody who is told alerts, one at a time. What goes wrong is a result; an exception is a bug.</summary>
interface IAlertSink
{
    /// <summary>Alerts that were this old when they were raised go to people as one digest.</summary>
    static readonly TimeSpan OldWhenRaised = TimeSpan.FromMinutes(10);

    /// <summary>Its name in messages and in the outbox; unique.</summary>
    string Name { get; }

    /// <summary>Where it is, for messages; without secrets.</summary>
    string Endpoint { get; }

    /// <summary>Why it is known beforehand that it will take nothing; null where it may.</summary>
    string? Problem => null;

    /// <summary>Tells one alert. Told twice after a crash it has the same id.</summary>
    ValueTask<DeliveryResult> TellAsync(Alert alert, CancellationToken cancellation);

    /// <summary>True for a sink for people, who would rather read one message about old alerts than all of them.</summary>
    bool TakesDigests => false;

    /// <summary>Tells several alerts in one message; only where <see cref="TakesDigests"/>.</summary>
    ValueTask<DeliveryResult> TellDigestAsync(IReadOnlyList<Alert> alerts, CancellationToken cancellation) => throw new NotSupportedException($"{Name} takes no digests.");
}
