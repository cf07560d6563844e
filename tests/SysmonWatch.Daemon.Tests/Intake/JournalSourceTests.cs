using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Journal;
using SysmonWatch.Daemon.Intake.Sources;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Tests.Intake;

public sealed class JournalSourceTests : IDisposable
{
    readonly IntakeCounters _counters = new();
    // Ticks only when it is told to.
    readonly SharedTimer _timer = new(TimeSpan.FromDays(1), NullLogger.Instance);

    public void Dispose() => _timer.Dispose();

    [Fact]
    public async Task Reads_whole_messages_byte_for_byte_and_only_those_of_sysmon()
    {
        await using PrivateJournal journal = await PrivateJournal.StartAsync();
        byte[] odd = [.. "<Event>"u8, 0, 10, 0xFF, 0xC3, .. "</Event>"u8];
        string large = new('x', 65_535);
        await using JournalSource source = Open(journal, StartAt.Beginning);

        journal.Write("someone else"u8, "not-sysmon");
        journal.Write(odd, "sysmon");
        journal.Write(large, "last");
        List<(byte[] Text, RecordOrigin Origin)> read = await ReadAsync(source, until: "last");

        Assert.Equal([odd, Encoding.UTF8.GetBytes(large), "last"u8.ToArray()], read.Select(r => r.Text));
        Assert.All(read, r => Assert.Equal(RecordOrigin.JournalOfAnother, r.Origin));
    }

    [Fact]
    public async Task Believes_what_the_program_sysmon_says_as_root_through_syslog()
    {
        await using PrivateJournal journal = await PrivateJournal.StartAsync();
        string sysmon = Path.Combine(journal.Files, "sysmon");
        File.Copy("/usr/bin/logger", sysmon);
        string lines = Path.Combine(journal.Files, "lines");
        File.WriteAllLines(lines, Enumerable.Range(0, 2_000).Select(i => $"<Event>{i}</Event>"));
        await using JournalSource source = Open(journal, StartAt.Beginning);

        PrivateJournal.Run(sysmon, "-t", "sysmon", "-u", journal.SyslogSocket, "-f", lines);
        List<(byte[] Text, RecordOrigin Origin)> read = await ReadAsync(source, until: "<Event>1999</Event>");

        Assert.Equal(2_000, read.Count);
        // journald asks /proc who it was, and the program may have ended by then.
        Assert.Contains(read, r => r.Origin == RecordOrigin.JournalOfSysmon);
        Assert.All(read, r => Assert.NotEqual(RecordOrigin.JournalOfAnother, r.Origin));
    }

    [Fact]
    public async Task Nobody_becomes_sysmon_by_writing_its_fields_and_the_first_of_two_messages_counts()
    {
        await using PrivateJournal journal = await PrivateJournal.StartAsync();
        await using JournalSource source = Open(journal, StartAt.Beginning);

        journal.WriteEntry("SYSLOG_IDENTIFIER=sysmon\nMESSAGE=first\n_EXE=/opt/sysmon/sysmon\n_TRANSPORT=syslog\n_UID=0\nMESSAGE=second\n"u8);
        journal.Write("last");
        List<(byte[] Text, RecordOrigin Origin)> read = await ReadAsync(source, until: "last");

        Assert.Equal(["first", "last"], Texts(read));
        Assert.Equal(RecordOrigin.JournalOfAnother, read[0].Origin);
    }

    [Fact]
    public async Task Starts_behind_what_is_there_and_says_so_at_once()
    {
        await using PrivateJournal journal = await PrivateJournal.StartAsync();
        await WriteAsync(journal, "old");
        byte[] position;
        await using (JournalSource first = Open(journal, StartAt.End))
        {
            var batch = new RecordBatch();
            Assert.True(await first.ReadAsync(batch, Soon()));
            Assert.Empty(batch.Records);
            position = first.Position();
        }
        journal.Write("new", "last");

        await using JournalSource second = Open(journal, StartAt.End, position);

        Assert.Equal(["new", "last"], Texts(await ReadAsync(second, until: "last")));
    }

    [Fact]
    public async Task Starts_before_the_first_entry_where_there_was_none_at_the_first_start()
    {
        await using PrivateJournal journal = await PrivateJournal.StartAsync();
        byte[] position;
        await using (JournalSource first = Open(journal, StartAt.End))
        {
            await first.ReadAsync(new RecordBatch(), Soon());
            position = first.Position();
        }
        journal.Write("first of all", "last");

        await using JournalSource second = Open(journal, StartAt.End, position);

        Assert.Equal(["first of all", "last"], Texts(await ReadAsync(second, until: "last")));
    }

    [Fact]
    public async Task Goes_on_after_rotations_restarts_of_journald_and_its_own()
    {
        await using PrivateJournal journal = await PrivateJournal.StartAsync();
        var read = new List<string>();
        byte[] position = [];
        for (int round = 0; round < 4; round++)
        {
            string last = $"last {round}";
            await using JournalSource source = Open(journal, StartAt.Beginning, position);
            journal.Write(Enumerable.Range(0, 300).Select(i => $"{round}.{i}"));
            if (round == 1) journal.Rotate();
            if (round == 2)
            {
                await ReadAsync(source, until: "2.299", read);
                await journal.KillAsync();
                await journal.RunAsync();
            }
            journal.Write(last);
            await ReadAsync(source, until: last, read);
            position = source.Position();
        }

        IEnumerable<string> expected = Enumerable.Range(0, 4).SelectMany(round => Enumerable.Range(0, 300).Select(i => $"{round}.{i}").Append($"last {round}"));
        Assert.Equal(expected, read);
        Assert.Equal(0, _counters.Lost);
    }

    [Fact]
    public async Task Goes_on_over_a_boot()
    {
        await using PrivateJournal journal = await PrivateJournal.StartAsync();
        var read = new List<string>();
        byte[] position;
        await using (JournalSource before = Open(journal, StartAt.Beginning))
        {
            journal.Write("first", "second");
            await ReadAsync(before, until: "second", read);
            position = before.Position();
        }
        await WriteAsync(journal, "not read before the boot");
        await journal.KillAsync();
        await journal.RunAsync(bootId: "01234567-89ab-4def-8123-456789abcdef\n");
        await WriteAsync(journal, "after the boot", "last");

        await using JournalSource after = Open(journal, StartAt.Beginning, position);
        await ReadAsync(after, until: "last", read);

        Assert.Equal(["first", "second", "not read before the boot", "after the boot", "last"], read);
        Assert.Equal(0, _counters.Lost);
        Assert.Equal(2, journal.Boots);
    }

    [Fact]
    public async Task Says_that_its_position_is_gone_and_goes_on_with_what_is_left()
    {
        await using PrivateJournal journal = await PrivateJournal.StartAsync();
        byte[] position;
        await using (JournalSource first = Open(journal, StartAt.Beginning))
        {
            journal.Write("read");
            await ReadAsync(first, until: "read");
            position = first.Position();
        }
        await journal.KillAsync();
        foreach (string file in Directory.GetFiles(journal.Files, "*.journal", SearchOption.AllDirectories)) File.Delete(file);
        await journal.RunAsync();
        await WriteAsync(journal, "left", "last");

        await using JournalSource second = Open(journal, StartAt.End, position);

        Assert.Equal(["left", "last"], Texts(await ReadAsync(second, until: "last")));
        Assert.Equal(1, _counters.Lost);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Every_entry_comes_once_where_reading_fails_in_between(int number)
    {
        var journal = new ToyJournal();
        await using var source = new JournalSource(StartAt.Beginning, TimeProvider.System, NullLogger.Instance, _counters, _timer, journal);
        journal.Write(1, "1", "2", "3", "4", "5");
        journal.FailOnceAt(number);

        Task<List<(byte[] Text, RecordOrigin Origin)>> reading = ReadAsync(source, until: "5");
        // Where nothing was read before it failed, it is tried again by the clock.
        while (!reading.IsCompleted)
        {
            _timer.TickNow();
            await Task.Yield();
        }
        List<(byte[] Text, RecordOrigin Origin)> read = await reading;

        Assert.Equal(["1", "2", "3", "4", "5"], Texts(read));
        Assert.Equal(0, _counters.Lost);
    }

    [Fact]
    public async Task Reads_from_a_time_back()
    {
        await using PrivateJournal journal = await PrivateJournal.StartAsync();
        await using JournalSource source = Open(journal, new StartAt(TimeSpan.FromHours(1)));

        journal.Write("an hour back", "last");

        Assert.Equal(["an hour back", "last"], Texts(await ReadAsync(source, until: "last")));
    }

    [Fact]
    public void Names_the_fix_where_there_is_no_journal()
    {
        string empty = Directory.CreateTempSubdirectory("sysmonwatch-no-journal-").FullName;

        JournalAccess access = JournalAccess.Check(empty);

        Assert.False(access.IsReadable);
        Assert.Equal("journald keeps no journal here", access.Problem);
        Assert.Equal("start systemd-journald without Storage=none, or name a syslog file as input", access.Fix);
        Directory.Delete(empty);
    }

    [Fact]
    public async Task Says_whether_the_journal_has_entries_of_sysmons()
    {
        await using PrivateJournal journal = await PrivateJournal.StartAsync();
        await using JournalSource source = Open(journal, StartAt.Beginning);

        Assert.False(JournalAccess.Check(journal.Files).HasSysmon);
        await WriteAsync(journal, "there");
        Assert.True(JournalAccess.Check(journal.Files).HasSysmon);
    }

    JournalSource Open(PrivateJournal journal, StartAt startAt, byte[]? position = null)
    {
        var source = new JournalSource(startAt, TimeProvider.System, NullLogger.Instance, _counters, _timer, new SystemJournal(journal.Files));
        source.Restore(position ?? []);
        return source;
    }

    /// <summary>Writes, and waits until it is in the journal.</summary>
    async Task WriteAsync(PrivateJournal journal, params string[] messages)
    {
        journal.Write(messages);
        await using JournalSource source = Open(journal, StartAt.Beginning);
        await ReadAsync(source, until: messages[^1]);
    }

    static CancellationToken Soon() => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;

    static IEnumerable<string> Texts(List<(byte[] Text, RecordOrigin Origin)> read) => read.Select(r => Encoding.UTF8.GetString(r.Text));

    static async Task<List<(byte[] Text, RecordOrigin Origin)>> ReadAsync(JournalSource source, string until, List<string>? texts = null)
    {
        var read = new List<(byte[] Text, RecordOrigin Origin)>();
        var batch = new RecordBatch();
        CancellationToken stop = Soon();
        while (read.Count == 0 || Encoding.UTF8.GetString(read[^1].Text) != until)
        {
            Assert.True(await source.ReadAsync(batch, stop));
            foreach (LogRecord record in batch.Records)
            {
                byte[] text = batch.Buffer.AsSpan(record.Text.Start, record.Text.Length).ToArray();
                read.Add((text, record.Origin));
                texts?.Add(Encoding.UTF8.GetString(text));
            }
        }
        return read;
    }
}
