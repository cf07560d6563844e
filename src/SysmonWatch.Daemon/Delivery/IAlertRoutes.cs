using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Delivery;

/// <summary>Knows who is told what.</summary>
interface IAlertRoutes
{
    /// <summary>Names of those who are to be told of an alert.</summary>
    IReadOnlyList<string> SinksFor(Alert alert);

    /// <summary>Something new is in the store.</summary>
    void Wake();
}
