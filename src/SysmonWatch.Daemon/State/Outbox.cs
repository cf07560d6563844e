using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.State;

/// <summary>
/// Alerts and who is still to be told, in one database. Bounded: see <see cref="Shrink"/>. Not thread-safe; a failing disk shows as
/// <see cref="DatabaseException"/>. <see cref="StateStore"/> deals with both.
/// </summary>
sealed class Outbox
{
    /// <summary>Who is assured every alert: the journal. An alert it is still to be told is never evicted.</summary>
    public const string Assured = "journal";

    /// <summary>From this level on an alert goes before all others.</summary>
    public const int Urgent = (int)RuleLevel.Critical;

    /// <summary>What an alert takes on disk beside its JSON, and each of its deliveries: rows, indexes and what pages leave unused, rounded up.</summary>
    public const int BytesOfAlert = 512, BytesOfDelivery = 160;

    // Of the bounds an eighth is for what the journal has not taken yet: it takes a thousand alerts a second, so more than that means that it is in trouble.
    const int ShareOfAssured = 8;

    readonly Database _database;
    readonly OutboxLimits _limits;
    readonly TimeProvider _time;
    readonly long _started;
    readonly long _ranBefore;

    public Outbox(Database database, OutboxLimits limits, TimeProvider time)
    {
        (_database, _limits, _time, _started) = (database, limits, time, time.GetTimestamp());
        _ranBefore = database.Long("SELECT value FROM meta WHERE name = 'running'");
    }

    /// <summary>How many alerts there are, told ones included.</summary>
    public int Count => (int)_database.Long("SELECT alerts FROM totals");

    /// <summary>True where so many alerts wait for the journal that no more may come before it takes some.</summary>
    public bool IsFull =>
        _database.Long("SELECT assured FROM totals") >= Math.Max(1, _limits.Alerts / ShareOfAssured) || _database.Long("SELECT assured_bytes FROM totals") >= Bytes / ShareOfAssured;

    /// <summary>How long the daemon has run, over all its lives, in microseconds: what ages are counted in, as nobody can set it forward.</summary>
    long Running => _ranBefore + (long)_time.GetElapsedTime(_started).TotalMicroseconds;

    // The snapshots are in the same file; however large they are, a quarter of it is left for alerts.
    long Bytes => Math.Max(_limits.Bytes - _database.Long("SELECT pages FROM totals"), _limits.Bytes / 4);

    long AlertsBeyond => _database.Long("SELECT alerts - assured FROM totals") - (_limits.Alerts - _limits.Alerts / ShareOfAssured);

    bool IsOverfull => AlertsBeyond > 0 || _database.Long("SELECT bytes - assured_bytes FROM totals") > Bytes - Bytes / ShareOfAssured;

    /// <summary>Puts alerts in; call it in a transaction.</summary>
    /// <returns>The ids that were not there before, in the order given.</returns>
    public List<string> Add(IReadOnlyList<StoredAlert> alerts)
    {
        var added = new List<string>();
        long checkpoint = Checkpoints, running = Running;
        foreach (StoredAlert alert in alerts)
        {
            string[] sinks = [.. alert.Sinks.Distinct()];
            if (!Insert(alert, checkpoint, running, sinks.Length, sinks.Length, sinks.Contains(Assured))) continue;
            added.Add(alert.AlertId);
            foreach (string sink in sinks) Insert(alert.Level, new StoredDelivery(sink, DeliveryState.Pending, 0, DateTimeOffset.UnixEpoch, ""));
        }
        return added;
    }

    /// <summary>Takes everything out of another database that is not in this one yet, with what is known of its deliveries; call it in a transaction.</summary>
    /// <returns>How many alerts that were.</returns>
    public int TakeFrom(Database other)
    {
        int taken = 0;
        long checkpoint = Checkpoints, running = Running;
        foreach ((StoredAlert alert, IReadOnlyList<StoredDelivery> deliveries) in OutboxReader.Read(other))
        {
            int pending = deliveries.Count(d => d.State == DeliveryState.Pending);
            if (!Insert(alert, checkpoint, running, deliveries.Count, pending, deliveries.Any(d => d.Sink == Assured && d.State == DeliveryState.Pending))) continue;
            foreach (StoredDelivery delivery in deliveries) Insert(alert.Level, delivery);
            taken++;
        }
        return taken;
    }

    /// <summary>Puts another JSON in the place of the one an alert has, for those who were not told yet. Call it in a transaction.</summary>
    public void Replace(string alertId, byte[] json)
    {
        _database.Execute(
            "UPDATE bodies SET json = $json WHERE number = (SELECT number FROM alerts WHERE alert_id = $id)", ("$json", json), ("$id", alertId));
        _database.Execute(
            $"""
            UPDATE alerts SET bytes = $bytes + {BytesOfDelivery} * (SELECT count(*) FROM deliveries d WHERE d.number = alerts.number)
            WHERE alert_id = $id AND bytes > 0
            """,
            ("$bytes", Size(json.Length, 0)), ("$id", alertId));
    }

    /// <summary>True where the alert is in it, or was and must be remembered.</summary>
    public bool Contains(string alertId) => _database.Long("SELECT 1 FROM alerts WHERE alert_id = $id", ("$id", alertId)) == 1;

    /// <summary>What a sink is to be told now: critical alerts first, then in the order they came.</summary>
    /// <param name="sink">Whom.</param>
    /// <param name="now">The time.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="longestWait">What seems to be put off further was put off before the clock was set back, and is due.</param>
    public List<PendingDelivery> Due(string sink, DateTimeOffset now, int limit, TimeSpan longestWait) => _database.Rows(
        """
        SELECT a.alert_id, a.level, a.occurred_at, a.raised_at, b.json, d.attempts FROM deliveries d JOIN alerts a USING(number) JOIN bodies b USING(number)
        WHERE d.sink = $sink AND d.state = 0 AND (d.next_try <= $now OR d.next_try > $furthest) ORDER BY d.urgency, d.number LIMIT $limit
        """,
        row => new PendingDelivery(
            row.Text(0), (RuleLevel)row.Number(1), Micros.ToTime(row.Number(2)), Micros.ToTime(row.Number(3)), row.Blob(4), (int)row.Number(5)),
        ("$sink", sink), ("$now", Micros.Of(now)), ("$furthest", Micros.Of(now + longestWait)), ("$limit", limit));

    /// <summary>When a sink has something to be told next; null where it has nothing.</summary>
    public DateTimeOffset? NextTry(string sink)
    {
        List<long?> first = _database.Rows<long?>(
            "SELECT min(next_try) FROM deliveries WHERE sink = $sink AND state = 0", row => row.IsNull(0) ? null : row.Number(0), ("$sink", sink));
        return first is [{ } micros] ? Micros.ToTime(micros) : null;
    }

    /// <summary>Notes what came of telling alerts to a sink; call it in a transaction.</summary>
    public void Mark(string sink, IEnumerable<DeliveryMark> marks)
    {
        foreach (DeliveryMark mark in marks)
        {
            _database.Execute(
                """
                UPDATE deliveries SET state = $state, attempts = attempts + $tried, next_try = $next, reason = $reason
                WHERE sink = $sink AND state = 0 AND number = (SELECT number FROM alerts WHERE alert_id = $id)
                """,
                ("$state", (int)mark.State), ("$tried", mark.State == DeliveryState.Told ? 0 : 1), ("$next", Micros.Of(mark.NextTry)), ("$reason", mark.Reason),
                ("$sink", sink), ("$id", mark.AlertId));
        }
    }

    /// <summary>Gives up what a sink has not been told of the alerts that the daemon has had for so long while it ran.</summary>
    /// <returns>How many.</returns>
    public int GiveUp(string sink, TimeSpan olderThan, string reason) => _database.Execute(
        """
        UPDATE deliveries SET state = 2, reason = $reason
        WHERE sink = $sink AND state = 0 AND number <= (SELECT max(number) FROM alerts WHERE running < $before)
        """,
        ("$sink", sink), ("$reason", reason), ("$before", Running - (long)olderThan.TotalMicroseconds));

    /// <summary>Gives up what has waited for as long as alerts are kept for sinks that are not among the named ones.</summary>
    /// <returns>How many.</returns>
    public int GiveUpAllBut(IReadOnlyCollection<string> sinks)
    {
        int given = 0;
        foreach (string sink in CountBySink(DeliveryState.Pending).Keys.Where(s => !sinks.Contains(s))) given += GiveUp(sink, _limits.Keep, "no longer configured");
        return given;
    }

    /// <summary>Deliveries in a state, by sink.</summary>
    public Dictionary<string, long> CountBySink(DeliveryState state) => _database.Rows(
        state == DeliveryState.Pending ? "SELECT name, pending FROM sinks WHERE pending > 0" : "SELECT name, dead FROM sinks WHERE dead > 0",
        row => (row.Text(0), row.Number(1))).ToDictionary(pair => pair.Item1, pair => pair.Item2);

    /// <summary>The sinks that did not take what is still to be delivered to them.</summary>
    public static List<SinkTrouble> Troubles(Database database) => database.Rows(
        // Of the columns without max() SQLite gives those of the row that has the maximum.
        "SELECT sink, count(*), reason, max(attempts) FROM deliveries WHERE state = 0 AND attempts > 0 GROUP BY sink ORDER BY sink",
        row => new SinkTrouble(row.Text(0), row.Number(1), row.Text(2)));

    /// <summary>The newest deliveries that were given up.</summary>
    public List<DeadLetter> DeadLetters(int limit) => _database.Rows(
        """
        SELECT a.alert_id, d.sink, a.raised_at, d.attempts, d.reason FROM deliveries d JOIN alerts a USING(number)
        WHERE d.state = 2 ORDER BY d.number DESC LIMIT $limit
        """,
        row => new DeadLetter(row.Text(0), row.Text(1), Micros.ToTime(row.Number(2)), (int)row.Number(3), row.Text(4)), ("$limit", limit));

    /// <summary>
    /// Keeps the bounds: what nobody waits for goes first, the oldest before all; then what only others than the journal wait for, the lowest level
    /// first and of it the oldest. What could still be raised again from the last position is remembered by its id. Call it in a transaction.
    /// </summary>
    /// <param name="most">Removes at most so many, so that no call takes long.</param>
    /// <param name="evicted">Added to: deliveries given up, by level.</param>
    public void Shrink(int most, Dictionary<RuleLevel, int> evicted)
    {
        while (most > 0 && IsOverfull)
        {
            int some = (int)Math.Min(most, Math.Clamp(AlertsBeyond, 1, 256));
            List<(long Number, int Level, int Pending)> going = _database.Rows("SELECT number, level, 0 FROM alerts WHERE pending = 0 AND bytes > 0 ORDER BY number LIMIT $some", Going, ("$some", some));
            if (going.Count == 0)
            {
                going = _database.Rows("SELECT number, level, pending FROM alerts WHERE pending > 0 AND assured = 0 ORDER BY level, number LIMIT $some", Going, ("$some", some));
                foreach ((_, int level, int pending) in going) evicted[(RuleLevel)level] = evicted.GetValueOrDefault((RuleLevel)level) + pending;
            }
            if (going.Count == 0) break;
            foreach ((long number, _, _) in going) Remove(number);
            most -= going.Count;
        }

        static (long, int, int) Going(Statement row) => (row.Number(0), (int)row.Number(1), (int)row.Number(2));
    }

    /// <summary>Removes some of what is told and old, and ids that need not be remembered any more. Call it in a transaction.</summary>
    /// <returns>True where there is more.</returns>
    public bool RemoveOld(DateTimeOffset now)
    {
        const int Some = 1000;
        int old = _database.Execute(
            """
            DELETE FROM alerts WHERE number IN
            (SELECT number FROM alerts WHERE pending = 0 AND bytes > 0 AND raised_at < $before AND checkpoint <= $safe ORDER BY number LIMIT $some)
            """,
            ("$before", Micros.Of(now - _limits.Keep)), ("$safe", SafeCheckpoint), ("$some", Some));
        return old == Some;
    }

    /// <summary>Notes at a checkpoint how long the daemon has run, and forgets ids that cannot be raised again from there. Call it in a transaction.</summary>
    public void AtCheckpoint()
    {
        _database.Execute("UPDATE meta SET value = $running WHERE name = 'running'", ("$running", Running));
        _database.Execute("DELETE FROM alerts WHERE bytes = 0 AND checkpoint <= $safe", ("$safe", SafeCheckpoint));
    }

    /// <summary>Removes everything.</summary>
    public void Clear() => _database.Script("DELETE FROM alerts;");

    long Checkpoints => _database.Long("SELECT value FROM meta WHERE name = 'checkpoints'");

    // One checkpoint back is not enough: the marker may have been under way while the alert came.
    long SafeCheckpoint => Checkpoints - 2;

    void Remove(long number)
    {
        if (_database.Execute("DELETE FROM alerts WHERE number = $number AND checkpoint <= $safe", ("$number", number), ("$safe", SafeCheckpoint)) > 0) return;
        _database.Execute("UPDATE alerts SET bytes = 0, pending = 0, assured = 0 WHERE number = $number", ("$number", number));
        _database.Execute("DELETE FROM bodies WHERE number = $number", ("$number", number));
        _database.Execute("DELETE FROM deliveries WHERE number = $number", ("$number", number));
        // Where no checkpoint is written for so long, being told twice is better than a full disk.
        _database.Execute("DELETE FROM alerts WHERE number = (SELECT number FROM alerts WHERE bytes = 0 ORDER BY number LIMIT 1 OFFSET $most)", ("$most", _limits.Alerts));
    }

    bool Insert(StoredAlert alert, long checkpoint, long running, int deliveries, int pending, bool assured)
    {
        int inserted = _database.Execute(
            """
            INSERT OR IGNORE INTO alerts(alert_id, level, occurred_at, raised_at, checkpoint, running, bytes, pending, assured)
            VALUES($id, $level, $occurred, $raised, $checkpoint, $running, $bytes, $pending, $assured)
            """,
            ("$id", alert.AlertId), ("$level", (int)alert.Level), ("$occurred", Micros.Of(alert.OccurredAt)), ("$raised", Micros.Of(alert.RaisedAt)),
            ("$checkpoint", checkpoint), ("$running", running), ("$bytes", Size(alert.Json.Length, deliveries)), ("$pending", pending), ("$assured", assured ? 1 : 0));
        if (inserted == 0) return false;
        _database.Execute("INSERT INTO bodies VALUES(last_insert_rowid(), $json)", ("$json", alert.Json));
        return true;
    }

    // Of the alert that was inserted last.
    void Insert(RuleLevel level, StoredDelivery delivery) => _database.Execute(
        "INSERT INTO deliveries VALUES($sink, (SELECT max(number) FROM bodies), $urgency, $state, $attempts, $next, $reason)",
        ("$sink", delivery.Sink), ("$urgency", (int)level < Urgent ? 1 : 0), ("$state", (int)delivery.State), ("$attempts", delivery.Attempts),
        ("$next", Micros.Of(delivery.NextTry)), ("$reason", delivery.Reason));

    static long Size(int json, int deliveries) => json * 5L / 4 + BytesOfAlert + BytesOfDelivery * deliveries;
}
