using SQLitePCL;

namespace SysmonWatch.Daemon.State;

/// <summary>
/// One SQLite database with our tables in it, on disk or in memory. Not thread-safe: <see cref="StateStore"/> holds the lock.
/// </summary>
/// <remarks>
/// On disk: write-ahead log and synchronous=FULL, so that what was committed survives a power cut. No feature newer than SQLite 3.34 (RHEL 9) is used.
/// SQLite is called through SQLitePCLRaw and not through an ADO.NET provider: that of Microsoft wakes twice a minute to look after a pool of connections, whether
/// there is one or not.
/// </remarks>
sealed class Database : IDisposable
{
    /// <summary>"SyMW" in the header of the file, by which we know our own.</summary>
    public const int ApplicationId = 0x53794D57;

    /// <summary>How long another process's lock is waited for, in milliseconds.</summary>
    const int BusyTimeout = 1000;

    const int ReadWrite = raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE;

    readonly sqlite3 _connection;
    // By their text: there are as many as there are places that run one.
    readonly Dictionary<string, Statement> _statements = new(StringComparer.Ordinal);

    Database(string name, int flags)
    {
        int result = raw.sqlite3_open_v2(name, out _connection, flags | raw.SQLITE_OPEN_NOMUTEX, null);
        if (result != raw.SQLITE_OK)
        {
            int extended = _connection is { IsInvalid: false } ? raw.sqlite3_extended_errcode(_connection) : result;
            _connection?.Dispose();
            throw new DatabaseException(extended, raw.sqlite3_errstr(result).utf8_to_string());
        }
        raw.sqlite3_busy_timeout(_connection, BusyTimeout);
    }

    /// <summary>A database in memory, new and empty.</summary>
    public static Database InMemory()
    {
        var database = new Database(":memory:", ReadWrite);
        Schema.Migrate(database, 0);
        return database;
    }

    /// <summary>Whatever database is in a file, or a new one, as it is.</summary>
    /// <exception cref="DatabaseException">It cannot be opened.</exception>
    public static Database Connect(string path) => new(path, ReadWrite);

    /// <summary>The database in a file, which is made where it is not there, and brought up to this version's schema.</summary>
    /// <param name="path">The file.</param>
    /// <param name="notOurs">Why the file must be set aside: damaged, foreign or newer. Null where the database is returned.</param>
    /// <exception cref="DatabaseException">It cannot be opened or written.</exception>
    public static Database? Open(string path, out string? notOurs)
    {
        Database database = Connect(path);
        try
        {
            long application = database.Long("PRAGMA application_id"), version = database.Long("PRAGMA user_version");
            bool empty = database.Long("SELECT count(*) FROM sqlite_master") == 0;
            notOurs = application != ApplicationId && !(application == 0 && empty) ? "foreign"
                : version > Schema.Version ? "newer"
                : !empty && database.IsDamaged() ? "damaged"
                : null;
            if (notOurs is null)
            {
                // What a killed process has left in the log is taken in at once: it would be read anew at each start, and grow over many short lives.
                database.Script("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304; PRAGMA wal_checkpoint(TRUNCATE);");
                Schema.Migrate(database, (int)version);
                return database;
            }
        }
        catch (DatabaseException e) when (e.Code is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB)
        {
            notOurs = "damaged";
        }
        catch
        {
            database.Dispose();
            throw;
        }
        database.Dispose();
        return null;
    }

    /// <summary>A database on a file system that cannot be written: only what its main file holds is seen. Null where it is not ours.</summary>
    public static Database? OpenReadOnly(string path)
    {
        string escaped = string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
        var database = new Database($"file:{escaped}?immutable=1", raw.SQLITE_OPEN_READONLY | raw.SQLITE_OPEN_URI);
        try
        {
            if (database.Long("PRAGMA application_id") == ApplicationId && database.Long("PRAGMA user_version") == Schema.Version) return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
        database.Dispose();
        return null;
    }

    /// <summary>A database of ours that is only to be read, however damaged; null where nothing of it can be.</summary>
    public static Database? TryOpenToRead(string path)
    {
        Database? database = null;
        try
        {
            database = new Database(path, raw.SQLITE_OPEN_READONLY);
            if (database.Long("SELECT count(*) FROM sqlite_master WHERE name IN ('alerts', 'bodies', 'deliveries')") == 3) return database;
        }
        catch (DatabaseException)
        {
            // Nothing to be had.
        }
        database?.Dispose();
        return null;
    }

    /// <summary>Runs an action in one transaction: all of it is written or nothing.</summary>
    public void InTransaction(Action action)
    {
        Execute("BEGIN IMMEDIATE");
        bool committed = false;
        try
        {
            action();
            Execute("COMMIT");
            committed = true;
        }
        finally
        {
            // Some failures (a full disk) have rolled it back already. One that cannot be rolled back ends with the connection, and what failed first is what matters.
            if (!committed && raw.sqlite3_get_autocommit(_connection) == 0) raw.sqlite3_exec(_connection, "ROLLBACK");
        }
    }

    /// <summary>Runs a statement that gives no rows.</summary>
    /// <returns>How many rows it changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        Prepared(sql).Run(parameters, null);
        return raw.sqlite3_changes(_connection);
    }

    /// <summary>Runs several statements without parameters.</summary>
    public void Script(string sql)
    {
        if (raw.sqlite3_exec(_connection, sql) != raw.SQLITE_OK) throw DatabaseException.Of(_connection);
    }

    /// <summary>The single number a query gives; 0 where it gives none.</summary>
    public long Long(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        long number = 0;
        Prepared(sql).Run(parameters, row => number = row.Number(0));
        return number;
    }

    /// <summary>The rows a query gives.</summary>
    public List<T> Rows<T>(string sql, Func<Statement, T> row, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var rows = new List<T>();
        Prepared(sql).Run(parameters, at => rows.Add(row(at)));
        return rows;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Statement statement in _statements.Values) statement.Dispose();
        _statements.Clear();
        _connection.Dispose();
    }

    bool IsDamaged() => Rows("PRAGMA quick_check(1)", row => row.Text(0)) is not ["ok"];

    Statement Prepared(string sql)
    {
        if (!_statements.TryGetValue(sql, out Statement? statement)) _statements[sql] = statement = new Statement(_connection, sql);
        return statement;
    }
}
