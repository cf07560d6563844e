using SysmonWatch.Daemon.State;
using SysmonWatch.Daemon.Tests.Operations;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Tests.State;

/// <summary>What a store does wherever it keeps its data.</summary>
public abstract class StoreContract : IDisposable
{
    private protected StateDirectoryFixture Fixture { get; } = new();

    private protected abstract StateStore Open(OutboxLimits? limits = null);

    static IEnumerable<string> Ids(IEnumerable<PendingDelivery> due) => due.Select(d => d.AlertId);

    IEnumerable<string> LossesSoFar() => Metrics.Of(Fixture.Counters).Where(loss => !loss.EndsWith(" 0", StringComparison.Ordinal));

    [Fact]
    public void Knows_nothing_at_a_first_start()
    {
        StateStore store = Open();

        Assert.Empty(store.Restore().Positions);
        Assert.Empty(store.Restore().Snapshots);
        Assert.Empty(store.NextDue("journal", 10));
        Assert.Null(store.NextTry("journal"));
        Assert.Null(store.Status().Failure);
    }

    [Fact]
    public void Gives_back_the_last_checkpoint_and_keeps_what_a_checkpoint_does_not_mention()
    {
        StateStore store = Open();

        Assert.Null(store.Commit(StateDirectoryFixture.At("a", 1, "one")));
        Assert.Null(store.Commit(StateDirectoryFixture.At("b", 2)));
        Assert.Null(store.Commit(StateDirectoryFixture.At("a", 3)));

        Checkpoint restored = store.Restore();
        Assert.Equal([3], restored.Positions["a"]);
        Assert.Equal([2], restored.Positions["b"]);
        Assert.Equal("one"u8.ToArray(), restored.Snapshots["tree"].Joined());
    }

    [Fact]
    public void Writes_only_the_pages_it_is_given_and_removes_those_beyond_the_count()
    {
        StateStore store = Open();
        byte[] large = new byte[Snapshot.LargestPage * 2 + 1];
        large[^1] = 7;
        Assert.Null(store.Commit(With("windows", Snapshot.Whole(large))));

        Assert.Null(store.Commit(With("windows", new Snapshot(2, new Dictionary<int, byte[]> { [1] = [9] }))));

        Snapshot restored = store.Restore().Snapshots["windows"];
        Assert.Equal((2, Snapshot.LargestPage), (restored.Count, restored.Pages[0].Length));
        Assert.Equal([9], restored.Pages[1]);
        Assert.Equal(Snapshot.LargestPage + 1, restored.Joined().Length);
    }

    [Fact]
    public void Refuses_some_pages_where_the_others_are_not_there()
    {
        StateStore store = Open();
        var part = new Snapshot(2, new Dictionary<int, byte[]> { [1] = [9] });

        Assert.Equal(StoreTrouble.Incomplete, store.Commit(With("windows", part))?.Trouble);

        Assert.Empty(store.Restore().Snapshots);
        Assert.Null(store.Commit(With("windows", part with { Pages = new Dictionary<int, byte[]> { [0] = [1], [1] = [2] } })));
        Assert.Null(store.Commit(With("windows", part)));
        Assert.Equal([1, 9], store.Restore().Snapshots["windows"].Joined());
        Assert.Empty(Fixture.Logs.Messages);
    }

    static Checkpoint With(string name, Snapshot snapshot) => Checkpoint.Empty with { Snapshots = new Dictionary<string, Snapshot> { [name] = snapshot } };

    [Fact]
    public void Forgets_a_source_that_is_gone()
    {
        StateStore store = Open();
        store.Commit(StateDirectoryFixture.At("a", 1));

        store.Commit(StateDirectoryFixture.At("b", 2) with { Forgotten = ["a"] });

        Assert.Equal(["b"], store.Restore().Positions.Keys);
    }

    [Fact]
    public void Takes_an_alert_once_however_often_it_is_put_in()
    {
        StateStore store = Open();

        AddResult first = store.AddAlerts([Fixture.Alert("1", "journal"), Fixture.Alert("2", "journal"), Fixture.Alert("1", "journal")]);
        store.MarkTold("journal", "1");
        AddResult second = store.AddAlerts([Fixture.Alert("2", "journal"), Fixture.Alert("1", "journal"), Fixture.Alert("3", "journal")]);

        Assert.Equal(["1", "2"], first.New);
        Assert.Equal(["3"], second.New);
        Assert.Equal(["2", "3"], Ids(store.NextDue("journal", 10)));
    }

    [Fact]
    public void Gives_an_alert_as_it_was_put_in()
    {
        StateStore store = Open();
        StoredAlert alert = Fixture.Alert("1", "journal");

        store.AddAlerts([alert]);

        PendingDelivery due = Assert.Single(store.NextDue("journal", 10));
        Assert.Equal((alert.AlertId, alert.Level, alert.OccurredAt, alert.RaisedAt, 0), (due.AlertId, due.Level, due.OccurredAt, due.RaisedAt, due.Attempts));
        Assert.Equal(alert.Json, due.Json);
    }

    [Fact]
    public void Keeps_sinks_apart()
    {
        StateStore store = Open();
        store.AddAlerts([Fixture.Alert("1", "journal", "chat"), Fixture.Alert("2", "journal")]);

        store.MarkTold("journal", "1");

        Assert.Equal(["2"], Ids(store.NextDue("journal", 10)));
        Assert.Equal(["1"], Ids(store.NextDue("chat", 10)));
        Assert.Empty(store.NextDue("unknown", 10));
    }

    [Fact]
    public void Gives_no_more_than_asked_for_and_the_oldest_first()
    {
        StateStore store = Open();
        store.AddAlerts([.. Enumerable.Range(0, 9).Select(n => Fixture.Alert($"{n}", "journal"))]);

        Assert.Equal(["0", "1", "2", "3"], Ids(store.NextDue("journal", 4)));
    }

    [Fact]
    public void Holds_a_failed_delivery_back_until_its_next_try()
    {
        StateStore store = Open();
        store.AddAlerts([Fixture.Alert("1", "chat")]);
        DateTimeOffset next = Fixture.Time.GetUtcNow() + TimeSpan.FromMinutes(1);

        store.MarkFailed("chat", "1", "HTTP 500", next);

        Assert.Empty(store.NextDue("chat", 10));
        Assert.Equal(next, store.NextTry("chat"));
        Fixture.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, Assert.Single(store.NextDue("chat", 10)).Attempts);
    }

    [Fact]
    public void Is_not_stopped_by_a_clock_that_is_set_back()
    {
        StateStore store = Open();
        store.AddAlerts([Fixture.Alert("1", "chat")]);

        store.MarkFailed("chat", "1", "HTTP 500", Fixture.Time.GetUtcNow() + TimeSpan.FromDays(365));

        Assert.Equal(["1"], Ids(store.NextDue("chat", 10)));
    }

    [Fact]
    public void Keeps_a_dead_letter_with_its_reason()
    {
        StateStore store = Open();
        store.AddAlerts([Fixture.Alert("1", "chat", "journal")]);

        store.MarkFailed("chat", "1", "HTTP 500", Fixture.Time.GetUtcNow());
        store.MarkDead("chat", "1", "HTTP 400");

        Assert.Equal([new DeadLetter("1", "chat", Fixture.Time.GetUtcNow(), 2, "HTTP 400")], store.DeadLetters(10));
        Assert.Empty(store.NextDue("chat", 10));
        Assert.Equal(["1"], Ids(store.NextDue("journal", 10)));
        Assert.Equal((0, 1, 1), (store.Status().Pending.GetValueOrDefault("chat"), store.Status().Pending["journal"], store.Status().Dead["chat"]));
    }

    [Fact]
    public void A_mark_after_the_end_changes_nothing()
    {
        StateStore store = Open();
        store.AddAlerts([Fixture.Alert("1", "chat")]);
        store.MarkTold("chat", "1");

        store.MarkDead("chat", "1", "too late");
        store.MarkTold("chat", "unknown");

        Assert.Empty(store.DeadLetters(10));
        Assert.Empty(store.NextDue("chat", 10));
    }

    [Fact]
    public void Gives_up_what_has_waited_too_long()
    {
        StateStore store = Open();
        store.AddAlerts([Fixture.Alert("1", "chat", "journal")]);
        Fixture.Time.Advance(TimeSpan.FromHours(1));
        store.AddAlerts([Fixture.Alert("2", "chat", "journal")]);

        Assert.Equal(1, store.GiveUp("chat", TimeSpan.FromMinutes(30), "too old"));

        Assert.Equal(["2"], Ids(store.NextDue("chat", 10)));
        Assert.Equal(["1", "2"], Ids(store.NextDue("journal", 10)));
        Assert.Equal(["too old"], store.DeadLetters(10).Select(d => d.Reason));
    }

    [Fact]
    public void Keeps_what_waits_for_a_name_that_is_not_configured_as_long_as_alerts_are_kept()
    {
        StateStore store = Open();
        store.AddAlerts([Fixture.Alert("1", "gone"), Fixture.Alert("2", "chat")]);
        store.UseSinks(["chat"]);
        Fixture.Time.Advance(StateDirectoryFixture.Roomy.Keep - TimeSpan.FromMinutes(1));
        store.Commit(Checkpoint.Empty);
        Assert.Equal(["1"], Ids(store.NextDue("gone", 10)));

        Fixture.Time.Advance(TimeSpan.FromHours(2));
        store.Commit(Checkpoint.Empty);

        Assert.Empty(store.NextDue("gone", 10));
        Assert.Equal(["4003 Warning: 1 deliveries have waited for webhooks that are not configured for as long as alerts are kept (state.keep_alerts), and are given up."], Fixture.Logs.Messages);
        Assert.Equal(["2"], Ids(store.NextDue("chat", 10)));
    }

    [Fact]
    public void Gives_critical_alerts_before_all_others_and_each_in_the_order_they_came()
    {
        StateStore store = Open();
        RuleLevel[] levels = [RuleLevel.High, RuleLevel.Critical, RuleLevel.Low, RuleLevel.Critical];

        store.AddAlerts([.. levels.Select((level, n) => Fixture.Of($"{n}", 10, level, "chat"))]);

        Assert.Equal(["1", "3", "0", "2"], Ids(store.NextDue("chat", 10)));
    }

    [Fact]
    public void Evicts_the_lowest_level_first_and_of_it_the_oldest_and_says_so()
    {
        StateStore store = Open(new OutboxLimits(40, 1 << 20, TimeSpan.FromDays(1)));
        store.AddAlerts([Fixture.Of("critical", 10, RuleLevel.Critical, "chat"), Fixture.Of("high", 10, RuleLevel.High, "chat")]);

        for (int n = 0; n < 300; n++) store.AddAlerts([Fixture.Of($"{n:000}", 10, n % 2 == 0 ? RuleLevel.Low : RuleLevel.Medium, "chat")]);

        string[] kept = [.. Ids(store.NextDue("chat", 1000))];
        Assert.Equal(["critical", "high"], kept[..2]);
        Assert.Equal(kept[2..], Enumerable.Range(0, 300).Select(n => $"{n:000}").Where((_, n) => n % 2 == 1).TakeLast(33));
        Assert.Collection(
            LossesSoFar().Order(StringComparer.Ordinal),
            loss => Assert.Matches("kind=deliveries of low alerts,.* 150$", loss),
            loss => Assert.Matches("kind=deliveries of medium alerts,.* 117$", loss));
    }

    [Fact]
    public void Never_evicts_what_the_journal_is_still_to_be_told_and_has_no_room_until_it_is()
    {
        StateStore store = Open(new OutboxLimits(80, 1 << 20, TimeSpan.FromDays(1)));
        int added = 0;
        for (; store.WhenThereIsRoom.IsCompleted; added++) store.AddAlerts([Fixture.Of($"{added:000}", 10, RuleLevel.Low, "journal", "chat")]);
        Assert.Equal(10, added);

        // Whoever does not wait loses nothing all the same.
        for (; added < 200; added++) store.AddAlerts([Fixture.Of($"{added:000}", 10, RuleLevel.Low, "journal", "chat")]);
        Assert.Equal(200, Ids(store.NextDue("journal", 1000)).Count());
        Task room = store.WhenThereIsRoom;

        store.Mark("journal", [.. Ids(store.NextDue("journal", 1000)).Take(190).Select(id => new DeliveryMark(id, DeliveryState.Told))]);
        Assert.False(room.IsCompleted);
        store.MarkTold("journal", "190");

        Assert.True(room.IsCompleted);
        Assert.Equal(9, Ids(store.NextDue("journal", 1000)).Count());
    }

    [Fact]
    public void Remembers_an_evicted_alert_as_long_as_it_could_be_raised_again()
    {
        StateStore store = Open(new OutboxLimits(20, 1 << 20, TimeSpan.FromDays(1)));
        StoredAlert[] alerts = [.. Enumerable.Range(0, 30).Select(n => Fixture.Alert($"{n}", "chat"))];
        foreach (StoredAlert alert in alerts) store.AddAlerts([alert]);

        Assert.Empty(store.AddAlerts(alerts).New);

        for (int n = 0; n < 3; n++) store.Commit(Checkpoint.Empty);
        Assert.NotEmpty(store.AddAlerts(alerts).New);
    }

    [Fact]
    public void Tells_the_later_form_of_an_alert_to_those_who_wait()
    {
        StateStore store = Open();
        store.AddAlerts([Fixture.Alert("1", "journal", "chat")]);
        store.MarkTold("journal", "1");

        store.ReplaceAlert("1", [1, 2]);

        Assert.Equal([1, 2], Assert.Single(store.NextDue("chat", 10)).Json);
        Assert.Empty(store.NextDue("journal", 10));
    }

    [Fact]
    public void Forgets_told_alerts_after_a_while_and_never_those_still_to_be_told()
    {
        StateStore store = Open();
        store.AddAlerts([Fixture.Alert("told", "journal"), Fixture.Alert("waiting", "journal")]);
        store.MarkTold("journal", "told");
        for (int n = 0; n < 3; n++) store.Commit(Checkpoint.Empty);
        Assert.Empty(store.AddAlerts([Fixture.Alert("told", "journal")]).New);

        Fixture.Time.Advance(TimeSpan.FromDays(2));
        store.Commit(Checkpoint.Empty);

        Assert.Equal(["waiting"], Ids(store.NextDue("journal", 10)));
        Assert.Equal(["told"], store.AddAlerts([Fixture.Alert("told", "journal"), Fixture.Alert("waiting", "journal")]).New);
    }

    [Fact]
    public void Remembers_a_told_alert_as_long_as_it_could_be_raised_again()
    {
        StateStore store = Open();
        store.Commit(Checkpoint.Empty);
        store.AddAlerts([Fixture.Alert("told", "journal")]);
        store.MarkTold("journal", "told");

        Fixture.Time.Advance(TimeSpan.FromDays(2));
        store.Commit(Checkpoint.Empty);

        Assert.Empty(store.AddAlerts([Fixture.Alert("told", "journal")]).New);
    }

    [Theory]
    [InlineData(20, 1 << 20, 10)]
    [InlineData(1000, 20_000, 10)]
    public void Keeps_its_bounds_and_counts_what_it_gives_up(int alerts, int bytes, int size)
    {
        StateStore store = Open(new OutboxLimits(alerts, bytes, TimeSpan.FromDays(1)));
        int evicted = 0;
        for (int n = 0; n < 200; n++)
        {
            evicted += store.AddAlerts([Fixture.Sized($"{n:000}", size, "chat")]).Evicted;
            store.Commit(Checkpoint.Empty);
        }

        IReadOnlyList<PendingDelivery> kept = store.NextDue("chat", 1000);

        Assert.InRange(kept.Count, 1, 25);
        Assert.Equal("199", kept[^1].AlertId);
        Assert.Equal(200 - kept.Count, store.Status().Evicted);
        Assert.True(evicted <= store.Status().Evicted);
        Assert.Matches($"kind=deliveries of high alerts,.* {200 - kept.Count}$", Assert.Single(LossesSoFar()));
    }

    [Fact]
    public void Gives_up_told_alerts_before_those_that_wait()
    {
        StateStore store = Open(new OutboxLimits(20, 1 << 20, TimeSpan.FromDays(1)));
        store.AddAlerts([Fixture.Alert("waiting", "chat")]);
        for (int n = 0; n < 100; n++)
        {
            store.AddAlerts([Fixture.Alert($"{n}", "journal")]);
            store.MarkTold("journal", $"{n}");
            store.Commit(Checkpoint.Empty);
        }

        Assert.Equal(["waiting"], Ids(store.NextDue("chat", 10)));
        Assert.Equal(0, store.Status().Evicted);
    }

    [Fact]
    public void Keeps_a_hard_bound_where_no_checkpoint_is_ever_written()
    {
        StateStore store = Open(new OutboxLimits(20, 1 << 20, TimeSpan.FromDays(1)));

        for (int n = 0; n < 500; n++) store.AddAlerts([Fixture.Alert($"{n}", "chat")]);

        Assert.InRange(store.NextDue("chat", 1000).Count, 1, 20);
    }

    public void Dispose()
    {
        Fixture.Dispose();
        GC.SuppressFinalize(this);
    }
}

public sealed class StoreInMemoryTests : StoreContract
{
    private protected override StateStore Open(OutboxLimits? limits = null) => Fixture.InMemory(limits);
}

public sealed class StoreOnDiskTests : StoreContract
{
    private protected override StateStore Open(OutboxLimits? limits = null) => Fixture.Open(limits);
}
