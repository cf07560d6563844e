using Serilog.Sinks.Journald;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery.Sinks;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Delivery.Journal;

/// <summary>The journal as one of those who are told.</summary>
sealed class JournalSink(AlertJournal journal) : IAlertSink
{
    /// <summary>Its name in the outbox; no webhook may have it.</summary>
    public const string SinkName = "journal";

    /// <summary>journald is on this host and comes back by itself, so the waits are short, and it is waited for longer than for anybody else.</summary>
    public static RetryOptions Retry { get; } = new()
    {
        First = TimeSpan.FromMilliseconds(100),
        Longest = TimeSpan.FromSeconds(5),
        GiveUpAfter = TimeSpan.FromDays(30),
    };

    /// <inheritdoc/>
    public string Name => SinkName;

    /// <inheritdoc/>
    public string Endpoint => "journald";

    /// <inheritdoc/>
    public ValueTask<DeliveryResult> TellAsync(Alert alert, CancellationToken cancellation)
    {
        JournalSendResult sent = journal.Tell(alert);
        return ValueTask.FromResult(
            sent.IsSent ? DeliveryResult.Told
            : new DeliveryResult(sent.MayRetry ? DeliveryOutcome.Unavailable : DeliveryOutcome.Rejected, sent.ToString()));
    }
}
