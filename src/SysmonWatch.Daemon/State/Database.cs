using System.Globalization;
using Microsoft.Data.Sqlite;

namespace SysmonWatch.Daemon.State;

/// <summary>
/// One SQLite database with our tables in it, on disk or in memory. Not thread-safe: <see cref="StateStore"/> holds the lock.
/// </summary>
/// <remarks>
/// On disk: write-ahead log and synchronous=FULL, so that what was committed survives a power cut. No feature newer than SQLite 3.34 (RHEL 9) is used.
/// </remarks>
sealed class Database : IDisposable
{
    /// <summary>"SyMW" in the header of the file, by which we know our own.</summary>
    public const int ApplicationId = 0x53794D57;

    readonly SqliteConnection _connection;
    SqliteTransaction? _transaction;

    Database(string dataSource, SqliteOpenMode mode)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = dataSource,
            Mode = mode,
            Pooling = false,
            DefaultTimeout = 1,
        }.ToString());
    }

    /// <summary>A database in memory, new and empty.</summary>
    public static Database InMemory()
    {
        var database = new Database(":memory:", SqliteOpenMode.Memory);
        database._connection.Open();
        Schema.Migrate(database, 0);
        return database;
    }

    /// <summary>The database in a file, which is made where it is not there, and brought up to this version's schema.</summary>
    /// <param name="path">The file.</param>
    /// <param name="notOurs">Why the file must be set aside: damaged, foreign or newer. Null where the database is returned.</param>
    /// <exception cref="SqliteException">It cannot be opened or written.</exception>
    public static Database? Open(string path, out string? notOurs)
    {
        var database = new Database(path, SqliteOpenMode.ReadWriteCreate);
        try
        {
            database._connection.Open();
            long application = database.Long("PRAGMA application_id"), version = database.Long("PRAGMA user_version");
            bool empty = database.Long("SELECT count(*) FROM sqlite_master") == 0;
            notOurs = application != ApplicationId && !(application == 0 && empty) ? "foreign"
                : version > Schema.Version ? "newer"
                : !empty && database.IsDamaged() ? "damaged"
                : null;
            if (notOurs is null)
            {
                database.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304;");
                Schema.Migrate(database, (int)version);
                return database;
            }
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 11 or 26)
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
        var database = new Database($"file:{escaped}?immutable=1", SqliteOpenMode.ReadOnly);
        try
        {
            database._connection.Open();
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

    /// <summary>Runs an action in one transaction: all of it is written or nothing.</summary>
    public void InTransaction(Action action)
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        _transaction = transaction;
        try
        {
            action();
            transaction.Commit();
        }
        finally
        {
            _transaction = null;
        }
    }

    /// <summary>Runs statements that give no rows.</summary>
    /// <returns>How many rows they changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteCommand command = Command(sql, parameters);
        return command.ExecuteNonQuery();
    }

    /// <summary>The single number a query gives; 0 where it gives none.</summary>
    public long Long(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteCommand command = Command(sql, parameters);
        return command.ExecuteScalar() is { } value and not DBNull ? Convert.ToInt64(value, CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>The rows a query gives.</summary>
    public List<T> Rows<T>(string sql, Func<SqliteDataReader, T> row, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteCommand command = Command(sql, parameters);
        using SqliteDataReader reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(row(reader));
        return rows;
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    bool IsDamaged() => Rows("PRAGMA quick_check(1)", row => row.GetString(0)) is not ["ok"];

    SqliteCommand Command(string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = _transaction;
        foreach ((string name, object? value) in parameters) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}
