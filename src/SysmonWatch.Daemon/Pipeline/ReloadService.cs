using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Operations;

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
    ILogger<ReloadService> logger) : BackgroundService
{
    // Any number of signals during a reload are one more reload after it.
    readonly Channel<bool> _asked = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Reads everything again and takes it if it is good.</summary>
    /// <returns>True where it was taken.</returns>
    public bool Reload()
    {
        LoadedConfiguration loaded = ConfigurationLoader.Load(settings.ConfigFile);
        foreach (ConfigurationProblem problem in loaded.Problems) LogProblem(logger, problem.ToString());
        if (loaded.Options is not { } read)
        {
            LogKeptOld(logger, "the configuration is wrong");
            return false;
        }
        SysmonWatchOptions options = settings.Apply(read);
        RuleUpdate rules = RuleUpdate.Read(options.Rules);
        pipeline.Report(rules.Problems);
        if (rules.Problems.Any(problem => problem.IsError))
        {
            LogKeptOld(logger, "rules are wrong");
            return false;
        }
        if (options.Limits != started.Limits || options.State != started.State || options.Alerts != started.Alerts) LogNeedsRestart(logger);
        if (!settings.TellsNobody) dispatcher.Configure(options);
        pipeline.Use(rules.Compiled, options.Input);
        LogReloaded(logger, rules.Compiled.Rules.Rules.Count, rules.Compiled.Rules.Correlations.Count, options.Webhooks.Count);
        return true;
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
                notifier.Ready(taken ? "reloaded" : "reload refused, the old configuration runs; see the journal");
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    [LoggerMessage(2301, LogLevel.Information, "Reloaded: {Rules} rules, {Correlations} correlations, {Webhooks} webhooks.")]
    static partial void LogReloaded(ILogger logger, int rules, int correlations, int webhooks);

    [LoggerMessage(2302, LogLevel.Error, "Reload refused, the old configuration and rules run on: {Reason}. Set it right and reload again; sysmonwatch check says the same.")]
    static partial void LogKeptOld(ILogger logger, string reason);

    [LoggerMessage(2303, LogLevel.Warning, "{Problem}")]
    static partial void LogProblem(ILogger logger, string problem);

    [LoggerMessage(2304, LogLevel.Warning, "Changes of limits, state and alerts take effect at the next start: systemctl restart sysmonwatch.")]
    static partial void LogNeedsRestart(ILogger logger);
}
