using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Delivery.Webhooks;

/// <summary>How a kind of webhook wants an alert. Pure.</summary>
interface IWebhookBody
{
    /// <summary>The JSON for one alert, UTF-8.</summary>
    byte[] Of(Alert alert);

    /// <summary>True where there is a message about several alerts.</summary>
    bool TakesDigests { get; }

    /// <summary>The JSON for several alerts in one message, UTF-8; only where <see cref="TakesDigests"/>.</summary>
    /// <param name="alerts">Two or more, oldest first.</param>
    byte[] Digest(IReadOnlyList<Alert> alerts);
}
