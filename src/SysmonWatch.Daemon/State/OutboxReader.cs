using SQLitePCL;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.State;

/// <summary>Reads a whole outbox, one alert at a time, also from a damaged database: there it gives what can be read.</summary>
static class OutboxReader
{
    // A page that cannot be read has no more alerts than this on it; where more cannot be read, larger and larger gaps are tried.
    const int AlertsOnPage = 512;

    /// <summary>Every alert that can be read, in the order they came, with what is known of its deliveries.</summary>
    /// <remarks>An alert whose deliveries cannot be read is one that the journal is still to be told: better twice than never.</remarks>
    public static IEnumerable<(StoredAlert Alert, IReadOnlyList<StoredDelivery> Deliveries)> Read(Database database)
    {
        long last = 0, failures = 0, step = 1;
        while (last < long.MaxValue / 4)
        {
            (long Number, StoredAlert Alert)? next = null;
            try
            {
                List<(long, StoredAlert)> rows = database.Rows(
                    "SELECT number, alert_id, level, occurred_at, raised_at FROM alerts WHERE number > $last AND bytes > 0 ORDER BY number LIMIT 1",
                    row => (row.Number(0), new StoredAlert(row.Text(1), (RuleLevel)row.Number(2), Micros.ToTime(row.Number(3)), Micros.ToTime(row.Number(4)), [], [])),
                    ("$last", last));
                if (rows.Count == 0) yield break;
                next = rows[0];
            }
            catch (DatabaseException e) when (IsDamage(e))
            {
                if (++failures > AlertsOnPage) step *= 2;
                last += step;
            }
            if (next is not { } found) continue;
            (last, failures, step) = (found.Number, 0, 1);
            if (Body(database, last) is { } json) yield return (found.Alert with { Json = json }, Deliveries(database, last));
        }
    }

    static byte[]? Body(Database database, long number)
    {
        try
        {
            return database.Rows("SELECT json FROM bodies WHERE number = $number", row => row.Blob(0), ("$number", number)) is [byte[] json] ? json : null;
        }
        catch (DatabaseException e) when (IsDamage(e))
        {
            return null;
        }
    }

    static List<StoredDelivery> Deliveries(Database database, long number)
    {
        try
        {
            return Rows("SELECT sink, state, attempts, next_try, reason FROM deliveries WHERE number = $number", "");
        }
        catch (DatabaseException e) when (IsDamage(e))
        {
            // The index by alert is gone; the table itself is by sink.
        }
        try
        {
            return [.. database.Rows("SELECT name FROM sinks", row => row.Text(0))
                .SelectMany(sink => Rows("SELECT sink, state, attempts, next_try, reason FROM deliveries WHERE sink = $sink AND number = $number", sink))];
        }
        catch (DatabaseException e) when (IsDamage(e))
        {
            return [new StoredDelivery(Outbox.Assured, DeliveryState.Pending, 0, DateTimeOffset.UnixEpoch, "")];
        }

        List<StoredDelivery> Rows(string sql, string sink) => database.Rows(
            sql,
            row => new StoredDelivery(row.Text(0), (DeliveryState)row.Number(1), (int)row.Number(2), Micros.ToTime(row.Number(3)), row.Text(4)),
            sink.Length == 0 ? [("$number", number)] : [("$number", number), ("$sink", sink)]);
    }

    // SQLITE_ERROR: a column that a newer version does not have.
    static bool IsDamage(DatabaseException e) => e.Code is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_IOERR or raw.SQLITE_ERROR;
}
