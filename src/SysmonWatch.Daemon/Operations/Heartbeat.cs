using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace SysmonWatch.Daemon.Operations;

/// <summary>
/// What the daemon does periodically for those who watch it: feeds the watchdog while the pipeline makes progress, updates the status line where it
/// changed, reports losses. READY is sent by the stage that opened the input.
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
        if (stuck.Count > 0 && !_saidStuck) LogStuck(string.Join(", ", stuck), Interval, settings.Timeout is null ? "No watchdog is configured" : "systemd will restart it");
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

    [LoggerMessage(5003, LogLevel.Error, "No progress for {Interval:c} or longer in: {Stages}. {Consequence}.")]
    partial void LogStuck(string stages, TimeSpan interval, string consequence);

    [LoggerMessage(5004, LogLevel.Warning, "No message could be sent to the service manager: {Reason}.")]
    partial void LogNotTold(string reason);
}
