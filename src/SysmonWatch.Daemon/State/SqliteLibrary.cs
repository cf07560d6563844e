using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace SysmonWatch.Daemon.State;

/// <summary>
/// Binds SQLite to the distribution's own library. A host without development files has only <c>libsqlite3.so.0</c>, and the name that
/// the provider asks for, <c>sqlite3</c>, leads the loader to <c>libsqlite3.so</c>, which comes with them.
/// </summary>
static class SqliteLibrary
{
    static readonly Lazy<string?> Missing = new(Bind);

    /// <summary>Null where SQLite can be used, else what is missing and how to get it. Thread-safe.</summary>
    public static string? Problem => Missing.Value;

    static string? Bind()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_sqlite3).Assembly, Resolve);
        try
        {
            Batteries_V2.Init();
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or TypeInitializationException)
        {
            return "libsqlite3.so.0 cannot be loaded; install libsqlite3-0 (Debian, Ubuntu), sqlite-libs (Fedora, RHEL) or libsqlite3-0 (openSUSE)";
        }
    }

    static nint Resolve(string name, Assembly assembly, DllImportSearchPath? paths) =>
        name == "sqlite3" && (NativeLibrary.TryLoad("libsqlite3.so.0", out nint library) || NativeLibrary.TryLoad("libsqlite3.so", out library)) ? library : 0;
}
