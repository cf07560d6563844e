using System.Globalization;
using System.Net;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Tests.Commands;
using SysmonWatch.Daemon.Tests.Intake;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>Files and the journal as inputs of one daemon, with the attack of <see cref="SeedLog"/> in one of them, or in both.</summary>
public sealed class FilesAndJournalTests : IDisposable
{
    static readonly string Here = Dns.GetHostName();

    readonly string _directory = Directory.CreateTempSubdirectory("both-").FullName;
    readonly ToyJournal _journal = new();

    string Log => Path.Combine(_directory, "syslog");

    SysmonWatchOptions Options => RunningDaemon.Options(_directory) with
    {
        Input = new InputOptions { Files = [Log], Journal = JournalInput.Yes, Start = StartFrom.Beginning },
    };

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Takes_from_the_journal_what_is_in_both_and_counts_the_lines_as_covered()
    {
        string[] lines = SeedLog.Lines(Here);
        WriteJournal(lines);
        WriteFile(lines);
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(Options, journal: _journal);

        string[] raised = await daemon.NextIdsAsync(3);
        // The last line of the file comes after all others: with its alert everything has been read.
        WriteFile([Deletion("elsewhere")]);
        Alert last = await daemon.NextAsync();

        Assert.Equal(Replayed.Of(Log).Ids, raised.Append(last.AlertId).Order(StringComparer.Ordinal).ToArray());
        Assert.Equal("elsewhere", last.Computer);
        Assert.Equal(EventsIn(lines) + 1, daemon.Pipeline.Detection.Events);
        Assert.True(daemon.Pipeline.Detection.Covered > 0);
        Assert.Equal(EventsIn(lines), daemon.Pipeline.Detection.Covered + daemon.Pipeline.Detection.Copies);
        Assert.Equal($"journal and {Log}", daemon.Pipeline.Source!.Status);
    }

    [Fact]
    public async Task Takes_from_the_files_what_other_hosts_say()
    {
        WriteJournal(SeedLog.Lines(Here));
        WriteFile(SeedLog.Lines("elsewhere"));
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(Options, journal: _journal);

        var computers = new List<string>();
        for (int i = 0; i < 6; i++) computers.Add((await daemon.NextAsync()).Computer);

        Assert.Equal(3, computers.Count(c => c == Here));
        Assert.Equal(3, computers.Count(c => c == "elsewhere"));
        Assert.Equal(0, daemon.Pipeline.Detection.Covered);
    }

    [Fact]
    public async Task Takes_from_the_files_what_the_journal_did_not_give_before_it_failed()
    {
        string[] lines = SeedLog.Lines(Here);
        int half = Array.FindIndex(lines, line => line.Contains("/sbin/halt", StringComparison.Ordinal));
        WriteJournal(lines[..half]);
        WriteFile([]);
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(Options, journal: _journal);
        var raised = new List<string> { (await daemon.NextAsync()).AlertId };

        // The file has all of it; the journal, which covers this host, fails before it has the rest.
        WriteFile([.. lines, Deletion("elsewhere")]);
        raised.Add((await daemon.NextAsync()).AlertId);
        Assert.NotEqual(0, daemon.Pipeline.Detection.Covered);
        _journal.Problem = "the disk is broken";
        raised.AddRange(await daemon.NextIdsAsync(2));

        Assert.Equal(Replayed.Of(Log).Ids, raised.Order(StringComparer.Ordinal).ToArray());
        Assert.Equal(EventsIn(lines) + 1, daemon.Pipeline.Detection.Events);
    }

    [Fact]
    public async Task Takes_over_from_the_files_again_once_the_journal_can_be_read()
    {
        string[] lines = SeedLog.Lines(Here);
        _journal.Problem = "no right to read it";
        WriteFile(lines);
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(Options, journal: _journal);
        string[] raised = await daemon.NextIdsAsync(3);

        // It has the same and one event more; all that it has in common with the file are copies.
        WriteJournal([.. lines, Deletion(Here, hour: 5, number: 9999)]);
        _journal.Problem = "";
        Task<Alert> next = daemon.NextAsync().AsTask();
        // Whenever it begins to wait: a look by the clock tries the journal again.
        while (!next.IsCompleted)
        {
            daemon.TickNow();
            await Task.Yield();
        }
        Alert last = await next;

        Assert.Equal(Replayed.Of(Log).Ids, raised);
        Assert.Equal([9999ul], last.RecordIds);
        Assert.Equal(EventsIn(lines), daemon.Pipeline.Detection.Copies);
    }

    [Fact]
    public async Task Finds_each_event_once_over_restarts_whatever_each_of_the_two_had_by_then()
    {
        string[] lines = SeedLog.Lines(Here);
        var raised = new List<string>();
        int half = Array.FindIndex(lines, line => line.Contains("/sbin/halt", StringComparison.Ordinal));
        WriteJournal(lines[..half]);
        WriteFile(lines[..(half / 2)]);
        await using (RunningDaemon first = await RunningDaemon.StartAsync(Options, journal: _journal)) raised.Add((await first.NextAsync()).AlertId);
        WriteFile(lines[(half / 2)..300]);
        // The journal's last line is told, so that it is known to have been read before the daemon stops.
        WriteJournal([.. lines[half..], Deletion(Here, hour: 5, number: 9999)]);
        await using (RunningDaemon second = await RunningDaemon.StartAsync(Options, journal: _journal))
        {
            raised.AddRange(await second.NextIdsAsync(2));
            Assert.Equal([9999ul], (await second.NextAsync()).RecordIds);
        }
        WriteFile([.. lines[300..], Deletion("elsewhere")]);
        await using RunningDaemon third = await RunningDaemon.StartAsync(Options, journal: _journal);

        Assert.Equal("elsewhere", (await third.NextAsync()).Computer);
        Assert.False(third.HasRaisedMore);
        Assert.Equal(1, third.Pipeline.Detection.Events);
        Assert.Equal(["files", "journal"], third.Store.Restore().Positions.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(3, raised.Distinct().Count());
    }

    [Fact]
    public async Task Forgets_the_position_of_an_input_that_is_not_configured_any_more()
    {
        WriteJournal(SeedLog.Lines(Here));
        WriteFile([]);
        await using (RunningDaemon both = await RunningDaemon.StartAsync(Options, journal: _journal)) await both.NextIdsAsync(3);
        SysmonWatchOptions onlyFiles = Options with { Input = Options.Input with { Journal = JournalInput.No } };
        WriteFile([Deletion("elsewhere")]);
        await using (RunningDaemon files = await RunningDaemon.StartAsync(onlyFiles, journal: _journal)) await files.NextAsync();

        // What was read is known by its id; from a position kept the journal would have nothing.
        await using RunningDaemon again = await RunningDaemon.StartAsync(onlyFiles, journal: _journal);
        Assert.Equal(["files"], again.Store.Restore().Positions.Keys);
    }

    /// <summary>One deletion more.</summary>
    /// <param name="host">Where.</param>
    /// <param name="hour">When; hours after the attack it is not folded into an alert of that.</param>
    /// <param name="number">Its EventRecordID.</param>
    static string Deletion(string host, int hour = 2, int number = 1)
    {
        string line = SeedLog.Lines(host).First(l => l.Contains("<EventID>23<", StringComparison.Ordinal) && l.Contains("/sbin/reboot", StringComparison.Ordinal))
            .Replace("2024-11-24T02", $"2024-11-24T0{hour}", StringComparison.Ordinal);
        int from = line.IndexOf("<EventRecordID>", StringComparison.Ordinal) + "<EventRecordID>".Length;
        return line[..from] + number.ToString(CultureInfo.InvariantCulture) + line[line.IndexOf('<', from)..];
    }

    static int EventsIn(string[] lines) => lines.Count(line => line.Contains(" sysmon: <Event>", StringComparison.Ordinal));

    void WriteFile(string[] lines) => File.AppendAllLines(Log, lines);

    void WriteJournal(string[] lines)
    {
        foreach (string line in lines.Where(l => l.Contains(" sysmon: <Event>", StringComparison.Ordinal)))
        {
            DateTimeOffset time = DateTimeOffset.Parse(line[..line.IndexOf(' ', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
            _journal.Write((time - DateTimeOffset.UnixEpoch).Ticks / 10, line[line.IndexOf("<Event>", StringComparison.Ordinal)..]);
        }
    }
}
