using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.Pipeline;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Correlation;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Parsing;

namespace SysmonWatch.Daemon.Tests.Pipeline;

public sealed class AlertStageTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("alert-stage-").FullName;
    readonly FakeTimeProvider _time = new();
    readonly List<string> _calls = [];

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task An_alert_is_in_the_store_before_the_position_behind_its_line_and_nobody_is_woken_before_it_is()
    {
        await RunAsync([Deletion()], withCheckpoint: true);

        Assert.Equal(["alerts 1", "woken", "position 7"], _calls);
    }

    [Fact]
    public async Task A_batch_without_a_checkpoint_moves_no_position()
    {
        await RunAsync([Deletion()], withCheckpoint: false);

        Assert.Equal(["alerts 1", "woken"], _calls);
    }

    static string Deletion() => SeedLog.Lines().First(line => line.Contains("/sbin/reboot", StringComparison.Ordinal) && line.Contains("<EventID>23<", StringComparison.Ordinal));

    async Task RunAsync(string[] lines, bool withCheckpoint)
    {
        string rule = Path.Combine(_directory, "rule.yml");
        File.WriteAllText(rule, "title: Deleted\nlogsource: {product: linux, category: file_delete}\ndetection:\n  s: {TargetFilename: /sbin/reboot}\n  condition: s\n");
        CompiledRules rules = CompiledRules.Compile(RuleLoader.Load([rule]), new RuleOptions());
        var counters = new DetectionCounters();
        var item = new WorkItem { Rules = rules };
        using RecordReader reader = RecordReader.Open(new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n")));
        Assert.True(reader.TryRead(item.Batch.Records));
        new BatchDecoder(new SequenceWatch(), new ProcessTree(), new ArrivalClock(TimeSpan.FromMinutes(5)), counters).Decode(item.Batch);
        new BatchMatcher(rules).Match(item.Batch);
        if (withCheckpoint) item.Checkpoint = new ReaderCheckpoint(new Dictionary<string, byte[]> { ["files"] = [7] }, [], [], []);
        item.CompleteMatching();

        var batches = Channel.CreateBounded<WorkItem>(1);
        Assert.True(batches.Writer.TryWrite(item));
        batches.Writer.Complete();
        using var pool = new WorkItemPool(1);
        await pool.RentAsync(TestContext.Current.CancellationToken);
        using StageProgress progress = new Watchdog().Register("alerts");
        var store = new NotingStore(_calls);
        var outbox = new AlertOutbox(store, new NotingRoutes(_calls), new RunSettings(null, null, null), _time, NullLogger<AlertOutbox>.Instance);
        var raiser = new AlertRaiser(rules, new Suppression(TimeSpan.FromMinutes(10)), new CorrelationLimits(), counters);
        await new AlertStage(
            batches.Reader, pool, raiser, outbox, store, new CheckpointSchedule(TimeSpan.FromSeconds(5), _time), progress, new Counters(), _time, NullLogger<AlertStage>.Instance).RunAsync();
    }

    /// <summary>A store that notes what it is asked to do, in order.</summary>
    sealed class NotingStore(List<string> calls) : IAlertStore
    {
        public AddResult AddAlerts(IReadOnlyList<StoredAlert> alerts)
        {
            calls.Add($"alerts {alerts.Count}");
            return new AddResult([.. alerts.Select(alert => alert.AlertId)], null, 0);
        }

        public void ReplaceAlert(string alertId, byte[] json) => calls.Add("replaced");

        public StoreFailure? Commit(Checkpoint checkpoint)
        {
            calls.Add($"position {checkpoint.Positions["files"][0]}");
            return null;
        }
    }

    sealed class NotingRoutes(List<string> calls) : IAlertRoutes
    {
        public IReadOnlyList<string> SinksFor(Alert alert) => ["journal"];

        public void Wake() => calls.Add("woken");
    }
}
