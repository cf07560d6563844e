using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Configuration;

/// <summary><c>journal</c>: alerts in the journal.</summary>
sealed record JournalOptions
{
    /// <summary>Alerts below this level are not written to the journal. Default informational: all are.</summary>
    public RuleLevel MinimumLevel { get; init; } = RuleLevel.Informational;
}
