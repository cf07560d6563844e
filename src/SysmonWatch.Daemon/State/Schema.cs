namespace SysmonWatch.Daemon.State;

/// <summary>The tables, and how a database of an earlier version comes to have them.</summary>
static class Schema
{
    /// <summary>The version this program writes; kept in the file's user_version.</summary>
    public const int Version = 2;

    // Times are microseconds since 1970. alerts.checkpoint is how many checkpoints had been written when the alert came: as long as the
    // position may still go back before it, it must be remembered, or it would be told again under the same id.
    static readonly string[] Steps =
    [
        """
        CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO meta VALUES('checkpoints', 0);
        CREATE TABLE positions(source TEXT PRIMARY KEY, value BLOB NOT NULL);
        CREATE TABLE snapshots(name TEXT PRIMARY KEY, value BLOB NOT NULL);
        CREATE TABLE alerts(
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            alert_id TEXT NOT NULL UNIQUE,
            level INTEGER NOT NULL,
            occurred_at INTEGER NOT NULL,
            raised_at INTEGER NOT NULL,
            json BLOB NOT NULL,
            checkpoint INTEGER NOT NULL);
        CREATE TABLE deliveries(
            sink TEXT NOT NULL,
            number INTEGER NOT NULL,
            state INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            next_try INTEGER NOT NULL,
            reason TEXT NOT NULL,
            PRIMARY KEY(sink, number)) WITHOUT ROWID;
        CREATE INDEX deliveries_pending ON deliveries(sink, number) WHERE state = 0;
        CREATE INDEX deliveries_of_alert ON deliveries(number);
        """,

        // Snapshots in pages. Whatever is asked of the outbox costs the same however much is in it: counts are kept by triggers, what may be evicted
        // is found by index, and the JSON is apart, so that noting a delivery does not write it anew. alerts.running is for how long the daemon had
        // run, over all its lives, in microseconds; bytes is 0 where only the id is remembered; assured is 1 until the journal has the alert.
        $"""
        CREATE TABLE pages(name TEXT NOT NULL, page INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY(name, page));
        CREATE TABLE totals(alerts INTEGER NOT NULL, bytes INTEGER NOT NULL, assured INTEGER NOT NULL, assured_bytes INTEGER NOT NULL, pages INTEGER NOT NULL);
        CREATE TABLE sinks(name TEXT PRIMARY KEY, pending INTEGER NOT NULL, dead INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO meta VALUES('running', 0);
        INSERT INTO totals VALUES(0, 0, 0, 0, 0);
        DROP INDEX deliveries_pending;
        DROP INDEX deliveries_of_alert;
        ALTER TABLE alerts RENAME TO alerts_1;
        ALTER TABLE deliveries RENAME TO deliveries_1;
        CREATE TABLE alerts(
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            alert_id TEXT NOT NULL UNIQUE,
            level INTEGER NOT NULL,
            occurred_at INTEGER NOT NULL,
            raised_at INTEGER NOT NULL,
            checkpoint INTEGER NOT NULL,
            running INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            pending INTEGER NOT NULL,
            assured INTEGER NOT NULL);
        CREATE TABLE bodies(number INTEGER PRIMARY KEY, json BLOB NOT NULL);
        CREATE TABLE deliveries(
            sink TEXT NOT NULL,
            number INTEGER NOT NULL,
            urgency INTEGER NOT NULL,
            state INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            next_try INTEGER NOT NULL,
            reason TEXT NOT NULL,
            PRIMARY KEY(sink, number)) WITHOUT ROWID;
        CREATE INDEX deliveries_pending ON deliveries(sink, urgency, number) WHERE state = 0;
        CREATE INDEX deliveries_of_alert ON deliveries(number);
        CREATE INDEX alerts_done ON alerts(number) WHERE pending = 0 AND bytes > 0;
        CREATE INDEX alerts_waiting ON alerts(level, number) WHERE pending > 0 AND assured = 0;
        CREATE INDEX alerts_forgotten ON alerts(number) WHERE bytes = 0;
        CREATE INDEX alerts_age ON alerts(running);
        CREATE TRIGGER page_added AFTER INSERT ON pages BEGIN UPDATE totals SET pages = pages + length(new.value); END;
        CREATE TRIGGER page_changed AFTER UPDATE ON pages BEGIN UPDATE totals SET pages = pages + length(new.value) - length(old.value); END;
        CREATE TRIGGER page_removed AFTER DELETE ON pages BEGIN UPDATE totals SET pages = pages - length(old.value); END;
        CREATE TRIGGER alert_added AFTER INSERT ON alerts BEGIN
            UPDATE totals SET alerts = alerts + (new.bytes > 0), bytes = bytes + new.bytes, assured = assured + new.assured, assured_bytes = assured_bytes + new.assured * new.bytes;
        END;
        CREATE TRIGGER alert_changed AFTER UPDATE OF bytes, assured ON alerts BEGIN
            UPDATE totals SET alerts = alerts + (new.bytes > 0) - (old.bytes > 0), bytes = bytes + new.bytes - old.bytes,
                assured = assured + new.assured - old.assured, assured_bytes = assured_bytes + new.assured * new.bytes - old.assured * old.bytes;
        END;
        CREATE TRIGGER alert_removed AFTER DELETE ON alerts BEGIN
            UPDATE totals SET alerts = alerts - (old.bytes > 0), bytes = bytes - old.bytes, assured = assured - old.assured, assured_bytes = assured_bytes - old.assured * old.bytes;
            DELETE FROM bodies WHERE number = old.number;
            DELETE FROM deliveries WHERE number = old.number;
        END;
        CREATE TRIGGER delivery_added AFTER INSERT ON deliveries BEGIN
            INSERT INTO sinks SELECT new.sink, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM sinks WHERE name = new.sink);
            UPDATE sinks SET pending = pending + (new.state = 0), dead = dead + (new.state = 2) WHERE name = new.sink;
        END;
        CREATE TRIGGER delivery_changed AFTER UPDATE OF state ON deliveries WHEN old.state <> new.state BEGIN
            UPDATE sinks SET pending = pending + (new.state = 0) - (old.state = 0), dead = dead + (new.state = 2) - (old.state = 2) WHERE name = new.sink;
            UPDATE alerts SET pending = pending + (new.state = 0) - (old.state = 0), assured = CASE WHEN new.sink = '{Outbox.Assured}' THEN new.state = 0 ELSE assured END
                WHERE number = new.number;
        END;
        CREATE TRIGGER delivery_removed AFTER DELETE ON deliveries BEGIN
            UPDATE sinks SET pending = pending - (old.state = 0), dead = dead - (old.state = 2) WHERE name = old.sink;
        END;
        INSERT INTO pages SELECT name, 0, value FROM snapshots;
        INSERT INTO alerts SELECT number, alert_id, level, occurred_at, raised_at, checkpoint, 0,
            length(json) * 5 / 4 + {Outbox.BytesOfAlert} + {Outbox.BytesOfDelivery} * (SELECT count(*) FROM deliveries_1 d WHERE d.number = a.number),
            (SELECT count(*) FROM deliveries_1 d WHERE d.number = a.number AND d.state = 0),
            EXISTS (SELECT 1 FROM deliveries_1 d WHERE d.number = a.number AND d.state = 0 AND d.sink = '{Outbox.Assured}')
            FROM alerts_1 a ORDER BY number;
        INSERT INTO bodies SELECT number, json FROM alerts_1 ORDER BY number;
        INSERT INTO deliveries SELECT d.sink, d.number, a.level < {Outbox.Urgent}, d.state, d.attempts, d.next_try, d.reason FROM deliveries_1 d JOIN alerts_1 a USING(number);
        DROP TABLE deliveries_1;
        DROP TABLE alerts_1;
        DROP TABLE snapshots;
        """,
    ];

    /// <summary>Takes the steps from a version to another, each in one transaction with its number.</summary>
    /// <param name="database">The database; its user_version must not be newer than <see cref="Version"/>.</param>
    /// <param name="from">Its version; 0 for an empty one.</param>
    /// <param name="to">The version it is to have.</param>
    public static void Migrate(Database database, int from, int to = Version)
    {
        for (int version = from; version < to; version++)
        {
            string step = Steps[version];
            int reached = version + 1;
            database.InTransaction(() => database.Script($"{step}PRAGMA application_id = {Database.ApplicationId}; PRAGMA user_version = {reached};"));
        }
    }
}
