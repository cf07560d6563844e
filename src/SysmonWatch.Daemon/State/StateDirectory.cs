using System.Globalization;
using Microsoft.Extensions.Logging;

namespace SysmonWatch.Daemon.State;

/// <summary>
/// The directory the database is in: made where it is not there, held against a second process, and cleared of a database that cannot be used.
/// Not thread-safe.
/// </summary>
sealed partial class StateDirectory(string path, TimeProvider time, ILogger logger) : IDisposable
{
    const string FileName = "state.db";

    FileStream? _held;

    /// <summary>The directory.</summary>
    public string Path { get; } = path;

    /// <summary>Opens the database; one that is damaged, not ours or of a newer version is set aside and a new one begun.</summary>
    /// <exception cref="StateDirectoryInUseException">Another sysmonwatch uses the directory.</exception>
    /// <exception cref="IOException">The directory cannot be made or used.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory may not be used.</exception>
    /// <exception cref="DatabaseException">The database cannot be opened.</exception>
    public Database Open()
    {
        Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Hold();
        string file = System.IO.Path.Combine(Path, FileName);
        if (Database.Open(file, out string? notOurs) is { } database) return database;
        SetAside(notOurs!);
        return Database.Open(file, out notOurs) ?? throw new IOException($"{file} is {notOurs} although it is new");
    }

    /// <summary>Renames the database and what belongs to it, so that people can look at it.</summary>
    /// <param name="why">One word, which becomes part of the name: damaged, foreign, newer.</param>
    public void SetAside(string why)
    {
        string file = System.IO.Path.Combine(Path, FileName);
        string stamp = time.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        string aside = $"{file}.{why}-{stamp}";
        for (int number = 2; File.Exists(aside); number++) aside = $"{file}.{why}-{stamp}-{number}";
        foreach (string suffix in new[] { "", "-wal", "-shm" })
        {
            if (File.Exists(file + suffix)) File.Move(file + suffix, aside + suffix);
        }
        LogSetAside(file, why, aside);
    }

    /// <summary>As <see cref="SetAside"/>, where not being able to is no more than another failure of the disk.</summary>
    public void TrySetAside(string why)
    {
        try
        {
            SetAside(why);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotSetAside(Path, why, e.Message);
        }
    }

    /// <summary>
    /// The last checkpoint of a database that can be read but not opened for writing, such as one on a file system that is mounted read-only;
    /// null where there is none.
    /// </summary>
    public Checkpoint? ReadOnlyCheckpoint() => ReadOnly(CheckpointTables.Read);

    /// <summary>The sinks that did not take what waits for them, without touching the state; what a running daemon has just written may be missing.</summary>
    public IReadOnlyList<SinkTrouble> ReadOnlyTroubles() => ReadOnly(Outbox.Troubles) ?? [];

    T? ReadOnly<T>(Func<Database, T> read)
        where T : class
    {
        string file = System.IO.Path.Combine(Path, FileName);
        try
        {
            if (!File.Exists(file)) return null;
            using Database? database = Database.OpenReadOnly(file);
            return database is null ? null : read(database);
        }
        catch (DatabaseException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _held?.Dispose();

    /// <summary>Holds an advisory lock, which the system lets go when the process ends, however it ends.</summary>
    void Hold()
    {
        if (_held is not null) return;
        string file = System.IO.Path.Combine(Path, "lock");
        try
        {
            _held = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.GetType() == typeof(IOException) && e.HResult == WouldBlock)
        {
            throw new StateDirectoryInUseException(Path);
        }
    }

    // EWOULDBLOCK of flock(2), as .NET hands it on.
    const int WouldBlock = 11;

    [LoggerMessage(4102, LogLevel.Error, "The database in {Directory} is {Why} and cannot be renamed: {Reason}.")]
    partial void LogNotSetAside(string directory, string why, string reason);

    [LoggerMessage(4101, LogLevel.Error, "{File} is {Why} and cannot be used. It is kept as {Aside}, and a new one is begun: input starts as at a first start.")]
    partial void LogSetAside(string file, string why, string aside);
}
