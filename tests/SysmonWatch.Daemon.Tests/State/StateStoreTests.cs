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
            [$"4101 Error: {_fixture.DatabaseFile} is {why} and cannot be used. It is kept as {aside}, and a new one is begun. Input starts as at a first start.", $"4104 Warning: 0 alerts could be read from {aside} and are in the new database; who was not told of them is told."],
            _fixture.Logs.Messages);
        Assert.Null(store.Commit(StateDirectoryFixture.At("a", 1)));
        Assert.Equal(["1"], store.AddAlerts([_fixture.Alert("1", "journal")]).New);
    }

    [Fact]
    public void Goes_on_from_the_copy_of_the_positions_where_the_database_is_lost()
    {
        string[] kinds = ["deleted", "empty", "damaged", "newer"];
        foreach (string kind in kinds)
        {
            using var fixture = new StateDirectoryFixture();
            using (StateStore before = fixture.Open())
            {
                before.Commit(StateDirectoryFixture.At("a", 7, "tree"));
                before.Commit(StateDirectoryFixture.At("b", 8));
            }
            switch (kind)
            {
                case "deleted": File.Delete(fixture.DatabaseFile); break;
                case "empty": File.WriteAllBytes(fixture.DatabaseFile, []); break;
                case "damaged": File.WriteAllText(fixture.DatabaseFile, new string('x', 5000)); break;
                default: Execute(fixture.DatabaseFile, "PRAGMA user_version = 99"); break;
            }

            StateStore store = fixture.Open();

            Assert.Equal([("a", 7), ("b", 8)], store.Restore().Positions.OrderBy(p => p.Key).Select(p => (p.Key, (int)p.Value[0])));
            Assert.Contains(fixture.Logs.Messages, m => m.Contains($"Input goes on from the positions in {fixture.Path}/positions.", StringComparison.Ordinal));
            Assert.Null(store.Commit(StateDirectoryFixture.At("a", 9)));
        }
    }

    [Fact]
    public void Believes_no_copy_of_the_positions_that_is_not_intact()
    {
        using (StateStore before = _fixture.Open()) before.Commit(StateDirectoryFixture.At("a", 7));
        string copy = Path.Combine(_fixture.Path, "positions");
        File.WriteAllText(copy, File.ReadAllText(copy).Replace("Bw==", "CA==", StringComparison.Ordinal));
        File.Delete(_fixture.DatabaseFile);

        Assert.Empty(_fixture.Open().Restore().Positions);
        Assert.Equal([$"4103 Error: {_fixture.DatabaseFile} is missing, although this is not the first start; a new one is begun. Input starts as at a first start."], _fixture.Logs.Messages);
    }

    [Fact]
    public void Takes_from_a_damaged_database_every_alert_that_can_be_read_with_what_was_told()
    {
        string[] ids = [.. Enumerable.Range(0, 400).Select(n => $"{n:000}")];
        using (StateStore before = _fixture.Open())
        {
            before.AddAlerts([.. ids.Select(id => _fixture.Sized(id, 2000, "journal", "chat"))]);
            before.Mark("journal", [.. ids.Select(id => new DeliveryMark(id, DeliveryState.Told))]);
            before.Commit(StateDirectoryFixture.At("a", 7));
        }
        // Pages in the middle, most of them of bodies: two alerts are gone with each.
        Overwrite(_fixture.DatabaseFile, from: 100 * 4096, until: 120 * 4096);

        StateStore store = _fixture.Open();

        // Where it cannot be read who was told, the journal is told once more.
        string[] chat = [.. Ids(store.NextDue("chat", 1000))], kept = [.. Ids(store.NextDue("journal", 1000)).Union(chat)];
        Assert.InRange(kept.Length, 300, 399);
        Assert.InRange(chat.Length, 200, 399);
        Assert.Equal([7], store.Restore().Positions["a"]);
        Assert.Contains(_fixture.Logs.Messages, m => m.StartsWith($"4104 Warning: {kept.Length} alerts could be read from ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("deleted")]
    [InlineData("replaced")]
    public void Keeps_everything_when_the_database_is_taken_away_while_it_runs(string kind)
    {
        StateStore store = _fixture.Open();
        store.AddAlerts([_fixture.Alert("1", "journal"), _fixture.Alert("2", "journal")]);
        store.MarkTold("journal", "1");
        store.Commit(StateDirectoryFixture.At("a", 7, "tree"));

        File.Delete(_fixture.DatabaseFile);
        if (kind == "replaced") File.WriteAllText(_fixture.DatabaseFile, "something else");
        store.AddAlerts([_fixture.Alert("3", "journal")]);

        Assert.Contains($"4105 Error: The database in {_fixture.Path} was deleted, emptied or replaced while it was in use. A new one has what it still had in memory: 2 alerts, and the positions.", _fixture.Logs.Messages);
        store.Dispose();
        StateStore again = _fixture.Open();
        Assert.Equal(["2", "3"], Ids(again.NextDue("journal", 10)));
        Assert.Equal([7], again.Restore().Positions["a"]);
        Assert.Equal("tree"u8.ToArray(), again.Restore().Snapshots["tree"].Joined());
        Assert.Empty(again.AddAlerts([_fixture.Alert("1", "journal")]).New);
    }

    [Fact]
    public void Goes_on_when_the_database_is_emptied_while_it_runs()
    {
        StateStore store = _fixture.Open();
        store.AddAlerts([_fixture.Alert("1", "journal")]);
        store.Commit(StateDirectoryFixture.At("a", 7));

        File.WriteAllBytes(_fixture.DatabaseFile, []);
        AddResult added = store.AddAlerts([_fixture.Alert("2", "journal")]);
        _fixture.Time.Advance(TimeSpan.FromSeconds(6));
        store.TryFlush();

        Assert.Equal(["2"], added.New);
        Assert.Null(store.Status().Failure);
        Assert.Contains(_fixture.Logs.Messages, m => m.StartsWith("4105 Error: ", StringComparison.Ordinal));
        Assert.Equal([7], store.Restore().Positions["a"]);
        Assert.Contains("2", Ids(store.NextDue("journal", 10)));
    }

    [Fact]
    public void Its_files_are_for_its_owner_alone_whatever_the_directory()
    {
        using (StateStore before = _fixture.Open()) before.Commit(StateDirectoryFixture.At("a", 1));
        File.SetUnixFileMode(_fixture.DatabaseFile, (UnixFileMode)0b110_100_100);
        File.SetUnixFileMode(_fixture.Path, (UnixFileMode)0b111_111_111);

        using StateStore store = _fixture.Open();
        store.Commit(StateDirectoryFixture.At("a", 2));

        Assert.Equal(
            ["lock", "positions", "state.db", "state.db-shm", "state.db-wal"],
            Directory.GetFiles(_fixture.Path).Where(f => File.GetUnixFileMode(f) == (UnixFileMode.UserRead | UnixFileMode.UserWrite)).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.Equal(5, Directory.GetFiles(_fixture.Path).Length);
    }

    [Fact]
    public void Brings_a_database_of_version_1_to_this_one_with_all_that_is_in_it()
    {
        using (var old = Database.Connect(_fixture.DatabaseFile))
        {
            old.Script("PRAGMA journal_mode = WAL");
            Schema.Migrate(old, 0, 1);
            old.Script(
                """
                INSERT INTO positions VALUES('a', x'07');
                INSERT INTO snapshots VALUES('tree', x'0102');
                UPDATE meta SET value = 5 WHERE name = 'checkpoints';
                INSERT INTO alerts VALUES(3, 'one', 3, 1000, 2000, x'6A', 2), (9, 'two', 4, 1000, 2000, x'6B', 2);
                INSERT INTO deliveries VALUES('journal', 3, 1, 0, 0, ''), ('chat', 3, 0, 2, 0, 'HTTP 400'), ('journal', 9, 0, 0, 0, ''), ('chat', 9, 2, 3, 0, 'HTTP 400');
                """);
        }

        StateStore store = _fixture.Open();

        Assert.Equal("", string.Join(' ', _fixture.Logs.Messages));
        Assert.Equal([7], store.Restore().Positions["a"]);
        Assert.Equal([1, 2], store.Restore().Snapshots["tree"].Joined());
        PendingDelivery chat = Assert.Single(store.NextDue("chat", 10));
        Assert.Equal(("one", 2), (chat.AlertId, chat.Attempts));
        Assert.Equal([(byte)'j'], chat.Json);
        Assert.Equal(["two"], Ids(store.NextDue("journal", 10)));
        Assert.Equal("two", Assert.Single(store.DeadLetters(10)).AlertId);
        Assert.Equal((1L, 1L, 1L), (store.Status().Pending["chat"], store.Status().Pending["journal"], store.Status().Dead["chat"]));
        store.AddAlerts([_fixture.Alert("three", "journal"), _fixture.Alert("one", "journal")]);
        Assert.Equal(["two", "three"], Ids(store.NextDue("journal", 10)));
        Assert.Empty(_fixture.Logs.Messages);
    }

    [Theory]
    [InlineData(300)]
    [InlineData(5000)]
    [InlineData(60_000)]
    public void Its_file_stays_within_its_bytes_snapshots_included(int json)
    {
        var limits = new OutboxLimits(100_000, 4 << 20, TimeSpan.FromDays(1));
        StateStore store = _fixture.Open(limits);
        store.Commit(Checkpoint.Empty with { Snapshots = new Dictionary<string, Snapshot> { ["windows"] = Snapshot.Whole(new byte[1 << 20]) } });

        for (int n = 0; n < 16_000_000 / (json + 600); n += 50) store.AddAlerts([.. Enumerable.Range(n, 50).Select(a => _fixture.Sized($"{a}", json, "chat", "mail"))]);

        store.Dispose();
        Assert.InRange(new FileInfo(_fixture.DatabaseFile).Length, 2 << 20, limits.Bytes);
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

    static void Overwrite(string file, int from, int? until = null)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.Position = from;
        byte[] garbage = new byte[(until ?? (int)stream.Length) - from];
        garbage.AsSpan().Fill(0xA5);
        stream.Write(garbage);
    }
}
