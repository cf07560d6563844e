using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery.Sinks;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Delivery;

/// <summary>Which alerts a sink is told, and how it is treated when it does not take one.</summary>
/// <param name="Sink">Who is told. Disposed with the route where it can be.</param>
/// <param name="MinimumLevel">Alerts below it are not told.</param>
/// <param name="Retry">What happens when it does not take one.</param>
sealed record AlertRoute(IAlertSink Sink, RuleLevel MinimumLevel, RetryOptions Retry);
