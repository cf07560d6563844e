namespace SysmonWatch.Daemon.State;

/// <summary>Why the state could not be written or read.</summary>
enum StoreTrouble
{
    /// <summary>No space or no quota left.</summary>
    Full,

    /// <summary>The file system or the directory may not be written to.</summary>
    ReadOnly,

    /// <summary>Another process holds the database.</summary>
    Locked,

    /// <summary>The database is damaged; it has been set aside.</summary>
    Damaged,

    /// <summary>The directory or the database cannot be opened, or the disk fails.</summary>
    Inaccessible,

    /// <summary>Some pages were to be written and the others are not there; nothing is wrong with the disk.</summary>
    Incomplete,
}

/// <summary>That the state could not be written or read: an expected thing, so a value.</summary>
/// <param name="Trouble">Which kind, for counting.</param>
/// <param name="Message">What happened and what mends it, for people; without the final full stop.</param>
sealed record StoreFailure(StoreTrouble Trouble, string Message)
{
    /// <summary>What an error of SQLite means.</summary>
    /// <remarks>Codes: https://www.sqlite.org/rescode.html</remarks>
    public static StoreFailure Of(DatabaseException e, string directory) => e.Code switch
    {
        13 => new(StoreTrouble.Full, $"no space left for {directory}; free some or raise the quota"),
        8 => new(StoreTrouble.ReadOnly, $"{directory} cannot be written to; mount it read-write and let the service's user own it"),
        5 or 6 => new(StoreTrouble.Locked, $"another process holds the database in {directory}; end it"),
        11 or 26 => new(StoreTrouble.Damaged, $"the database in {directory} is damaged"),
        14 => new(StoreTrouble.Inaccessible, $"the database in {directory} cannot be opened; the directory must exist and belong to the service's user"),
        _ => new(StoreTrouble.Inaccessible, $"the database in {directory} fails with SQLite error {e.ExtendedCode}; look at the disk"),
    };
}

/// <summary>Another sysmonwatch uses the state directory: the operator's mistake, and going on would tell alerts twice.</summary>
sealed class StateDirectoryInUseException(string directory)
    : Exception($"{directory} is in use by another sysmonwatch; stop that one, or give this one a directory of its own with --state-dir.");
