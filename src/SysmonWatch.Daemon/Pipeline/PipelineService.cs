using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Intake.Sources;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Sequence;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>
/// Builds the stages, restores what they knew, runs them from start to stop, and says READY once the input is open and the rules are loaded.
/// </summary>
sealed partial class PipelineService(
    SysmonWatchOptions options,
    StateStore store,
    AlertOutbox outbox,
    SourceFactory sources,
    AlertDispatcher dispatcher,
    RunSettings settings,
    ServiceNotifier notifier,
    Watchdog watchdog,
    Counters counters,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILoggerFactory loggers) : BackgroundService
{
    /// <summary>EX_SOFTWARE of sysexits.h: a bug; systemd starts the service again.</summary>
    const int ExitBug = 70;

    const int MostWorkersByDefault = 4;

    readonly ILogger _logger = loggers.CreateLogger<PipelineService>();
    ReaderStage? _reader;
    InputOptions _input = options.Input;

    /// <summary>What became of everything that was read.</summary>
    public DetectionCounters Detection { get; } = new();

    /// <summary>What is read at the moment; null before the start.</summary>
    public RecordSource? Source => _reader?.Source;

    /// <summary>Takes other rules and another input from the next batch on. From any thread.</summary>
    public void Use(CompiledRules rules, InputOptions input)
    {
        if (_reader is not { } reader) return;
        reader.Rules = rules;
        if (Same(input, _input)) return;
        _input = input;
        reader.SwitchTo(sources.Create(input, reader.Source is { } now ? now.Names : []));
    }

    /// <summary>Says what is wrong with rules.</summary>
    public void Report(IReadOnlyList<RuleProblem> problems)
    {
        foreach (RuleProblem problem in problems)
        {
            if (problem.IsError) LogRuleRefused(_logger, problem.ToString());
            else LogRuleWarning(_logger, problem.ToString());
        }
    }

    /// <summary>Says what is wrong with a configuration.</summary>
    public void Report(IEnumerable<ConfigurationProblem> problems)
    {
        foreach (ConfigurationProblem problem in problems)
        {
            if (problem.IsError) LogConfigurationError(_logger, problem.ToString());
            else LogConfigurationWarning(_logger, problem.ToString());
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        // Reading rules takes a moment, and whoever starts the host waits for the first await.
        await Task.Yield();
        try
        {
            await RunAsync(stop);
        }
        catch (Exception bug)
        {
            LogBug(_logger, bug);
            Environment.ExitCode = ExitBug;
        }
        lifetime.StopApplication();
    }

    async Task RunAsync(CancellationToken stop)
    {
        RuleUpdate rules = RuleUpdate.Read(options.Rules);
        Report(settings.Problems ?? []);
        Report(rules.Problems);
        Report(RulesInUse.UnknownDisabled(settings.ConfigFile, options.Rules, rules.Compiled.Rules));
        if (!settings.TellsNobody) dispatcher.Configure(options);
        Checkpoint restored = store.Restore();

        var decoder = new BatchDecoder(new SequenceWatch(), new ProcessTree(options.Limits.ProcessTreeNodes), new ArrivalClock(options.Alerts.FutureTolerance), Detection)
        {
            Own = Ourselves(),
            Host = Host,
            OnBug = CountBug,
        };
        var raiser = new AlertRaiser(rules.Compiled, new Suppression(options.Alerts.SuppressionPeriod), RulesInUse.Limits(options.Limits), Detection) { OnBug = CountBug };
        Restore(restored, decoder, raiser);

        int workers = options.Limits.DetectionWorkers > 0 ? options.Limits.DetectionWorkers : Math.Min(Environment.ProcessorCount, MostWorkersByDefault);
        int batches = options.Limits.ChannelBatches + workers + 2;
        using var pool = new WorkItemPool(batches, options.Limits.LineLength);
        Channel<WorkItem> toWorkers = Bounded(batches), inOrder = Bounded(batches);
        var schedule = new CheckpointSchedule(options.State.CheckpointEvery, time);

        using StageProgress reading = watchdog.Register("reader"), raising = watchdog.Register("alerts");
        StageProgress[] matching = [.. Enumerable.Range(1, workers).Select(n => watchdog.Register($"worker {n}"))];
        using var reader = new ReaderStage(decoder, pool, toWorkers.Writer, inOrder.Writer, schedule, reading, time)
        {
            Rules = rules.Compiled,
            Saved = restored.Positions.Keys,
        };
        var alerts = new AlertStage(inOrder.Reader, pool, raiser, outbox, store, schedule, raising, counters, time, loggers.CreateLogger<AlertStage>());
        RecordSource source = sources.Create(options.Input, [.. restored.Positions.Keys]);
        source.Restore(restored.Positions);
        _reader = reader;
        void SaveAgain(StoreFailure? failure)
        {
            if (failure is null) reader.SaveAgain();
        }

        store.FailureChanged += SaveAgain;

        Task[] stages =
        [
            alerts.RunAsync(stop),
            .. matching.Select(progress => new DetectionWorker(toWorkers.Reader, progress, CountBug).RunAsync()),
            reader.RunAsync(source, stop),
        ];
        _ = SayReadyAsync(reader, rules);
        await UntilAllEndOrOneFails(stages);
        store.FailureChanged -= SaveAgain;
        foreach (StageProgress progress in matching) progress.Dispose();
        await reader.Source!.DisposeAsync();
    }

    async Task SayReadyAsync(ReaderStage reader, RuleUpdate rules)
    {
        if (!await reader.Opened) return;
        string input = PipelineStatus.Describe(reader.Source);
        notifier.Ready($"reading {input}");
        LogReady(_logger, input, Wording.Count(rules.Compiled.Rules.Rules.Count, "rule"), Wording.Count(rules.Compiled.Rules.Correlations.Count, "correlation"));
    }

    void Restore(Checkpoint restored, BatchDecoder decoder, AlertRaiser raiser)
    {
        Try(AlertStage.TreeSnapshot, state => decoder.Tree.TryRestore(state));
        Try(AlertStage.SequenceSnapshot, state => decoder.Sequence.TryRestore(state, out _));
        Try(AlertStage.CorrelationSnapshot, state => raiser.Correlation.TryRestore(state, out _));
        Try(AlertStage.SuppressionSnapshot, state => raiser.Suppression.TryRestore(state));

        void Try(string name, Func<byte[], bool> restore)
        {
            if (restored.Snapshots.TryGetValue(name, out Snapshot? state) && !restore(state.Joined())) LogStateNotRestored(_logger, name);
        }
    }

    void CountBug(Exception bug)
    {
        counters.Loss("Sysmon events", "a bug in SysmonWatch; please report it").Add(1, bug.GetType().Name);
        LogEventBug(_logger, bug);
    }

    static async Task UntilAllEndOrOneFails(Task[] stages)
    {
        var running = stages.ToList();
        while (running.Count > 0)
        {
            Task ended = await Task.WhenAny(running);
            running.Remove(ended);
            // One that fails leaves the others waiting for it for ever.
            await ended;
        }
    }

    static Channel<WorkItem> Bounded(int batches) =>
        Channel.CreateBounded<WorkItem>(new BoundedChannelOptions(batches) { SingleWriter = true, FullMode = BoundedChannelFullMode.Wait });

    /// <summary>As Sysmon has it: what gethostname(2) says.</summary>
    static byte[] Host => Encoding.UTF8.GetBytes(System.Net.Dns.GetHostName());

    static OwnProcess? Ourselves() =>
        Environment.ProcessPath is { } path
            ? new OwnProcess(Host, Environment.ProcessId, Encoding.UTF8.GetBytes(path))
            : null;

    static bool Same(InputOptions one, InputOptions other) =>
        one.Journal == other.Journal && one.Start == other.Start && one.Files.SequenceEqual(other.Files);

    [LoggerMessage(2001, LogLevel.Information, "Ready: reading {Input}, with {Rules} and {Correlations}.")]
    static partial void LogReady(ILogger logger, string input, string rules, string correlations);

    [LoggerMessage(2002, LogLevel.Error, "Rule refused, the others run: {Problem}")]
    static partial void LogRuleRefused(ILogger logger, string problem);

    [LoggerMessage(2003, LogLevel.Warning, "{Problem}")]
    static partial void LogRuleWarning(ILogger logger, string problem);

    [LoggerMessage(2007, LogLevel.Error, "{Problem}")]
    static partial void LogConfigurationError(ILogger logger, string problem);

    [LoggerMessage(2008, LogLevel.Warning, "{Problem}")]
    static partial void LogConfigurationWarning(ILogger logger, string problem);

    [LoggerMessage(2004, LogLevel.Warning, "The saved state of {Stage} cannot be used by this version; it starts without.")]
    static partial void LogStateNotRestored(ILogger logger, string stage);

    [LoggerMessage(2005, LogLevel.Critical, "SysmonWatch stops because of a bug in itself; please report it.")]
    static partial void LogBug(ILogger logger, Exception bug);

    [LoggerMessage(2006, LogLevel.Error, "An event could not be evaluated because of a bug in SysmonWatch; please report it.")]
    static partial void LogEventBug(ILogger logger, Exception bug);
}
