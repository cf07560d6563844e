using System.Globalization;
using Microsoft.Extensions.Logging;

namespace SysmonWatch.Daemon.State;

/// <summary>
/// The directory the database is in: made where it is not there, held against a second process, and cleared of a database that cannot be used.
/// Everything in it is for its owner alone. Not thread-safe.
/// </summary>
sealed partial class StateDirectory(string path, TimeProvider time, ILogger logger) : IDisposable
{
    const UnixFileMode OwnersOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    static readonly string[] Suffixes = ["", "-wal", "-shm"];

    readonly string _file = System.IO.Path.Combine(path, "state.db");
    FileStream? _held;
    (ulong, ulong)? _opened;

    /// <summary>The directory.</summary>
    public string Path { get; } = path;

    /// <summary>The copy of the positions.</summary>
    public PositionsFile Positions { get; } = new(System.IO.Path.Combine(path, "positions"));

    /// <summary>A database that was set aside and whose alerts nobody has taken over yet; null where there is none.</summary>
    public string? Aside { get; set; }

    /// <summary>True while the database at its place is the one that was opened.</summary>
    public bool IsInPlace => _opened is not null && FileIdentity.Of(_file) == _opened;

    /// <summary>Opens the database; one that is damaged, not ours or of a newer version is set aside and a new one begun.</summary>
    /// <param name="isNew">True where there was none that could be used, although there had been one.</param>
    /// <exception cref="StateDirectoryInUseException">Another sysmonwatch uses the directory.</exception>
    /// <exception cref="IOException">The directory cannot be made or used.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory may not be used.</exception>
    /// <exception cref="DatabaseException">The database cannot be opened.</exception>
    public Database Open(out bool isNew)
    {
        Directory.CreateDirectory(Path, OwnersOnly | UnixFileMode.UserExecute);
        Hold();
        isNew = Aside is not null;
        if (FileIdentity.Of(_file) is null && (File.Exists(_file) || File.Exists(Positions.Path)))
        {
            isNew = true;
            if (File.Exists(_file)) SetAside("empty");
            else LogMissing(_file, Input);
        }
        // A log without its database would be taken for that of the new one.
        if (!File.Exists(_file) && Suffixes.Any(suffix => File.Exists(_file + suffix))) SetAside("orphaned");
        Database? database = OpenOrMake(out string? notOurs);
        if (database is null)
        {
            SetAside(notOurs!);
            isNew = true;
            database = OpenOrMake(out notOurs) ?? throw new IOException($"{_file} is {notOurs} although it is new");
        }
        _opened = FileIdentity.Of(_file);
        return database;
    }

    /// <summary>Renames the database and what belongs to it, so that people can look at it.</summary>
    /// <param name="why">One word, which becomes part of the name: damaged, foreign, newer.</param>
    public void SetAside(string why)
    {
        string stamp = time.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        string aside = $"{_file}.{why}-{stamp}";
        for (int number = 2; Suffixes.Any(suffix => File.Exists(aside + suffix)); number++) aside = $"{_file}.{why}-{stamp}-{number}";
        foreach (string suffix in Suffixes)
        {
            if (File.Exists(_file + suffix)) File.Move(_file + suffix, aside + suffix);
        }
        _opened = null;
        if (!File.Exists(aside)) return;
        Aside = aside;
        LogSetAside(_file, why, aside, Input);
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
    public Checkpoint? ReadOnlyCheckpoint() =>
        ReadOnly(CheckpointTables.Read) ?? (Positions.TryRead() is { } positions ? Checkpoint.Empty with { Positions = positions } : null);

    /// <summary>The sinks that did not take what waits for them, without touching the state; what a running daemon has just written may be missing.</summary>
    public IReadOnlyList<SinkTrouble> ReadOnlyTroubles() => ReadOnly(Outbox.Troubles) ?? [];

    T? ReadOnly<T>(Func<Database, T> read)
        where T : class
    {
        try
        {
            using Database? database = File.Exists(_file) ? Database.OpenReadOnly(_file) : null;
            return database is null ? null : read(database);
        }
        catch (DatabaseException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _held?.Dispose();

    string Input => Positions.TryRead() is null ? "Input starts as at a first start" : $"Input goes on from the positions in {Positions.Path}";

    Database? OpenOrMake(out string? notOurs)
    {
        // SQLite gives its other files the mode of this one.
        if (!File.Exists(_file)) new FileStream(_file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnersOnly }).Dispose();
        foreach (string suffix in Suffixes) Close(_file + suffix);
        return Database.Open(_file, out notOurs);
    }

    /// <summary>Takes the rights of others away that a file of an earlier version, or of a careless copy, gives.</summary>
    static void Close(string file)
    {
        try
        {
            if (File.Exists(file) && (File.GetUnixFileMode(file) & ~OwnersOnly) != 0) File.SetUnixFileMode(file, OwnersOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Of another owner, or read-only: what writes to it says so.
        }
    }

    /// <summary>Holds an advisory lock, which the system lets go when the process ends, however it ends.</summary>
    void Hold()
    {
        string file = System.IO.Path.Combine(Path, "lock");
        if (_held is not null && File.Exists(file)) return;
        try
        {
            FileStream held = new(file, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = OwnersOnly });
            _held?.Dispose();
            _held = held;
        }
        catch (IOException e) when (e.GetType() == typeof(IOException) && e.HResult == WouldBlock)
        {
            throw new StateDirectoryInUseException(Path);
        }
        Close(file);
    }

    // EWOULDBLOCK of flock(2), as .NET hands it on.
    const int WouldBlock = 11;

    [LoggerMessage(4101, LogLevel.Error, "{File} is {Why} and cannot be used. It is kept as {Aside}, and a new one is begun. {Input}.")]
    partial void LogSetAside(string file, string why, string aside, string input);

    [LoggerMessage(4102, LogLevel.Error, "The database in {Directory} is {Why} and cannot be renamed: {Reason}.")]
    partial void LogNotSetAside(string directory, string why, string reason);

    [LoggerMessage(4103, LogLevel.Error, "{File} is missing, although this is not the first start; a new one is begun. {Input}.")]
    partial void LogMissing(string file, string input);
}
