using System.Text;
using SysmonWatch.Tests.Shared;

namespace Serilog.Sinks.Journald.Tests;

public sealed class JournalClientTests : IDisposable
{
    const int AllSeals = 1 | 2 | 4 | 8;

    static readonly TimeSpan LongerThanAnyTest = TimeSpan.FromSeconds(60);

    readonly FakeJournal _journal = new();
    readonly JournalClient _client;

    public JournalClientTests() => _client = new JournalClient(new() { SocketPath = _journal.SocketPath, Wait = LongerThanAnyTest });

    public void Dispose()
    {
        _client.Dispose();
        _journal.Dispose();
    }

    [Fact]
    public void Sends_a_short_entry_as_one_datagram()
    {
        using JournalEntry entry = Entry("hello");

        JournalSendResult result = _client.TrySend(entry);

        Assert.Equal(new JournalSendResult(JournalSendStatus.Sent), result);
        ReceivedEntry received = _journal.Receive();
        Assert.Null(received.Seals);
        Assert.Equal("MESSAGE=hello\n", Encoding.UTF8.GetString(received.Bytes));
    }

    [Fact]
    public void Sends_an_entry_that_is_too_long_for_a_datagram_as_a_sealed_file()
    {
        string longText = string.Concat(Enumerable.Repeat("0123456789", 2_000_000));
        using JournalEntry entry = Entry(longText);

        JournalSendResult result = _client.TrySend(entry);

        Assert.Equal(new JournalSendResult(JournalSendStatus.Sent, ThroughMemory: true), result);
        ReceivedEntry received = _journal.Receive();
        Assert.Equal(AllSeals, received.Seals);
        Assert.Equal(longText, Assert.Single(received["MESSAGE"]));
    }

    [Fact]
    public void Sends_a_megabyte_whole()
    {
        string longText = string.Concat(Enumerable.Repeat("0123456789", 100_000));
        using JournalEntry entry = Entry(longText);

        JournalSendResult result = _client.TrySend(entry);

        // As a datagram or a file: that depends on net.core.wmem_max.
        Assert.True(result.IsSent);
        Assert.Equal(longText, Assert.Single(_journal.Receive()["MESSAGE"]));
    }

    [Fact]
    public void Finds_the_journal_again_after_it_was_restarted()
    {
        using JournalEntry first = Entry("first");
        using JournalEntry second = Entry("second");
        _client.TrySend(first);

        _journal.Restart();
        JournalSendResult result = _client.TrySend(second);

        Assert.Equal(new JournalSendResult(JournalSendStatus.Sent, Reconnected: true), result);
        Assert.Equal(["second"], _journal.Receive()["MESSAGE"]);
    }

    [Fact]
    public void Says_that_nobody_listens_and_sends_again_once_somebody_does()
    {
        using JournalEntry entry = Entry("hello");
        _client.TrySend(entry);

        _journal.Stop();
        JournalSendResult stopped = _client.TrySend(entry);
        JournalSendResult stillStopped = _client.TrySend(entry);
        _journal.Start();
        JournalSendResult started = _client.TrySend(entry);

        Assert.Equal(JournalSendStatus.NoJournal, stopped.Status);
        Assert.True(stopped.MayRetry);
        Assert.Equal("journald is not listening (No such file or directory)", stillStopped.ToString());
        Assert.Equal(new JournalSendResult(JournalSendStatus.Sent, Reconnected: true), started);
    }

    [Fact]
    public void Says_that_the_queue_is_full_instead_of_waiting_for_ever()
    {
        using JournalEntry entry = Entry("hello");

        int sent = FillQueue(entry);
        JournalSendResult result = _client.TrySend(entry, TimeSpan.FromMilliseconds(20));

        Assert.Equal(JournalSendStatus.Busy, result.Status);
        Assert.True(result.MayRetry);
        for (int i = 0; i < sent; i++) Assert.Equal(["hello"], _journal.Receive()["MESSAGE"]);
        Assert.False(_journal.HasMore);
    }

    [Fact]
    public async Task Waits_for_room_in_the_queue()
    {
        using JournalEntry entry = Entry("hello");
        using JournalEntry last = Entry("last");
        int sent = FillQueue(entry);

        Task<JournalSendResult> sending = Task.Run(() => _client.TrySend(last), TestContext.Current.CancellationToken);
        for (int i = 0; i < sent; i++) _journal.Receive();

        Assert.True((await sending).IsSent);
        Assert.Equal(["last"], _journal.Receive()["MESSAGE"]);
    }

    [Fact]
    public async Task Goes_to_the_new_journal_when_the_full_one_ends_while_it_waits()
    {
        using JournalEntry entry = Entry("hello");
        using JournalEntry last = Entry("last");
        FillQueue(entry);

        Task<JournalSendResult> sending = Task.Run(() => _client.TrySend(last), TestContext.Current.CancellationToken);
        _journal.Restart();

        Assert.Equal(new JournalSendResult(JournalSendStatus.Sent, Reconnected: true), await sending);
        Assert.Equal(["last"], _journal.Receive()["MESSAGE"]);
    }

    [Fact]
    public void Sends_no_entry_that_journald_would_drop_silently()
    {
        using JournalEntry empty = new();
        using JournalEntry tooLarge = new();
        for (int i = 0; i <= JournalEntry.MaxFields; i++) tooLarge.Add("A", i);

        Assert.Equal(JournalSendStatus.Empty, _client.TrySend(empty).Status);
        Assert.Equal(JournalSendStatus.TooLarge, _client.TrySend(tooLarge).Status);
        Assert.False(_journal.HasMore);
    }

    [Fact]
    public void Says_that_the_path_is_too_long()
    {
        using JournalClient client = new(new() { SocketPath = "/" + new string('x', 200) });
        using JournalEntry entry = Entry("hello");

        Assert.Equal("the journal could not be written (File name too long)", client.TrySend(entry).ToString());
    }

    [Fact]
    public void Says_that_it_was_closed()
    {
        using JournalEntry entry = Entry("hello");
        _client.TrySend(entry);

        _client.Dispose();

        Assert.Equal(JournalSendStatus.Disposed, _client.TrySend(entry).Status);
    }

    [Fact]
    public void Sends_from_many_threads_through_restarts_without_mixing_entries()
    {
        const int Threads = 4, Each = 200;
        List<string> received = [];
        Thread[] senders = [.. Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            for (int i = 0; i < Each; i++)
            {
                using JournalEntry entry = Entry($"{number}-{i}");
                JournalSendResult result = _client.TrySend(entry);

                // Two restarts in one entry's time are more than it follows; then it says so, and trying again is the caller's.
                if (result.Status == JournalSendStatus.NoJournal) i--;
            }
        }))];

        foreach (Thread sender in senders) sender.Start();
        while (senders.Any(sender => sender.IsAlive) || _journal.HasMore)
        {
            if (!_journal.MayHaveMore()) continue;
            received.Add(Assert.Single(_journal.Receive()["MESSAGE"]));
            if (received.Count % 100 == 50) received.AddRange(_journal.RestartWithoutLoss().Select(entry => Assert.Single(entry["MESSAGE"])));
        }

        IEnumerable<string> sent = Enumerable.Range(0, Threads).SelectMany(number => Enumerable.Range(0, Each).Select(i => $"{number}-{i}"));
        Assert.Equal(sent.Order(StringComparer.Ordinal), received.Order(StringComparer.Ordinal));
    }

    static JournalEntry Entry(string message) => new JournalEntry().Add("MESSAGE", message);

    int FillQueue(JournalEntry entry)
    {
        int sent = 0;
        while (_client.TrySend(entry, TimeSpan.Zero).IsSent) sent++;
        return sent;
    }
}
