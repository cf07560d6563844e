namespace SysmonWatch.Daemon.State;

/// <summary>Positions and snapshots in a database. Not thread-safe.</summary>
sealed class CheckpointTables
{
    // Stages whose pages in the database are older than the stage believes, as a checkpoint could not be written.
    readonly HashSet<string> _outdated = [];

    /// <summary>What was written last.</summary>
    public static Checkpoint Read(Database database) => new(
        Positions(database),
        database.Rows("SELECT name, page, value FROM pages", row => (Name: row.Text(0), Page: (int)row.Number(1), Value: row.Blob(2)))
            .GroupBy(p => p.Name)
            .ToDictionary(p => p.Key, p => new Snapshot(p.Count(), p.ToDictionary(page => page.Page, page => page.Value))),
        []);

    /// <summary>What was written last; null where it cannot be read.</summary>
    public static Checkpoint? TryRead(Database database)
    {
        try
        {
            return Read(database);
        }
        catch (DatabaseException)
        {
            return null;
        }
    }

    /// <summary>The positions alone.</summary>
    public static Dictionary<string, byte[]> Positions(Database database) =>
        database.Rows("SELECT source, value FROM positions", row => (Source: row.Text(0), Value: row.Blob(1))).ToDictionary(p => p.Source, p => p.Value);

    /// <summary>True where pages are missing that are not in the database as of the last checkpoint either.</summary>
    public bool LacksPages(Database database, Checkpoint checkpoint) => checkpoint.Snapshots.Any(snapshot =>
        !snapshot.Value.IsWhole && (_outdated.Contains(snapshot.Key) || snapshot.Value.Count > Stored(database, snapshot.Key, snapshot.Value)));

    /// <summary>Writes what is in the checkpoint, leaves the rest, and counts it; call it in a transaction.</summary>
    public static void Write(Database database, Checkpoint checkpoint)
    {
        foreach ((string source, byte[] value) in checkpoint.Positions)
        {
            database.Execute("INSERT OR REPLACE INTO positions VALUES($source, $value)", ("$source", source), ("$value", value));
        }
        foreach ((string name, Snapshot snapshot) in checkpoint.Snapshots)
        {
            foreach ((int page, byte[] value) in snapshot.Pages)
            {
                if (value.Length > Snapshot.LargestPage) throw new ArgumentException($"Page {page} of {name} has {value.Length} bytes; at most {Snapshot.LargestPage} are allowed.");
                database.Execute("INSERT INTO pages VALUES($name, $page, $value) ON CONFLICT(name, page) DO UPDATE SET value = excluded.value", ("$name", name), ("$page", page), ("$value", value));
            }
            database.Execute("DELETE FROM pages WHERE name = $name AND page >= $count", ("$name", name), ("$count", snapshot.Count));
        }
        foreach (string source in checkpoint.Forgotten) database.Execute("DELETE FROM positions WHERE source = $source", ("$source", source));
        database.Execute("UPDATE meta SET value = value + 1 WHERE name = 'checkpoints'");
    }

    /// <summary>Notes whether a checkpoint was written.</summary>
    public void Note(Checkpoint checkpoint, bool written)
    {
        if (written) _outdated.ExceptWith(checkpoint.Snapshots.Keys);
        else _outdated.UnionWith(checkpoint.Snapshots.Keys);
    }

    static long Stored(Database database, string name, Snapshot part) =>
        part.Pages.Count + database.Rows("SELECT page FROM pages WHERE name = $name", row => (int)row.Number(0), ("$name", name)).Count(page => page < part.Count && !part.Pages.ContainsKey(page));
}
