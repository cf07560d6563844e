using System.Buffers;
using System.Text.Json;
using CsCheck;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Alerting;

public class SuppressionTests
{
    const long Minute = 60_000_000;
    readonly Suppression _suppression = new(TimeSpan.FromMinutes(10));
    readonly List<Alert> _closed = [];

    [Fact]
    public void Raises_the_first_and_folds_what_follows_within_the_period()
    {
        Assert.True(_suppression.Offer(Key("key"), At(0, record: 1), _closed));
        Assert.False(_suppression.Offer(Key("key"), At(9, record: 2), _closed));
        Assert.True(_suppression.Offer(Key("key"), At(10, record: 3), _closed));

        Alert first = Assert.Single(_closed);
        Assert.Equal(2, first.Count);
        Assert.Equal([1UL, 2UL], first.RecordIds);
        Assert.Equal(1, _suppression.Folded);
    }

    [Fact]
    public void Different_keys_have_nothing_to_do_with_each_other()
    {
        Assert.True(_suppression.Offer(Key("one"), At(0, record: 1), _closed));
        Assert.True(_suppression.Offer(Key("other"), At(0, record: 2), _closed));
    }

    [Fact]
    public void An_alert_from_the_future_ends_no_period()
    {
        _suppression.Offer(Key("key"), At(0, record: 1), _closed);

        Assert.True(_suppression.Offer(Key("other"), At(1_000_000, record: 2), _closed, fromTheFuture: true));
        Assert.False(_suppression.Offer(Key("key"), At(1_000_000, record: 3), _closed, fromTheFuture: true));
        Assert.False(_suppression.Offer(Key("key"), At(5, record: 4), _closed));
        Assert.Empty(_closed);
    }

    [Fact]
    public void An_alert_from_the_future_hides_what_happens_until_then_no_longer_than_another_would()
    {
        _suppression.AdvanceTo(At(0, record: 0).Time, _closed);
        Assert.True(_suppression.Offer(Key("key"), At(1_000_000, record: 1), _closed, fromTheFuture: true));
        var saved = new ArrayBufferWriter<byte>();
        _suppression.Save(saved);
        var restored = new Suppression(TimeSpan.FromMinutes(10));
        Assert.True(restored.TryRestore(saved.WrittenSpan));

        foreach (Suppression suppression in (Suppression[])[_suppression, restored])
        {
            Assert.False(suppression.Offer(Key("key"), At(9, record: 2), _closed));
            Assert.True(suppression.Offer(Key("key"), At(10, record: 3), _closed));
        }
    }

    [Fact]
    public void An_alert_from_the_future_before_anything_else_is_final_at_once()
    {
        Assert.True(_suppression.Offer(Key("key"), At(1_000_000, record: 1), _closed, fromTheFuture: true));

        Assert.Single(_closed);
        Assert.True(_suppression.Offer(Key("key"), At(0, record: 2), _closed));
    }

    [Fact]
    public void Keeps_the_first_fifty_and_the_last_fifty_record_ids()
    {
        for (ulong record = 1; record <= 300; record++) _suppression.Offer(Key("key"), At(1, record), _closed);

        _suppression.Finish(_closed);

        Assert.Equal([.. Enumerable.Range(1, 50).Select(n => (ulong)n), .. Enumerable.Range(251, 50).Select(n => (ulong)n)], _closed.Single().RecordIds);
        Assert.Equal(300, _closed.Single().Count);
    }

    [Fact]
    public void A_late_event_is_folded_like_any_other()
    {
        _suppression.Offer(Key("key"), At(5, record: 1), _closed);

        Assert.False(_suppression.Offer(Key("key"), At(4, record: 2), _closed));
    }

    [Fact]
    public void Closes_the_oldest_early_when_there_are_too_many_keys_and_counts_it()
    {
        var small = new Suppression(TimeSpan.FromMinutes(10), mostOpen: 2);

        for (ulong n = 0; n < 5; n++) small.Offer(Key($"key {n}"), At(0, n), _closed);

        Assert.Equal([0UL, 1UL, 2UL], _closed.Select(alert => alert.RecordIds[0]));
        Assert.Equal(3, small.ClosedEarly);
    }

    [Fact]
    public void Goes_on_from_a_snapshot_as_if_nothing_had_happened()
    {
        Gen.Select(Gen.Int[0, 30], Gen.Int[0, 2]).Array[1, 40].Sample(offers =>
        {
            var undisturbed = new Suppression(TimeSpan.FromMinutes(10), mostOpen: 2);
            var restarted = new Suppression(TimeSpan.FromMinutes(10), mostOpen: 2);
            List<Alert> here = [], there = [];
            ulong record = 0;
            foreach ((int minute, int key) in offers)
            {
                Alert alert = At(minute, record++);
                Assert.Equal(undisturbed.Offer(Key($"{key}"), alert, here), restarted.Offer(Key($"{key}"), alert, there));
                var bytes = new ArrayBufferWriter<byte>();
                restarted.Save(bytes);
                restarted = new Suppression(TimeSpan.FromMinutes(10), mostOpen: 2);
                Assert.True(restarted.TryRestore(bytes.WrittenSpan));
            }
            undisturbed.Finish(here);
            restarted.Finish(there);
            Assert.Equal(here.Select(Json), there.Select(Json));
        });
    }

    [Fact]
    public void A_period_of_zero_folds_nothing_not_even_what_comes_late()
    {
        var none = new Suppression(TimeSpan.Zero);

        foreach (int minute in (int[])[5, 5, 4]) Assert.True(none.Offer(Key("key"), At(minute, 1), _closed));

        Assert.Equal(3, _closed.Count);
        Assert.Equal(0, none.Folded);
    }

    [Theory]
    [InlineData(0, 1, true)]
    [InlineData(2, 1, false)]
    [InlineData(2, 2, true)]
    public void What_was_open_under_another_period_ends_by_the_one_there_is(int minutes, int next, bool isRaised)
    {
        _suppression.Offer(Key("key"), At(0, record: 1), _closed);
        _suppression.Offer(Key("key"), At(0, record: 2), _closed);
        Suppression restored = Restored(_suppression, TimeSpan.FromMinutes(minutes));

        Assert.Equal(isRaised, restored.Offer(Key("key"), At(next, record: 3), _closed));

        if (isRaised) Assert.Equal([1UL, 2UL], _closed[0].RecordIds);
        else Assert.Empty(_closed);
    }

    [Fact]
    public void The_counts_of_periods_that_have_passed_by_the_clock_are_given_once_and_again_where_they_grow()
    {
        foreach (string key in (string[])["repeated", "once", "later"]) _suppression.Offer(Key(key), At(key == "later" ? 5 : 0, 1), _closed);
        foreach (string key in (string[])["repeated", "later"]) _suppression.Offer(Key(key), At(6, 2), _closed);

        Assert.Empty(CountsAt(9));
        Assert.Equal([2], CountsAt(10));
        Assert.Empty(CountsAt(10));
        Assert.Equal([2], CountsAt(20));
        Assert.False(_suppression.Offer(Key("repeated"), At(7, 3), _closed));
        Assert.Equal([3], CountsAt(20));
        Assert.Empty(_closed);
    }

    [Fact]
    public void Asking_by_the_clock_changes_neither_what_is_raised_nor_what_is_closed() => Gen.Select(Gen.Int[0, 30], Gen.Int[0, 2]).Array[1, 40].Sample(offers =>
    {
        var undisturbed = new Suppression(TimeSpan.FromMinutes(10));
        var asked = new Suppression(TimeSpan.FromMinutes(10));
        List<Alert> here = [], there = [], counted = [];
        foreach ((int minute, int key) in offers)
        {
            asked.CountsUntil(long.MaxValue, counted);
            Assert.Equal(undisturbed.Offer(Key($"{key}"), At(minute, 1), here), asked.Offer(Key($"{key}"), At(minute, 1), there));
        }
        undisturbed.Finish(here);
        asked.Finish(there);
        Assert.Equal(here.Select(Json), there.Select(Json));
    });

    [Fact]
    public void Other_evidence_is_another_alert_until_a_group_has_too_many_and_what_is_more_is_one()
    {
        Suppression suppression = _suppression;
        for (int n = 0; n < 100; n++)
        {
            Assert.Equal(n <= Suppression.MostOfGroup, suppression.Offer(new RepeatKey(1, (UInt128)(n + 2)), At(0, (ulong)n), _closed));
            if (n % 30 == 0) suppression = Restored(suppression, TimeSpan.FromMinutes(10));
        }
        Assert.True(suppression.TryFold(new RepeatKey(1, 2), new("web-a01", 23, 1, At(1, 1).Time), null, _closed));
        Assert.True(suppression.Offer(new RepeatKey(1000, 1001), At(0, 1), _closed));

        suppression.Finish(_closed);

        Assert.Equal([2, .. Enumerable.Repeat(1, Suppression.MostOfGroup - 1), 100 - Suppression.MostOfGroup, 1], _closed.Select(alert => alert.Count));
        Assert.True(suppression.Offer(new RepeatKey(1, 7), At(20, 1), _closed));
    }

    [Fact]
    public void Refuses_what_is_no_snapshot()
    {
        Gen.Byte.Array[0, 200].Sample(noise => { new Suppression(TimeSpan.FromMinutes(1)).TryRestore(noise); });
        Assert.False(_suppression.TryRestore([1, 5, 1]));
    }

    [Fact]
    public void An_alert_reads_as_the_contract_says()
    {
        Alert alert = At(0, 36) with { Tags = ["attack.t1485"], Image = "/usr/bin/rm", ProcessId = 572, ProcessGuid = "{0}", CommandLine = "rm <x>", User = "alice" };

        using JsonDocument json = JsonDocument.Parse(Json(alert));

        Assert.Equal("2026-11-24T02:40:00.000000Z", json.RootElement.GetProperty("time").GetString());
        Assert.Equal("high", json.RootElement.GetProperty("level").GetString());
        Assert.Equal(572, json.RootElement.GetProperty("process_id").GetInt32());
        Assert.Equal("rm <x>", json.RootElement.GetProperty("command_line").GetString());
        foreach (string name in "alert_id rule_id rule_title computer record_ids tags image process_guid user count".Split(' '))
        {
            Assert.True(json.RootElement.TryGetProperty(name, out _), name);
        }
        Assert.Equal(Json(alert), Json(JsonSerializer.Deserialize(Json(alert), AlertJson.Default.Alert)!));
    }

    List<int> CountsAt(int minute)
    {
        var counted = new List<Alert>();
        _suppression.CountsUntil(At(minute, 0).Time, counted);
        return [.. counted.Select(alert => alert.Count)];
    }

    static Suppression Restored(Suppression from, TimeSpan period)
    {
        var saved = new ArrayBufferWriter<byte>();
        from.Save(saved);
        var restored = new Suppression(period);
        Assert.True(restored.TryRestore(saved.WrittenSpan));
        return restored;
    }

    static RepeatKey Key(string rule) => RepeatKey.Of(rule);

    static string Json(Alert alert) => JsonSerializer.Serialize(alert, AlertJson.Default.Alert);

    static Alert At(int minute, ulong record) => new()
    {
        AlertId = $"{record:x32}",
        RuleId = "rule",
        RuleTitle = "Rule",
        Level = RuleLevel.High,
        Time = SomeEvent.Noon + minute * Minute,
        Computer = "web-a01",
        EventId = 23,
        RecordIds = [record],
        Message = "something happened",
    };
}
