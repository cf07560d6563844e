using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>
/// Reloads configuration and rules on SIGHUP: reads everything again and takes it when all of it is good, else says what is wrong and keeps the old.
/// </summary>
sealed partial class ReloadService(
    RunSettings settings,
    SysmonWatchOptions started,
    PipelineService pipeline,
    AlertDispatcher dispatcher,
    ServiceNotifier notifier,
    TimeProvider time,
    ILogger<ReloadService> logger) : BackgroundService
{
    const int LongestProblem = 200;

    // Any number of signals during a reload are one more reload after it.
    readonly Channel<bool> _asked = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Why the last reload was refused, for the status; empty where it was not, or where there was none.</summary>
    public string Refusal { get; private set; } = "";

    /// <summary>Reads everything again and takes it if it is good.</summary>
    /// <returns>True where it was taken.</returns>
    public bool Reload()
    {
        LoadedConfiguration loaded = ConfigurationLoader.Load(settings.ConfigFile);
        pipeline.Report(loaded.Problems);
        if (loaded.Options is not { } read) return Refuse("the configuration is wrong", [.. loaded.Problems.Where(p => p.IsError).Select(p => p.ToString())]);
        SysmonWatchOptions options = settings.Apply(read);
        RuleUpdate rules = RuleUpdate.Read(options.Rules);
        pipeline.Report(rules.Problems);
        pipeline.Report(RulesInUse.UnknownDisabled(loaded.File, options.Rules, rules.Compiled.Rules));
        string[] wrong = [.. rules.Problems.Where(problem => problem.IsError).Select(p => p.ToString())];
        if (wrong.Length > 0) return Refuse("rules are wrong", wrong);
        Refusal = "";
        if (options.Limits != started.Limits || options.State != started.State || options.Alerts != started.Alerts) LogNeedsRestart(logger);
        if (!settings.TellsNobody) dispatcher.Configure(options);
        pipeline.Use(rules.Compiled, options.Input);
        LogReloaded(
            logger, Wording.Count(rules.Compiled.Rules.Rules.Count, "rule"), Wording.Count(rules.Compiled.Rules.Correlations.Count, "correlation"),
            Wording.Count(options.Webhooks.Count, "webhook"));
        return true;
    }

    bool Refuse(string reason, string[] problems)
    {
        LogKeptOld(logger, reason);
        string more = problems.Length > 1 ? $" (and {problems.Length - 1} more)" : "";
        Refusal = $"RELOAD REFUSED at {time.GetUtcNow():u}, the old configuration and rules are still used: {SafeText.Show(problems[0], LongestProblem)}{more}";
        return false;
    }

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        // A demo has no configuration to read again: a terminal that closes must not make it follow the real log.
        if (settings.TellsNobody) return;
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            _asked.Writer.TryWrite(true);
        });
        try
        {
            await foreach (bool _ in _asked.Reader.ReadAllAsync(stop))
            {
                notifier.Reloading();
                bool taken = Reload();
                notifier.Ready(taken ? "reloaded" : Refusal);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    [LoggerMessage(2301, LogLevel.Information, "Reloaded: {Rules}, {Correlations}, {Webhooks}.")]
    static partial void LogReloaded(ILogger logger, string rules, string correlations, string webhooks);

    [LoggerMessage(2302, LogLevel.Error, "Reload refused, the old configuration and rules are still used: {Reason}. Correct that and reload again; sysmonwatch check shows the same problems.")]
    static partial void LogKeptOld(ILogger logger, string reason);

    [LoggerMessage(2304, LogLevel.Warning, "Changes of limits, state and alerts take effect at the next start: systemctl restart sysmonwatch.")]
    static partial void LogNeedsRestart(ILogger logger);
}
