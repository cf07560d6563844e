using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Tests.Commands;
using SysmonWatch.Daemon.Tests.Operations;

namespace SysmonWatch.Daemon.Tests.Pipeline;

public sealed class PipelineTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("pipeline-").FullName;

    string Log => Path.Combine(_directory, "syslog");

    SysmonWatchOptions Options => RunningDaemon.Options(_directory);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Raises_and_tells_what_replay_finds()
    {
        Write(SeedLog.Lines());
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(Options);

        string[] raised = await daemon.NextIdsAsync(3);
        string[] told = [await daemon.Sink.NextAsync(), await daemon.Sink.NextAsync(), await daemon.Sink.NextAsync()];

        Assert.Equal(Replayed.Of(Log).Ids, raised);
        Assert.Equal(raised, told.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Finds_after_the_start_what_was_written_while_it_was_stopped_and_tells_nothing_twice()
    {
        string[] lines = SeedLog.Lines();
        int half = Array.FindIndex(lines, line => line.Contains("/sbin/halt", StringComparison.Ordinal));
        var raised = new List<string>();
        Write(lines[..half]);
        await using (RunningDaemon first = await RunningDaemon.StartAsync(Options))
        {
            raised.Add((await first.NextAsync()).AlertId);
            Assert.Equal(raised[0], await first.Sink.NextAsync());
        }
        File.Move(Log, Log + ".1");
        Write(lines[half..]);

        await using RunningDaemon second = await RunningDaemon.StartAsync(Options);
        raised.AddRange(await second.NextIdsAsync(2));
        await second.Sink.NextAsync();
        await second.Sink.NextAsync();
        await second.StopAsync();

        Assert.Equal(Replayed.Of(Log + ".1", Log).Ids, raised.Order(StringComparer.Ordinal));
        Assert.False(second.HasRaisedMore);
        Assert.False(second.Sink.WasToldMore);
        Assert.Equal(0, second.Store.Status().Pending.GetValueOrDefault("sink"));
    }

    [Fact]
    public async Task Our_own_connections_and_files_raise_nothing()
    {
        string deletion = SeedLog.Lines(Dns.GetHostName()).First(line => line.Contains("<EventID>23<", StringComparison.Ordinal) && line.Contains("/sbin/reboot", StringComparison.Ordinal));
        string ours = Set(Set(deletion, "ProcessId", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)), "Image", Environment.ProcessPath!);
        string theirs = Set(deletion, "Image", Environment.ProcessPath!).Replace("<EventRecordID>", "<EventRecordID>7", StringComparison.Ordinal);
        Write([ours, theirs]);

        await using RunningDaemon daemon = await RunningDaemon.StartAsync(Options);

        // The same program as another process is not us.
        Assert.Equal([ulong.Parse("7" + Between(deletion, "<EventRecordID>", "<"), CultureInfo.InvariantCulture)], (await daemon.NextAsync()).RecordIds);
        Assert.Equal(1, daemon.Pipeline.Detection.Own);
        Assert.Equal(1, daemon.Pipeline.Detection.Findings);
    }

    [Fact]
    public async Task A_reload_that_fails_keeps_the_old_rules_and_a_good_one_swaps_them()
    {
        string rules = Path.Combine(_directory, "rules"), config = Path.Combine(_directory, "sysmonwatch.yaml");
        Directory.CreateDirectory(rules);
        string shown = Path.Combine(rules, "deletion.yml");
        File.WriteAllText(shown, Rule("old"));
        Configure(config, rules, "journal: no");
        Write([]);
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(Options with { Rules = new RulesOptions { Paths = [rules], PathsAreDefault = false } }, config);
        string[] deletions = [.. SeedLog.Lines().Where(line => line.Contains("/sbin/reboot", StringComparison.Ordinal))];
        string one = Assert.Single(deletions);

        Write([one]);
        Assert.Equal("old", (await daemon.NextAsync()).RuleTitle);

        Configure(config, rules, "jurnal: no");
        Assert.False(daemon.Reloading.Reload());
        Assert.Matches("^RELOAD REFUSED at .*Z, the old configuration and rules are still used: .*sysmonwatch.yaml:[0-9]+:[0-9]+: error: unknown key 'jurnal'", daemon.StatusLine);
        Configure(config, rules, "journal: no");
        File.WriteAllText(shown, Rule("broken").Replace("condition", "conditio", StringComparison.Ordinal));
        Assert.False(daemon.Reloading.Reload());
        Write([Numbered(one, 2).Replace("web-a01", "web-a02", StringComparison.Ordinal)]);
        Assert.Equal("old", (await daemon.NextAsync()).RuleTitle);

        File.WriteAllText(shown, Rule("new"));
        Assert.StartsWith("RELOAD REFUSED", daemon.StatusLine, StringComparison.Ordinal);
        Assert.True(daemon.Reloading.Reload());
        Assert.DoesNotContain("RELOAD", daemon.StatusLine, StringComparison.Ordinal);
        Write([Numbered(one, 3).Replace("web-a01", "web-a03", StringComparison.Ordinal)]);
        // The reader may be at a batch that it began with the old rules; the one after it has the new ones.
        Write([Numbered(one, 4).Replace("web-a01", "web-a04", StringComparison.Ordinal)]);
        await daemon.NextAsync();
        Assert.Equal("new", (await daemon.NextAsync()).RuleTitle);
    }

    [Fact]
    public async Task Shows_what_it_counts_as_metrics()
    {
        Write(SeedLog.Lines());
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(Options);
        await daemon.NextAsync();
        daemon.Counters.Loss("Sysmon events", "a test").Add(2);

        string[] metrics = Metrics.Of(daemon.Counters);
        Instrument[] instruments = Metrics.InstrumentsOf(daemon.Counters);

        // What OpenTelemetry's and Prometheus' rules for names allow, and a description for whoever meets one.
        Assert.All(instruments, i => Assert.Matches("^sysmonwatch(\\.[a-z]+)+$", i.Name));
        Assert.All(instruments, i => Assert.EndsWith(".", i.Description, StringComparison.Ordinal));
        Assert.Contains("sysmonwatch.losses{kind=Sysmon events,reason=a test} 2", metrics);
        Assert.Contains(metrics, metric => metric.StartsWith("sysmonwatch.unevaluated{reason=not_sysmon} ", StringComparison.Ordinal));
        Assert.Contains($"sysmonwatch.deliveries{{sink=sink,outcome=given_up}} 0", metrics);
        Assert.Contains(metrics, metric => metric.StartsWith("sysmonwatch.events ", StringComparison.Ordinal) && !metric.EndsWith(" 0", StringComparison.Ordinal));
        Assert.Contains(metrics, metric => metric.StartsWith("sysmonwatch.records ", StringComparison.Ordinal) && !metric.EndsWith(" 0", StringComparison.Ordinal));
        Assert.Contains(metrics, metric => metric.StartsWith("sysmonwatch.alerts ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reloads_while_lines_flow_lose_none()
    {
        const int Lines = 600;
        string rules = Path.Combine(_directory, "rules"), config = Path.Combine(_directory, "sysmonwatch.yaml");
        Directory.CreateDirectory(rules);
        File.WriteAllText(Path.Combine(rules, "deletion.yml"), Rule("deletion"));
        Write([]);
        Configure(config, rules, "journal: no");
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(
            Options with { Rules = new RulesOptions { Paths = [rules], PathsAreDefault = false }, Alerts = new AlertsOptions { SuppressionPeriod = TimeSpan.Zero } }, config);
        string one = SeedLog.Lines().Single(line => line.Contains("/sbin/reboot", StringComparison.Ordinal));

        var writing = Task.Run(
            () =>
            {
                for (int i = 1; i <= Lines; i++) Write([Numbered(one, i)]);
            },
            TestContext.Current.CancellationToken);
        var start = (string[])["end", "beginning"];
        int reloads = 0;
        // Another start is another input: the source itself is replaced too, at the place where the old one is.
        while (!writing.IsCompleted || reloads < 10)
        {
            Configure(config, rules, $"start: {start[reloads++ % 2]}");
            Assert.True(daemon.Reloading.Reload());
        }
        await writing;

        var records = new List<ulong>();
        while (records.Count < Lines) records.AddRange((await daemon.NextAsync()).RecordIds);
        Assert.Equal(Enumerable.Range(1, Lines).Select(n => (ulong)n), records);
    }

    [Fact]
    public async Task A_daemon_that_has_nothing_new_writes_no_checkpoint()
    {
        Write(SeedLog.Lines());
        await using (RunningDaemon daemon = await RunningDaemon.StartAsync(Options)) await daemon.NextIdsAsync(3);

        await using RunningDaemon again = await RunningDaemon.StartAsync(Options);
        byte[] before = again.Store.Restore().Positions["files"];
        await again.StopAsync();

        Assert.Equal(before, again.Store.Restore().Positions["files"]);
        Assert.False(again.HasRaisedMore);
        Assert.Equal(0, again.Pipeline.Detection.Events);
    }

    static string Rule(string title) => $$"""
        title: {{title}}
        id: {{(title == "new" ? 4 : 3)}}3333333-3333-4333-8333-333333333333
        logsource:
          product: linux
          category: file_delete
        detection:
          reboot:
            TargetFilename: /sbin/reboot
          condition: reboot
        level: high

        """;

    void Configure(string file, string rules, string input)
    {
        File.WriteAllText(file, $"input:\n  files: [{Log}]\n  {input}\nrules:\n  paths: [{rules}]\nstate:\n  directory: {Path.Combine(_directory, "state")}\n");
    }

    void Write(string[] lines) => File.AppendAllLines(Log, lines);

    static string Numbered(string line, int number) => Set(line, null, number.ToString(CultureInfo.InvariantCulture));

    /// <summary>The line with another value of a field; without a name, of its EventRecordID.</summary>
    static string Set(string line, string? field, string value)
    {
        string before = field is null ? "<EventRecordID>" : $"<Data Name=\"{field}\">";
        return line.Replace(before + Between(line, before, "<") + "<", before + value + "<", StringComparison.Ordinal);
    }

    static string Between(string line, string before, string after)
    {
        int from = line.IndexOf(before, StringComparison.Ordinal) + before.Length;
        return line[from..line.IndexOf(after, from, StringComparison.Ordinal)];
    }
}
