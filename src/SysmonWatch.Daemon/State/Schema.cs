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
        """
        CREATE TABLE pages(name TEXT NOT NULL, page INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY(name, page));
        INSERT INTO pages SELECT name, 0, value FROM snapshots;
        DROP TABLE snapshots;
        """,
    ];

    /// <summary>Takes the steps from a version to this one, each in one transaction with its number.</summary>
    /// <param name="database">The database; its user_version must not be newer than <see cref="Version"/>.</param>
    /// <param name="from">Its version; 0 for an empty one.</param>
    public static void Migrate(Database database, int from)
    {
        for (int version = from; version < Version; version++)
        {
            string step = Steps[version];
            int reached = version + 1;
            database.InTransaction(() => database.Script($"{step}PRAGMA application_id = {Database.ApplicationId}; PRAGMA user_version = {reached};"));
        }
    }
}
