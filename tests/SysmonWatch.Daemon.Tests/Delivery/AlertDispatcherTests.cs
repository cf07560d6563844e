using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Serilog.Sinks.Journald;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Delivery.Journal;
using SysmonWatch.Daemon.Delivery.Sinks;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Tests.Delivery;

public sealed class AlertDispatcherTests : IAsyncDisposable
{
    static readonly RetryOptions Retry = new() { First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromMinutes(1), GiveUpAfter = TimeSpan.FromHours(1) };
    static readonly DateTimeOffset Start = new(2026, 11, 24, 4, 15, 0, TimeSpan.Zero);

    readonly FakeTimeProvider _time = new(Start);
    readonly CollectedLogs _logs = new();
    readonly JournalClient _journal = new(new JournalClientOptions { SocketPath = "/nowhere" });
    readonly StateStore _store;
    readonly AlertDispatcher _dispatcher;

    public AlertDispatcherTests()
    {
        _store = StateStore.InMemory(new OutboxLimits(1000, 1 << 20, TimeSpan.FromDays(30)), new Counters(), _time, _logs);
        _dispatcher = new AlertDispatcher(_store, new AlertJournal(_journal), _time, new LoggerOf(_logs));
    }

    public async ValueTask DisposeAsync()
    {
        await _dispatcher.DisposeAsync();
        _store.Dispose();
        _journal.Dispose();
    }

    [Fact]
    public async Task Tells_each_sink_each_alert_once_and_in_order()
    {
        ScriptedSink journal = new("journal"), chat = new("chat");
        await UseAsync(journal, chat);

        Raise("1", "2");
        Raise("3", "1");

        Assert.Equal(["1", "2", "3"], [await journal.NextAsync(), await journal.NextAsync(), await journal.NextAsync()]);
        Assert.Equal(["1", "2", "3"], [await chat.NextAsync(), await chat.NextAsync(), await chat.NextAsync()]);
        await _dispatcher.DisposeAsync();
        Assert.False(journal.WasToldMore || chat.WasToldMore);
        Assert.Empty(_store.Status().Pending);
        Assert.Empty(_logs.Messages);
    }

    [Fact]
    public async Task Tells_what_was_in_the_outbox_before_it_started()
    {
        _store.AddAlerts([SomeAlerts.Stored(SomeAlerts.Alert("1"), Start, "chat")]);
        var chat = new ScriptedSink("chat");

        await UseAsync(chat);

        Assert.Equal("1", await chat.NextAsync());
    }

    [Fact]
    public async Task A_sink_that_hangs_delays_nobody_else()
    {
        ScriptedSink journal = new("journal"), chat = new("chat");
        var hang = new TaskCompletionSource<DeliveryResult>();
        chat.Then(_ => new ValueTask<DeliveryResult>(hang.Task));
        await UseAsync(journal, chat);

        for (int n = 0; n < 200; n++) Raise($"{n}");

        for (int n = 0; n < 200; n++) Assert.Equal($"{n}", await journal.NextAsync());
        hang.SetResult(DeliveryResult.Told);
        for (int n = 0; n < 200; n++) Assert.Equal($"{n}", await chat.NextAsync());
    }

    [Fact]
    public async Task Tries_again_after_the_wait_and_says_it_once()
    {
        var chat = new ScriptedSink("chat").Then(DeliveryOutcome.Unavailable, "HTTP 500").Then(DeliveryOutcome.Unavailable, "HTTP 500");
        await UseAsync(chat);
        Raise("1", "2");
        Assert.Equal("1", await chat.NextAsync());
        await UntilAsync(() => _logs.Messages.Count > 0);

        Assert.Equal("1", await NextAfterWaitingAsync(chat));
        Assert.Equal("1", await NextAfterWaitingAsync(chat));
        Assert.Equal("2", await chat.NextAsync());
        await _dispatcher.DisposeAsync();

        Assert.Equal(2, _logs.Messages.Count);
        Assert.Matches(@"^3101 Warning: chat \(https://sink.example\) did not take alert 1: HTTP 500. Next try at 2026-11-24 04:15:0\dZ; alerts for it are kept.$", _logs.Messages[0]);
        Assert.Equal("3102 Information: chat (https://sink.example) takes alerts again after 2 failed attempts.", _logs.Messages[1]);
    }

    [Fact]
    public async Task Waits_as_long_as_the_other_side_asks()
    {
        var chat = new ScriptedSink("chat").Then(DeliveryOutcome.Limited, "HTTP 429", TimeSpan.FromSeconds(30));
        await UseAsync(chat);
        Raise("1");
        Assert.Equal("1", await chat.NextAsync());

        await UntilAsync(() => _dispatcher.Status[0].NextTry is not null);

        Assert.Equal(Start.AddSeconds(30), _dispatcher.Status[0].NextTry);
        Assert.Equal((0, 1, "HTTP 429", Start), (_dispatcher.Status[0].Told, _dispatcher.Status[0].Failed, _dispatcher.Status[0].LastReason, _dispatcher.Status[0].FailingSince!.Value));
        Assert.Equal("1", await NextAfterWaitingAsync(chat));
        Assert.True(_time.GetUtcNow() >= Start.AddSeconds(30));
    }

    [Fact]
    public async Task An_alert_that_is_not_wanted_holds_up_no_other_and_ends_as_a_dead_letter()
    {
        var chat = new ScriptedSink("chat").Then(DeliveryOutcome.Rejected, "HTTP 400 (invalid_payload)");
        await UseAsync(chat);
        Raise("1", "2");
        Assert.Equal("1", await chat.NextAsync());
        Assert.Equal("2", await chat.NextAsync());
        chat.Then(DeliveryOutcome.Rejected, "HTTP 400 (invalid_payload)").Then(DeliveryOutcome.Rejected, "HTTP 400 (invalid_payload)");

        Assert.Equal("1", await NextAfterWaitingAsync(chat));
        Assert.Equal("1", await NextAfterWaitingAsync(chat));
        await UntilAsync(() => _store.DeadLetters(10).Count > 0);

        Assert.Equal([new DeadLetter("1", "chat", Start, 3, "HTTP 400 (invalid_payload)")], _store.DeadLetters(10));
        Assert.Empty(_store.Status().Pending);
        Assert.Contains("3103 Error: chat (https://sink.example) was not told 1 alerts, 1 among them, and they are given up: HTTP 400 (invalid_payload). The journal has them.", _logs.Messages);
    }

    [Fact]
    public async Task Gives_up_what_is_too_old_with_all_that_is_as_old()
    {
        var chat = new ScriptedSink("chat");
        for (int n = 0; n < RetrySchedule.FewestAttempts; n++) chat.Then(DeliveryOutcome.Misconfigured, "HTTP 404 (no_service)");
        _store.AddAlerts([SomeAlerts.Stored(SomeAlerts.Alert("1"), Start, "chat"), SomeAlerts.Stored(SomeAlerts.Alert("2"), Start, "chat")]);
        _time.Advance(TimeSpan.FromMinutes(61));
        await UseAsync(chat);
        Assert.Equal("1", await chat.NextAsync());

        for (int n = 1; n < RetrySchedule.FewestAttempts; n++) Assert.Equal("1", await NextAfterWaitingAsync(chat));
        await UntilAsync(() => _store.DeadLetters(10).Count > 1);

        Assert.Equal(["2", "1"], _store.DeadLetters(10).Select(d => d.AlertId));
        Assert.All(_store.DeadLetters(10), d => Assert.Equal("HTTP 404 (no_service)", d.Reason));
    }

    [Fact]
    public async Task Goes_on_after_a_bug_in_a_sink_and_shows_nothing_of_its_message()
    {
        var chat = new ScriptedSink("chat").Then(_ => throw new InvalidOperationException("https://sink.example/hush"));
        await UseAsync(chat);
        Raise("1");
        Assert.Equal("1", await chat.NextAsync());

        Assert.Equal("1", await NextAfterWaitingAsync(chat));

        Assert.DoesNotContain(_logs.Messages, m => m.Contains("hush", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tells_people_old_alerts_as_one_digest_and_new_ones_each()
    {
        ScriptedSink chat = new("chat", takesDigests: true), program = new("program");
        DateTimeOffset old = Start - TimeSpan.FromMinutes(11), recent = Start - TimeSpan.FromMinutes(10);
        _store.AddAlerts([
            SomeAlerts.Stored(SomeAlerts.Alert("1", at: old), Start, "chat", "program"),
            SomeAlerts.Stored(SomeAlerts.Alert("2", at: recent), Start, "chat", "program"),
            SomeAlerts.Stored(SomeAlerts.Alert("3", at: old), Start, "chat", "program"),
        ]);

        await UseAsync(chat, program);

        Assert.Equal(["1,3", "2"], [await chat.NextAsync(), await chat.NextAsync()]);
        Assert.Equal(["1", "2", "3"], [await program.NextAsync(), await program.NextAsync(), await program.NextAsync()]);
        await _dispatcher.DisposeAsync();
        Assert.False(chat.WasToldMore);
        Assert.Empty(_store.Status().Pending);
    }

    [Fact]
    public async Task A_critical_alert_is_told_whole_however_late_it_is_and_before_the_digest()
    {
        ScriptedSink chat = new("chat", takesDigests: true);
        DateTimeOffset old = Start - TimeSpan.FromDays(2);
        _store.AddAlerts([
            SomeAlerts.Stored(SomeAlerts.Alert("1", at: old), Start, "chat"),
            SomeAlerts.Stored(SomeAlerts.Alert("2", RuleLevel.Critical, old), Start, "chat"),
            SomeAlerts.Stored(SomeAlerts.Alert("3", at: old), Start, "chat"),
            SomeAlerts.Stored(SomeAlerts.Alert("4", RuleLevel.Critical, old), Start, "chat"),
        ]);

        await UseAsync(chat);

        Assert.Equal(["2", "4", "1,3"], [await chat.NextAsync(), await chat.NextAsync(), await chat.NextAsync()]);
    }

    [Fact]
    public async Task Tells_a_sink_only_from_its_level_up()
    {
        await _dispatcher.UseAsync([
            new AlertRoute(new ScriptedSink("journal"), RuleLevel.Informational, Retry),
            new AlertRoute(new ScriptedSink("chat"), RuleLevel.High, Retry),
        ]);

        Assert.Equal(["journal"], _dispatcher.SinksFor(SomeAlerts.Alert(level: RuleLevel.Medium)));
        Assert.Equal(["journal", "chat"], _dispatcher.SinksFor(SomeAlerts.Alert(level: RuleLevel.High)));
    }

    [Fact]
    public async Task A_reload_keeps_what_waits_also_for_a_name_that_left_and_comes_back()
    {
        ScriptedSink chat = new ScriptedSink("chat").Then(DeliveryOutcome.Unavailable, "down"), gone = new ScriptedSink("gone").Then(DeliveryOutcome.Unavailable, "down");
        await UseAsync(chat, gone);
        Raise("1");
        await chat.NextAsync();
        await gone.NextAsync();
        var chatAgain = new ScriptedSink("chat");

        await UseAsync(chatAgain);

        Assert.Equal("1", await NextAfterWaitingAsync(chatAgain));
        Assert.Empty(_store.DeadLetters(10));
        Assert.Contains("3001 Warning: gone is not configured any more; alerts that wait for it: 1. They are kept for state.keep_alerts and sent if it comes back.", _logs.Messages);
        var back = new ScriptedSink("gone");
        await UseAsync(back);
        Assert.Equal("1", await NextAfterWaitingAsync(back));
    }

    [Theory]
    [InlineData(-24)]
    [InlineData(-1)]
    [InlineData(24)]
    public async Task Tries_again_within_the_longest_wait_although_the_clock_was_set(int hours)
    {
        var clock = new LeapingTime(_time);
        using var store = StateStore.InMemory(new OutboxLimits(1000, 1 << 20, TimeSpan.FromDays(30)), new Counters(), clock, _logs);
        await using var dispatcher = new AlertDispatcher(store, new AlertJournal(_journal), clock, new LoggerOf(_logs));
        var chat = new ScriptedSink("chat").Then(DeliveryOutcome.Unavailable, "HTTP 503");
        // Before the start, so that no signal cuts a wait short. The store has a timer of its own.
        store.AddAlerts([SomeAlerts.Stored(SomeAlerts.Alert("1"), clock.GetUtcNow(), ["chat"])]);
        int armed = clock.Timers;
        await dispatcher.UseAsync([new AlertRoute(chat, RuleLevel.Informational, Retry)]);
        Assert.Equal("1", await chat.NextAsync());
        await UntilAsync(() => clock.Timers > armed);

        clock.Leap(TimeSpan.FromHours(hours));
        _time.Advance(Retry.Longest);
        // Told, or it waits once more.
        await UntilAsync(() => chat.WasToldMore || clock.Timers > armed + 1);

        Assert.True(chat.WasToldMore);
        Assert.Empty(store.DeadLetters(10));
    }

    [Fact]
    public async Task An_attempt_that_is_cut_short_at_the_end_is_made_again()
    {
        var started = new TaskCompletionSource();
        var chat = new ScriptedSink("chat").Then(async cancellation =>
        {
            started.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            return DeliveryResult.Told;
        });
        await UseAsync(chat);
        Raise("1");
        await started.Task;

        Task end = _dispatcher.DisposeAsync().AsTask();
        while (!end.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal(["1"], _store.NextDue("chat", 10).Select(d => d.AlertId));
        Assert.Equal(0, _store.NextDue("chat", 10)[0].Attempts);
    }

    Task UseAsync(params ScriptedSink[] sinks) => _dispatcher.UseAsync([.. sinks.Select(s => new AlertRoute(s, RuleLevel.Informational, Retry))]);

    void Raise(params string[] ids)
    {
        _store.AddAlerts([.. ids.Select(id => SomeAlerts.Alert(id)).Select(a => SomeAlerts.Stored(a, _time.GetUtcNow(), [.. _dispatcher.SinksFor(a)]))]);
        _dispatcher.Wake();
    }

    /// <summary>Moves the clock until the sink is told something: when the loop arms its wait is not ours to know.</summary>
    async Task<string> NextAfterWaitingAsync(ScriptedSink sink)
    {
        await UntilAsync(() => sink.WasToldMore, advance: true);
        return await sink.NextAsync();
    }

    async Task UntilAsync(Func<bool> isSo, bool advance = false)
    {
        while (!isSo())
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            if (advance) _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
    }

    sealed class LoggerOf(ILogger logger) : ILogger<AlertDispatcher>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            logger.Log(logLevel, eventId, state, exception, formatter);
    }
}
