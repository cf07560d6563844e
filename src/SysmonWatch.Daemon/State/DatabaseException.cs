using SQLitePCL;

namespace SysmonWatch.Daemon.State;

/// <summary>SQLite could not do what it was asked to. <see cref="StateStore"/> makes a <see cref="StoreFailure"/> of it.</summary>
/// <remarks>Codes: https://www.sqlite.org/rescode.html</remarks>
/// <param name="extendedCode">The extended result code; its lower byte is the primary one.</param>
/// <param name="message">SQLite's own words.</param>
sealed class DatabaseException(int extendedCode, string message) : Exception($"SQLite error {extendedCode}: {message}")
{
    /// <summary>What went wrong last on a connection.</summary>
    public static DatabaseException Of(sqlite3 connection) => new(raw.sqlite3_extended_errcode(connection), raw.sqlite3_errmsg(connection).utf8_to_string());

    /// <summary>The primary result code: SQLITE_FULL (13) and so on.</summary>
    public int Code => extendedCode & 0xFF;

    /// <summary>The extended result code, which says more.</summary>
    public int ExtendedCode => extendedCode;
}
