using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.State;

/// <summary>
/// Alerts and who is still to be told, in one database. Bounded: told alerts go after a while, and where there are too many the oldest go,
/// told ones first. Not thread-safe; a failing disk shows as <see cref="DatabaseException"/>. <see cref="StateStore"/> deals with both.
/// </summary>
sealed class Outbox(Database database, OutboxLimits limits)
{
    long _alerts = database.Long("SELECT count(*) FROM alerts");
    long _bytes = database.Long("SELECT sum(length(json)) FROM alerts");

    /// <summary>How many alerts there are, told ones included.</summary>
    public int Count => (int)_alerts;

    /// <summary>Puts alerts in; call it in a transaction.</summary>
    /// <returns>The ids that were not there before, in the order given.</returns>
    public List<string> Add(IReadOnlyList<StoredAlert> alerts)
    {
        var added = new List<string>();
        long checkpoint = database.Long("SELECT value FROM meta WHERE name = 'checkpoints'");
        foreach (StoredAlert alert in alerts)
        {
            int inserted = database.Execute(
                "INSERT OR IGNORE INTO alerts(alert_id, level, occurred_at, raised_at, json, checkpoint) VALUES($id, $level, $occurred, $raised, $json, $checkpoint)",
                ("$id", alert.AlertId), ("$level", (int)alert.Level), ("$occurred", Micros(alert.OccurredAt)), ("$raised", Micros(alert.RaisedAt)),
                ("$json", alert.Json), ("$checkpoint", checkpoint));
            if (inserted == 0) continue;
            added.Add(alert.AlertId);
            foreach (string sink in alert.Sinks)
            {
                database.Execute(
                    "INSERT OR IGNORE INTO deliveries SELECT $sink, number, 0, 0, 0, '' FROM alerts WHERE alert_id = $id", ("$sink", sink), ("$id", alert.AlertId));
            }
        }
        return added;
    }

    /// <summary>Puts another JSON in the place of the one an alert has, for those who were not told yet. Call it in a transaction.</summary>
    public void Replace(string alertId, byte[] json) => database.Execute("UPDATE alerts SET json = $json WHERE alert_id = $id", ("$json", json), ("$id", alertId));

    /// <summary>True where the alert is in it.</summary>
    public bool Contains(string alertId) => database.Long("SELECT 1 FROM alerts WHERE alert_id = $id", ("$id", alertId)) == 1;

    /// <summary>What a sink is to be told now, oldest first.</summary>
    /// <param name="sink">Whom.</param>
    /// <param name="now">The time.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="longestWait">What seems to be put off further was put off before the clock was set back, and is due.</param>
    public List<PendingDelivery> Due(string sink, DateTimeOffset now, int limit, TimeSpan longestWait) => database.Rows(
        """
        SELECT a.alert_id, a.level, a.occurred_at, a.raised_at, a.json, d.attempts FROM deliveries d JOIN alerts a USING(number)
        WHERE d.sink = $sink AND d.state = 0 AND (d.next_try <= $now OR d.next_try > $furthest) ORDER BY d.number LIMIT $limit
        """,
        row => new PendingDelivery(
            row.Text(0), (RuleLevel)row.Number(1), Time(row.Number(2)), Time(row.Number(3)), row.Blob(4), (int)row.Number(5)),
        ("$sink", sink), ("$now", Micros(now)), ("$furthest", Micros(now + longestWait)), ("$limit", limit));

    /// <summary>When a sink has something to be told next; null where it has nothing.</summary>
    public DateTimeOffset? NextTry(string sink)
    {
        List<long?> first = database.Rows<long?>(
            "SELECT min(next_try) FROM deliveries WHERE sink = $sink AND state = 0", row => row.IsNull(0) ? null : row.Number(0), ("$sink", sink));
        return first is [{ } micros] ? Time(micros) : null;
    }

    /// <summary>Notes what came of telling alerts to a sink; call it in a transaction.</summary>
    public void Mark(string sink, IEnumerable<DeliveryMark> marks)
    {
        foreach (DeliveryMark mark in marks)
        {
            database.Execute(
                """
                UPDATE deliveries SET state = $state, attempts = attempts + $tried, next_try = $next, reason = $reason
                WHERE sink = $sink AND state = 0 AND number = (SELECT number FROM alerts WHERE alert_id = $id)
                """,
                ("$state", (int)mark.State), ("$tried", mark.State == DeliveryState.Told ? 0 : 1), ("$next", Micros(mark.NextTry)), ("$reason", mark.Reason),
                ("$sink", sink), ("$id", mark.AlertId));
        }
    }

    /// <summary>Gives up what a sink has not been told of the alerts put in before a time.</summary>
    /// <returns>How many.</returns>
    public int GiveUp(string sink, DateTimeOffset raisedBefore, string reason) => database.Execute(
        """
        UPDATE deliveries SET state = 2, reason = $reason
        WHERE sink = $sink AND state = 0 AND number IN (SELECT number FROM alerts WHERE raised_at < $before)
        """,
        ("$sink", sink), ("$reason", reason), ("$before", Micros(raisedBefore)));

    /// <summary>Gives up what is still to be told to sinks that are not among the named ones.</summary>
    /// <returns>How many.</returns>
    public int GiveUpAllBut(IReadOnlyCollection<string> sinks, string reason)
    {
        int given = 0;
        foreach (string sink in Sinks().Where(s => !sinks.Contains(s))) given += GiveUp(sink, DateTimeOffset.MaxValue, reason);
        return given;
    }

    /// <summary>Deliveries in a state, by sink.</summary>
    public Dictionary<string, long> CountBySink(DeliveryState state) => database.Rows(
        "SELECT sink, count(*) FROM deliveries WHERE state = $state GROUP BY sink", row => (row.Text(0), row.Number(1)), ("$state", (int)state))
        .ToDictionary(pair => pair.Item1, pair => pair.Item2);

    /// <summary>The sinks that did not take what is still to be delivered to them.</summary>
    public static List<SinkTrouble> Troubles(Database database) => database.Rows(
        // Of the columns without max() SQLite gives those of the row that has the maximum.
        "SELECT sink, count(*), reason, max(attempts) FROM deliveries WHERE state = 0 AND attempts > 0 GROUP BY sink ORDER BY sink",
        row => new SinkTrouble(row.Text(0), row.Number(1), row.Text(2)));

    /// <summary>The newest deliveries that were given up.</summary>
    public List<DeadLetter> DeadLetters(int limit) => database.Rows(
        """
        SELECT a.alert_id, d.sink, a.raised_at, d.attempts, d.reason FROM deliveries d JOIN alerts a USING(number)
        WHERE d.state = 2 ORDER BY d.number DESC LIMIT $limit
        """,
        row => new DeadLetter(row.Text(0), row.Text(1), Time(row.Number(2)), (int)row.Number(3), row.Text(4)), ("$limit", limit));

    /// <summary>Takes everything out of another outbox that is not in this one yet, with what is known of its deliveries. Call it in a transaction.</summary>
    public void TakeFrom(Outbox other)
    {
        foreach (StoredAlert alert in other.All())
        {
            if (Add([alert]).Count == 0) continue;
            foreach ((string sink, DeliveryMark mark, int attempts) in other.MarksOf(alert.AlertId))
            {
                Mark(sink, [mark]);
                database.Execute(
                    "UPDATE deliveries SET attempts = $attempts WHERE sink = $sink AND number = (SELECT number FROM alerts WHERE alert_id = $id)",
                    ("$attempts", attempts), ("$sink", sink), ("$id", alert.AlertId));
            }
        }
    }

    /// <summary>
    /// Removes what is told and old, and keeps the bounds. What could still be raised again from the last position is kept in any case.
    /// </summary>
    /// <returns>How many deliveries had to be given up for it.</returns>
    public int Trim(DateTimeOffset now)
    {
        Recount();
        int evicted = 0;
        database.InTransaction(() =>
        {
            // One checkpoint back is not enough: the marker may have been under way while the alert came.
            long safe = database.Long("SELECT value FROM meta WHERE name = 'checkpoints'") - 2;
            database.Execute(
                """
                DELETE FROM alerts WHERE raised_at < $before AND checkpoint <= $safe
                AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.number = alerts.number AND d.state = 0)
                """,
                ("$before", Micros(now - limits.Keep)), ("$safe", safe));
            DeleteOrphans();
            Recount();
            if (Excess <= 0) return;
            // A tenth more than needed, so that this is not done again at once.
            long toGo = Excess + limits.Alerts / 10;
            toGo -= database.Execute(
                """
                DELETE FROM alerts WHERE number IN (SELECT number FROM alerts a WHERE checkpoint <= $safe
                AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.number = a.number AND d.state = 0) ORDER BY number LIMIT $most)
                """,
                ("$safe", safe), ("$most", toGo));
            Recount();
            if (Excess > 0)
            {
                evicted = (int)database.Long(
                    "SELECT count(*) FROM deliveries WHERE state = 0 AND number IN (SELECT number FROM alerts WHERE checkpoint <= $safe ORDER BY number LIMIT $most)",
                    ("$safe", safe), ("$most", toGo));
                database.Execute("DELETE FROM alerts WHERE number IN (SELECT number FROM alerts WHERE checkpoint <= $safe ORDER BY number LIMIT $most)", ("$safe", safe), ("$most", toGo));
            }
            DeleteOrphans();
        });
        Recount();
        // Where no checkpoint is written for so long, being told twice is better than a full disk.
        return _alerts > 2L * limits.Alerts || _bytes > 2 * limits.Bytes ? evicted + EvictOldest() : evicted;
    }

    /// <summary>True where <see cref="Trim"/> has something to do for the bounds.</summary>
    public bool IsOverfull => Excess > 0;

    /// <summary>Notes what a transaction that was committed has added.</summary>
    public void CountAdded(int alerts, long bytes) => (_alerts, _bytes) = (_alerts + alerts, _bytes + bytes);

    /// <summary>Removes the oldest alerts beyond the bound whatever they wait for. For an outbox in memory, which nobody reads on from.</summary>
    /// <returns>How many deliveries were given up.</returns>
    public int EvictOldest()
    {
        Recount();
        if (Excess <= 0) return 0;
        long toGo = Excess, evicted = 0;
        database.InTransaction(() =>
        {
            evicted = database.Long("SELECT count(*) FROM deliveries WHERE state = 0 AND number IN (SELECT number FROM alerts ORDER BY number LIMIT $most)", ("$most", toGo));
            database.Execute("DELETE FROM alerts WHERE number IN (SELECT number FROM alerts ORDER BY number LIMIT $most)", ("$most", toGo));
            DeleteOrphans();
        });
        Recount();
        return (int)evicted;
    }

    /// <summary>Removes everything.</summary>
    public void Clear()
    {
        database.Script("DELETE FROM deliveries; DELETE FROM alerts;");
        Recount();
    }

    /// <summary>Counts anew, after a transaction that may have changed what there is.</summary>
    public void Recount()
    {
        _alerts = database.Long("SELECT count(*) FROM alerts");
        _bytes = database.Long("SELECT sum(length(json)) FROM alerts");
    }

    /// <summary>How many alerts are beyond the bounds; for the bytes, by their mean size.</summary>
    long Excess => Math.Max(_alerts - limits.Alerts, _bytes > limits.Bytes ? (_bytes - limits.Bytes) * _alerts / _bytes + 1 : 0);

    void DeleteOrphans() => database.Execute("DELETE FROM deliveries WHERE number NOT IN (SELECT number FROM alerts)");

    List<string> Sinks() => database.Rows("SELECT DISTINCT sink FROM deliveries WHERE state = 0", row => row.Text(0));

    List<StoredAlert> All() => database.Rows(
        "SELECT alert_id, level, occurred_at, raised_at, json, (SELECT group_concat(sink, char(10)) FROM deliveries d WHERE d.number = alerts.number) FROM alerts ORDER BY number",
        row => new StoredAlert(
            row.Text(0), (RuleLevel)row.Number(1), Time(row.Number(2)), Time(row.Number(3)), row.Blob(4),
            row.IsNull(5) ? [] : row.Text(5).Split('\n')));

    List<(string Sink, DeliveryMark Mark, int Attempts)> MarksOf(string alertId) => database.Rows(
        "SELECT sink, state, next_try, reason, attempts FROM deliveries d JOIN alerts a USING(number) WHERE a.alert_id = $id",
        row => (row.Text(0), new DeliveryMark(alertId, (DeliveryState)row.Number(1), Time(row.Number(2)), row.Text(3)), (int)row.Number(4)),
        ("$id", alertId));

    static long Micros(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    static DateTimeOffset Time(long micros) => DateTimeOffset.UnixEpoch.AddTicks(
        Math.Clamp(micros, -(DateTimeOffset.UnixEpoch.Ticks / 10), (DateTimeOffset.MaxValue.Ticks - DateTimeOffset.UnixEpoch.Ticks) / 10) * TimeSpan.TicksPerMicrosecond);
}
