namespace SysmonWatch.Daemon.State;

/// <summary>Positions and snapshots in a database.</summary>
static class CheckpointTables
{
    /// <summary>What was written last.</summary>
    public static Checkpoint Read(Database database) => new(All(database, "SELECT source, value FROM positions"), All(database, "SELECT name, value FROM snapshots"), []);

    /// <summary>Writes what is in the checkpoint, leaves the rest, and counts it; call it in a transaction.</summary>
    public static void Write(Database database, Checkpoint checkpoint)
    {
        foreach ((string source, byte[] value) in checkpoint.Positions)
        {
            database.Execute("INSERT OR REPLACE INTO positions VALUES($source, $value)", ("$source", source), ("$value", value));
        }
        foreach ((string name, byte[] value) in checkpoint.Snapshots)
        {
            database.Execute("INSERT OR REPLACE INTO snapshots VALUES($name, $value)", ("$name", name), ("$value", value));
        }
        foreach (string source in checkpoint.Forgotten) database.Execute("DELETE FROM positions WHERE source = $source", ("$source", source));
        database.Execute("UPDATE meta SET value = value + 1 WHERE name = 'checkpoints'");
    }

    static Dictionary<string, byte[]> All(Database database, string sql) =>
        database.Rows(sql, row => (Name: row.Text(0), Value: row.Blob(1))).ToDictionary(p => p.Name, p => p.Value);
}
