using SysmonWatch.Daemon.State;

namespace SysmonWatch.Daemon.Tests.State;

/// <summary>What only a disk can do: survive, be damaged, be full.</summary>
public sealed class StateStoreTests : IDisposable
{
    readonly StateDirectoryFixture _fixture = new();

    static IEnumerable<string> Ids(IEnumerable<PendingDelivery> due) => due.Select(d => d.AlertId);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void Survives_an_orderly_end()
    {
        using (StateStore store = _fixture.Open())
        {
            store.AddAlerts([_fixture.Alert("1", "journal"), _fixture.Alert("2", "journal")]);
            store.MarkTold("journal", "1");
            store.Commit(StateDirectoryFixture.At("a", 7, "tree"));
        }

        StateStore again = _fixture.Open();

        Assert.Equal([7], again.Restore().Positions["a"]);
        Assert.Equal(["2"], Ids(again.NextDue("journal", 10)));
        Assert.Empty(again.AddAlerts([_fixture.Alert("1", "journal")]).New);
        Assert.Empty(_fixture.Logs.Messages);
    }

    [Fact]
    public void Survives_a_kill_between_any_two_operations()
    {
        StateStore store = _fixture.Open();
        Action[] steps =
        [
            () => store.AddAlerts([_fixture.Alert("1", "journal"), _fixture.Alert("2", "journal")]),
            () => store.MarkTold("journal", "1"),
            () => store.Commit(StateDirectoryFixture.At("a", 7)),
            () => store.MarkFailed("journal", "2", "x", _fixture.Time.GetUtcNow()),
            () => store.MarkDead("journal", "2", "x"),
        ];
        string[][] pending = [["1", "2"], ["2"], ["2"], ["2"], []];
        int[] positions = [0, 0, 1, 1, 1];

        for (int step = 0; step < steps.Length; step++)
        {
            steps[step]();
            string copy = _fixture.CopyAsAfterKill();
            StateStore after = _fixture.Open(directory: copy);

            Assert.Equal(pending[step], Ids(after.NextDue("journal", 10)));
            Assert.Equal(positions[step], after.Restore().Positions.Count);
            after.Dispose();
            Directory.Delete(copy, recursive: true);
        }
    }

    [Fact]
    public void Takes_no_part_of_a_snapshot_after_a_checkpoint_that_was_not_written()
    {
        StateStore store = _fixture.Open();
        Checkpoint Pages(params (int Number, byte Value)[] pages) => Checkpoint.Empty with
        {
            Snapshots = new Dictionary<string, Snapshot> { ["tree"] = new(2, pages.ToDictionary(p => p.Number, p => new[] { p.Value })) },
        };
        Assert.Null(store.Commit(Pages((0, 1), (1, 1))));
        using var other = Database.Connect(_fixture.DatabaseFile);
        other.InTransaction(() => Assert.Equal(StoreTrouble.Locked, store.Commit(Pages((0, 2)))?.Trouble));
        _fixture.Time.Advance(TimeSpan.FromSeconds(5));

        // What changed in page 0 is lost: page 1 as of now beside it would be two moments in one.
        Assert.Equal(StoreTrouble.Incomplete, store.Commit(Pages((1, 3)))?.Trouble);

        Assert.Equal([1, 1], store.Restore().Snapshots["tree"].Joined());
        Assert.Null(store.Commit(Pages((0, 3), (1, 3))));
        Assert.Null(store.Commit(Pages((1, 4))));
        Assert.Equal([3, 4], store.Restore().Snapshots["tree"].Joined());
    }

    [Fact]
    public void Makes_the_directory_for_itself_alone()
    {
        string directory = Path.Combine(_fixture.Path, "deep", "down");

        _fixture.Open(directory: directory);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory));
    }

    [Fact]
    public void Refuses_a_directory_that_another_one_uses()
    {
        _fixture.Open();

        var e = Assert.Throws<StateDirectoryInUseException>(() => _fixture.Open());

        Assert.Equal($"{_fixture.Path} is in use by another sysmonwatch; stop that one, or give this one a directory of its own with --state-dir.", e.Message);
    }

    public static TheoryData<string, Action<string>> UnusableDatabases => new()
    {
        { "damaged", file => File.WriteAllText(file, new string('x', 5000)) },
        { "damaged", file => Break(file) },
        { "foreign", file => Execute(file, "CREATE TABLE t(x)") },
        { "foreign", file => Execute(file, "PRAGMA application_id = 42") },
        { "newer", file => Execute(file, $"PRAGMA application_id = {Database.ApplicationId}; CREATE TABLE t(x); PRAGMA user_version = 99") },
    };

    [Theory]
    [MemberData(nameof(UnusableDatabases))]
    public void Sets_a_database_aside_that_it_cannot_use_and_goes_on(string why, Action<string> make)
    {
        make(_fixture.DatabaseFile);
        byte[] before = File.ReadAllBytes(_fixture.DatabaseFile);

        StateStore store = _fixture.Open();

        string aside = $"{_fixture.DatabaseFile}.{why}-20261124T041500Z";
        Assert.Equal(before, File.ReadAllBytes(aside));
        Assert.Equal(
            [$"4101 Error: {_fixture.DatabaseFile} is {why} and cannot be used. It is kept as {aside}, and a new one is begun: input starts as at a first start."],
            _fixture.Logs.Messages);
        Assert.Null(store.Commit(StateDirectoryFixture.At("a", 1)));
        Assert.Equal(["1"], store.AddAlerts([_fixture.Alert("1", "journal")]).New);
    }

    [Fact]
    public void Begins_in_an_empty_file()
    {
        File.WriteAllBytes(_fixture.DatabaseFile, []);

        Assert.Null(_fixture.Open().Commit(StateDirectoryFixture.At("a", 1)));
        Assert.Empty(_fixture.Logs.Messages);
    }

    [Fact]
    public void Holds_alerts_in_memory_while_another_process_holds_the_database_and_the_position_stands_still()
    {
        StateStore store = _fixture.Open();
        store.AddAlerts([_fixture.Alert("before", "journal")]);
        store.Commit(StateDirectoryFixture.At("a", 1));
        using var other = Database.Connect(_fixture.DatabaseFile);
        other.InTransaction(() =>
        {
            AddResult added = store.AddAlerts([_fixture.Alert("during", "journal")]);

            Assert.Equal(["during"], added.New);
            Assert.Equal(StoreTrouble.Locked, added.Failure!.Trouble);
            Assert.Equal(StoreTrouble.Locked, store.Commit(StateDirectoryFixture.At("a", 2))!.Trouble);
            Assert.Equal(["during"], Ids(store.NextDue("journal", 10)));
            store.MarkTold("journal", "during");
            store.MarkTold("journal", "before");
            Assert.Empty(store.NextDue("journal", 10));
            Assert.Equal(1, store.Status().InMemory);
        });

        _fixture.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Null(store.Status().Failure);
        Assert.Equal(0, store.Status().InMemory);
        Assert.Equal([1], store.Restore().Positions["a"]);
        Assert.Null(store.Commit(StateDirectoryFixture.At("a", 2)));
        Assert.Empty(store.NextDue("journal", 10));
        Assert.Empty(store.AddAlerts([_fixture.Alert("during", "journal"), _fixture.Alert("before", "journal")]).New);
        Assert.Equal(
            [
                $"4001 Error: State cannot be written: another process holds the database in {_fixture.Path}; end it. Alerts are told all the same; the position stands still until it can be.",
                $"4002 Information: State in {_fixture.Path} can be written again.",
            ],
            _fixture.Logs.Messages);
    }

    [Fact]
    public void Counts_what_the_queue_in_memory_gives_up()
    {
        StateStore store = _fixture.Open(memoryAlerts: 3);
        int evicted = 0;
        using var other = Database.Connect(_fixture.DatabaseFile);
        other.InTransaction(() =>
        {
            for (int n = 0; n < 5; n++) evicted += store.AddAlerts([_fixture.Alert($"{n}", "chat")]).Evicted;
        });

        Assert.Equal(2, evicted);
        Assert.Equal(2, store.Status().Evicted);
        Assert.Equal(["2", "3", "4"], Ids(store.NextDue("chat", 10)));
        store.TryFlush();
        Assert.Equal(["2", "3", "4"], Ids(store.NextDue("chat", 10)));
        Assert.Null(store.Status().Failure);
    }

    [Fact]
    public void The_attempts_made_while_an_alert_was_in_memory_count_when_it_is_on_disk()
    {
        StateStore store = _fixture.Open();
        using var other = Database.Connect(_fixture.DatabaseFile);
        other.InTransaction(() =>
        {
            store.AddAlerts([_fixture.Alert("tried", "chat"), _fixture.Alert("new", "chat")]);
            for (int n = 0; n < 3; n++) store.MarkFailed("chat", "tried", "HTTP 500", _fixture.Time.GetUtcNow());
        });

        store.TryFlush();

        Assert.Equal(0, store.Status().InMemory);
        Assert.Equal([("tried", 3), ("new", 0)], store.NextDue("chat", 10).Select(d => (d.AlertId, d.Attempts)));
    }

    [Fact]
    public void Works_in_memory_until_the_directory_can_be_had()
    {
        string occupied = Path.Combine(_fixture.Path, "state");
        File.WriteAllText(occupied, "a file where the directory should be");
        StateStore store = _fixture.Open(directory: occupied);

        AddResult added = store.AddAlerts([_fixture.Alert("1", "journal")]);

        Assert.Equal(["1"], added.New);
        Assert.Equal(StoreTrouble.Inaccessible, added.Failure!.Trouble);
        Assert.NotNull(store.Commit(StateDirectoryFixture.At("a", 1)));
        File.Delete(occupied);
        _fixture.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Null(store.Commit(StateDirectoryFixture.At("a", 1)));
        Assert.True(File.Exists(Path.Combine(occupied, "state.db")));
        Assert.Equal(["1"], Ids(store.NextDue("journal", 10)));
    }

    [Fact]
    public void Sets_a_database_aside_that_is_damaged_while_it_runs()
    {
        StateStore store = _fixture.Open();
        store.AddAlerts([.. Enumerable.Range(0, 100).Select(n => _fixture.Sized($"{n}", 2000, "journal"))]);
        store.Commit(StateDirectoryFixture.At("a", 1));
        Execute(_fixture.DatabaseFile, "PRAGMA wal_checkpoint(TRUNCATE)");
        Overwrite(_fixture.DatabaseFile, from: 4096);
        Execute(_fixture.DatabaseFile, $"PRAGMA user_version = {Schema.Version}", ignoreErrors: true);

        AddResult added = store.AddAlerts([_fixture.Alert("new", "journal")]);
        _fixture.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(StoreTrouble.Damaged, added.Failure!.Trouble);
        Assert.Null(store.Commit(StateDirectoryFixture.At("a", 2)));
        Assert.Equal(["new"], Ids(store.NextDue("journal", 10)));
        Assert.Contains(_fixture.Logs.Messages, m => m.StartsWith("4101 Error: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Loses_nothing_and_damages_nothing_when_the_disk_is_full()
    {
        using SmallDisk disk = SmallDisk.Mount("size=512k");
        StateStore store = _fixture.Open(memoryAlerts: 1000, directory: disk.Path);
        Assert.Null(store.Commit(StateDirectoryFixture.At("a", 1)));
        var given = new List<string>();
        StoreFailure? failure = null;
        for (int n = 0; n < 400 && failure is null; n++)
        {
            AddResult result = store.AddAlerts([_fixture.Sized($"{n:000}", 4000, "journal")]);
            given.AddRange(result.New);
            failure = result.Failure;
        }
        Assert.Equal($"no space left for {disk.Path}; free some or raise the quota", failure?.Message);
        Assert.Equal(StoreTrouble.Full, store.Commit(StateDirectoryFixture.At("a", 2))?.Trouble);
        Assert.Equal([1], store.Restore().Positions["a"]);
        Assert.Equal(given, Ids(store.NextDue("journal", 1000)));
        store.MarkTold("journal", given[0]);
        Assert.Equal(given.Skip(1), Ids(store.NextDue("journal", 1000)));

        disk.Remount("size=8m");
        _fixture.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Null(store.Commit(StateDirectoryFixture.At("a", 2)));
        store.Dispose();
        StateStore again = _fixture.Open(directory: disk.Path);
        Assert.Equal([2], again.Restore().Positions["a"]);
        Assert.Equal(given.Skip(1), Ids(again.NextDue("journal", 1000)));
        Assert.DoesNotContain(_fixture.Logs.Messages, m => m.Contains("damaged", StringComparison.Ordinal));
        again.Dispose();
    }

    [Fact]
    public void Tells_on_while_the_disk_is_read_only()
    {
        using SmallDisk disk = SmallDisk.Mount("size=8m");
        using (StateStore before = _fixture.Open(directory: disk.Path))
        {
            before.AddAlerts([_fixture.Alert("before", "journal")]);
            before.Commit(StateDirectoryFixture.At("a", 1));
        }
        disk.Remount("ro");

        StateStore store = _fixture.Open(directory: disk.Path);

        Assert.Equal([1], store.Restore().Positions["a"]);
        Assert.Equal(["1"], store.AddAlerts([_fixture.Alert("1", "journal")]).New);
        Assert.Contains("1", Ids(store.NextDue("journal", 10)));
        Assert.NotNull(store.Commit(StateDirectoryFixture.At("a", 2)));
        disk.Remount("rw");
        _fixture.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Null(store.Commit(StateDirectoryFixture.At("a", 2)));
        Assert.Equal(["before", "1"], Ids(store.NextDue("journal", 10)));
        store.Dispose();
    }

    [Fact]
    public async Task Takes_calls_from_many_threads()
    {
        StateStore store = _fixture.Open();

        await Parallel.ForEachAsync(Enumerable.Range(0, 100), (n, _) =>
        {
            store.AddAlerts([_fixture.Alert($"{n}", "journal", "chat")]);
            store.Commit(StateDirectoryFixture.At($"{n % 5}", (byte)n));
            foreach (PendingDelivery due in store.NextDue("journal", 3)) store.MarkTold("journal", due.AlertId);
            return ValueTask.CompletedTask;
        });

        foreach (PendingDelivery due in store.NextDue("journal", 1000)) store.MarkTold("journal", due.AlertId);
        Assert.Equal(100, store.NextDue("chat", 1000).Count);
        Assert.Equal(5, store.Restore().Positions.Count);
        Assert.Null(store.Status().Failure);
    }

    static void Execute(string file, string sql, bool ignoreErrors = false)
    {
        using var database = Database.Connect(file);
        try
        {
            database.Script(sql);
        }
        catch (DatabaseException) when (ignoreErrors)
        {
            // What is tested is what the store makes of it.
        }
    }

    /// <summary>A database of ours in which pages are overwritten.</summary>
    static void Break(string file)
    {
        string directory = Directory.CreateTempSubdirectory("sysmonwatch-test-").FullName;
        using (var fixture = new StateDirectoryFixture(directory))
        {
            using StateStore store = fixture.Open();
            store.AddAlerts([.. Enumerable.Range(0, 50).Select(n => fixture.Sized($"{n}", 2000, "journal"))]);
            store.Dispose();
            File.Copy(fixture.DatabaseFile, file);
        }
        Overwrite(file, from: 4096);
    }

    static void Overwrite(string file, int from)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.Position = from;
        byte[] garbage = new byte[(int)stream.Length - from];
        garbage.AsSpan().Fill(0xA5);
        stream.Write(garbage);
    }
}
