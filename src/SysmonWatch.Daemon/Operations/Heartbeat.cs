using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// What the daemon does by the clock for whoever looks after it: keeps the watchdog quiet while the pipeline moves, renews the status line where it
/// changed, says what was lost. READY is not its business: who opened the input says it.
/// </summary>
sealed partial class Heartbeat(
    ServiceNotifier notifier,
    Watchdog watchdog,
    WatchdogSettings settings,
    StatusLine statusLine,
    LossReporter losses,
    IHostApplicationLifetime lifetime,
    SharedTimer timer,
    ILogger<Heartbeat> logger,
    IStatusSource? source = null) : IHostedService, IDisposable
{
    CancellationTokenRegistration _stopping;
    IDisposable? _beating;
    string _saidStatus = "";
    bool _saidStuck;
    bool _saidFailure;

    /// <summary>Time between two beats.</summary>
    public TimeSpan Interval { get; } = settings.Interval ?? SharedTimer.Longest;

    /// <summary>One beat. Public for tests, which have no time to wait for it; the timer is the only other caller.</summary>
    public void Beat()
    {
        IReadOnlyList<string> stuck = watchdog.FindStuck();
        if (settings.Timeout is not null && stuck.Count == 0) Check(notifier.Alive());
        if (stuck.Count > 0 && !_saidStuck) LogStuck(string.Join(", ", stuck), Interval, settings.Timeout is null ? "Nobody watches this daemon" : "systemd will restart it");
        _saidStuck = stuck.Count > 0;

        if (notifier.IsActive && source is not null)
        {
            string status = statusLine.Compose(source.Status);
            if (status != _saidStatus && Check(notifier.Status(status))) _saidStatus = status;
        }
        losses.Flush();
    }

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // It is the first thing stopping does: systemd shows it while the rest drains.
        _stopping = lifetime.ApplicationStopping.Register(() => notifier.Stopping("stopping"));
        _beating = timer.Every(Interval, Beat);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken)
    {
        _beating?.Dispose();
        losses.Finish();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _beating?.Dispose();
        _stopping.Dispose();
    }

    bool Check(NotifyResult result)
    {
        if (result.Status == NotifyStatus.Failed && !_saidFailure) LogNotTold(result.Reason);
        _saidFailure = result.Status == NotifyStatus.Failed;
        return result.Status == NotifyStatus.Sent;
    }

    [LoggerMessage(5003, LogLevel.Error, "Nothing moves in: {Stages}, for {Interval:c} at least. {Consequence}.")]
    partial void LogStuck(string stages, TimeSpan interval, string consequence);

    [LoggerMessage(5004, LogLevel.Warning, "The service manager could not be told: {Reason}.")]
    partial void LogNotTold(string reason);
}
