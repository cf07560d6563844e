namespace SysmonWatch.Daemon.Operations;

/// <summary>What the status line is made of, at one moment.</summary>
/// <param name="Inputs">A phrase for each input: "following /var/log/syslog", "waiting for /var/log/messages".</param>
/// <param name="LagBytes">What is written and not read yet; null where an input does not know.</param>
/// <param name="Events">Sysmon events evaluated since the start.</param>
/// <param name="Alerts">Alerts raised since the start.</param>
/// <param name="Sinks">Where alerts go, and how each is: ("slack", "ok"), ("teams", "FAILING since …, 3 waiting").</param>
/// <param name="Notice">What must be seen first, such as a reload that was refused; empty for nothing.</param>
sealed record StatusFacts(
    IReadOnlyList<string> Inputs, long? LagBytes, long Events, long Alerts, IReadOnlyList<(string Name, string State)> Sinks, string Notice = "");

/// <summary>Knows the state of the daemon. Called every few seconds from another thread than the pipeline's.</summary>
interface IStatusSource
{
    /// <summary>How it is now.</summary>
    StatusFacts Status { get; }
}
