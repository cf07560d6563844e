using SQLitePCL;

namespace SysmonWatch.Daemon.State;

/// <summary>One statement of SQL, compiled once and run many times. Also the row it stands at. Not thread-safe.</summary>
/// <remarks>Source: https://www.sqlite.org/c3ref/stmt.html</remarks>
sealed class Statement : IDisposable
{
    readonly sqlite3 _connection;
    readonly sqlite3_stmt _statement;

    /// <exception cref="DatabaseException">It cannot be compiled.</exception>
    public Statement(sqlite3 connection, string sql)
    {
        _connection = connection;
        Check(raw.sqlite3_prepare_v2(connection, sql, out _statement));
    }

    /// <summary>Runs it.</summary>
    /// <param name="parameters">Its parameters: numbers, texts, bytes.</param>
    /// <param name="row">Called at each row it gives; null where they do not matter.</param>
    /// <exception cref="DatabaseException">It fails, at any row.</exception>
    public void Run(ReadOnlySpan<(string Name, object Value)> parameters, Action<Statement>? row)
    {
        try
        {
            foreach ((string name, object value) in parameters) Bind(name, value);
            int result;
            while ((result = raw.sqlite3_step(_statement)) == raw.SQLITE_ROW) row?.Invoke(this);
            if (result != raw.SQLITE_DONE) Check(result);
        }
        finally
        {
            // A statement that is not reset holds its lock. What reset returns is the failure of the step before, which has been said.
            raw.sqlite3_reset(_statement);
            raw.sqlite3_clear_bindings(_statement);
        }
    }

    /// <summary>True where a column is NULL. Columns count from 0.</summary>
    public bool IsNull(int column) => raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL;

    /// <summary>A number; 0 for NULL.</summary>
    public long Number(int column) => raw.sqlite3_column_int64(_statement, column);

    /// <summary>A text; empty for NULL.</summary>
    public string Text(int column) => raw.sqlite3_column_text(_statement, column).utf8_to_string() ?? "";

    /// <summary>A copy of bytes; empty for NULL.</summary>
    public byte[] Blob(int column) => raw.sqlite3_column_blob(_statement, column).ToArray();

    /// <inheritdoc/>
    public void Dispose() => _statement.Dispose();

    void Bind(string name, object value)
    {
        int index = raw.sqlite3_bind_parameter_index(_statement, name);
        Check(value switch
        {
            long number => raw.sqlite3_bind_int64(_statement, index, number),
            int number => raw.sqlite3_bind_int64(_statement, index, number),
            string text => raw.sqlite3_bind_text(_statement, index, text),
            byte[] bytes => raw.sqlite3_bind_blob(_statement, index, bytes),
            _ => throw new ArgumentException($"{name} is a {value.GetType().Name}; int, long, string or byte[] is expected."),
        });
    }

    void Check(int result)
    {
        if (result != raw.SQLITE_OK) throw DatabaseException.Of(_connection);
    }
}
