using SysmonWatch.Daemon.Configuration.Reading;

namespace SysmonWatch.Daemon.Configuration;

/// <summary>
/// All that can be configured. Immutable; <c>new()</c> is what a host without a configuration file has. Only made by
/// <see cref="ConfigurationLoader"/> when nothing is wrong, so that no value has to be checked again.
/// </summary>
sealed record SysmonWatchOptions
{
    /// <summary><c>input</c>: where lines come from.</summary>
    public InputOptions Input { get; init; } = new();

    /// <summary><c>rules</c>: what is looked for.</summary>
    public RulesOptions Rules { get; init; } = new();

    /// <summary><c>journal</c>: alerts in the journal.</summary>
    public JournalOptions Journal { get; init; } = new();

    /// <summary><c>webhooks</c>: alerts to others; names are unique. Default none.</summary>
    public IReadOnlyList<WebhookOptions> Webhooks { get; init; } = [];

    /// <summary><c>limits</c>: every bound.</summary>
    public LimitsOptions Limits { get; init; } = new();

    /// <summary><c>state</c>: what survives a restart.</summary>
    public StateOptions State { get; init; } = new();

    /// <summary><c>alerts</c>: when events become an alert.</summary>
    public AlertsOptions Alerts { get; init; } = new();
}
