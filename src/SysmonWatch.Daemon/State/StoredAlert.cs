using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.State;

/// <summary>An alert as the outbox keeps it.</summary>
/// <param name="AlertId">The alert's id; put in twice, it is there once.</param>
/// <param name="Level">Its level.</param>
/// <param name="OccurredAt">Time of the event that completed it.</param>
/// <param name="RaisedAt">When it was put in; what is given up is counted from here.</param>
/// <param name="Json">The alert as UTF-8 JSON (<see cref="Detection.Alerting.AlertJson"/>).</param>
/// <param name="Sinks">Names of those who are to be told.</param>
sealed record StoredAlert(
    string AlertId, RuleLevel Level, DateTimeOffset OccurredAt, DateTimeOffset RaisedAt, byte[] Json, IReadOnlyList<string> Sinks);

/// <summary>One alert that one sink is still to be told.</summary>
/// <param name="AlertId">The alert's id.</param>
/// <param name="Level">Its level.</param>
/// <param name="OccurredAt">Time of the event that completed it.</param>
/// <param name="RaisedAt">When it was put in.</param>
/// <param name="Json">The alert as UTF-8 JSON.</param>
/// <param name="Attempts">How often the sink refused this very alert while it took others.</param>
sealed record PendingDelivery(string AlertId, RuleLevel Level, DateTimeOffset OccurredAt, DateTimeOffset RaisedAt, byte[] Json, int Attempts);

/// <summary>Where the telling of one alert to one sink stands, as the outbox keeps it.</summary>
/// <param name="Sink">Whom.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Attempts">How often the sink refused this very alert.</param>
/// <param name="NextTry">It is put off until then.</param>
/// <param name="Reason">Why it failed; empty where it did not.</param>
sealed record StoredDelivery(string Sink, DeliveryState State, int Attempts, DateTimeOffset NextTry, string Reason);

/// <summary>Where the telling of one alert to one sink stands.</summary>
enum DeliveryState
{
    /// <summary>To be told.</summary>
    Pending = 0,

    /// <summary>Told.</summary>
    Told = 1,

    /// <summary>Given up; the reason is kept with it.</summary>
    Dead = 2,
}

/// <summary>What came of telling one alert to one sink.</summary>
/// <param name="AlertId">The alert's id.</param>
/// <param name="State">Where it stands now; <see cref="DeliveryState.Pending"/> after a failure that is tried again.</param>
/// <param name="NextTry">When it is tried again; counts with <see cref="DeliveryState.Pending"/> only.</param>
/// <param name="Reason">Why it failed; without secrets. Empty where it did not.</param>
sealed record DeliveryMark(string AlertId, DeliveryState State, DateTimeOffset NextTry = default, string Reason = "");

/// <summary>A delivery that was given up.</summary>
/// <param name="AlertId">The alert's id.</param>
/// <param name="Sink">Who was not told.</param>
/// <param name="RaisedAt">When the alert was put in.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="Reason">Why it was given up.</param>
sealed record DeadLetter(string AlertId, string Sink, DateTimeOffset RaisedAt, int Attempts, string Reason);
