using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery.Journal;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Delivery;

/// <summary>
/// Tells everybody what is in the outbox, each sink in a loop of its own, so that a slow, broken or hostile one delays nobody else.
/// </summary>
/// <remarks>Thread-safe. Who puts an alert into the store asks <see cref="SinksFor"/> before and calls <see cref="Wake"/> after.</remarks>
sealed partial class AlertDispatcher : IAlertRoutes, IAsyncDisposable
{
    readonly StateStore _store;
    readonly AlertJournal _journal;
    readonly TimeProvider _time;
    readonly ILogger<AlertDispatcher> _logger;
    readonly SemaphoreSlim _changing = new(1, 1);
    volatile SinkLoop[] _loops = [];

    public AlertDispatcher(StateStore store, AlertJournal journal, TimeProvider time, ILogger<AlertDispatcher> logger)
    {
        (_store, _journal, _time, _logger) = (store, journal, time, logger);
        _store.FailureChanged += WakeWhenItWorks;
    }

    /// <summary>How each sink is, in the order of the routes.</summary>
    public IReadOnlyList<SinkStatus> Status => [.. _loops.Select(loop => loop.Status)];

    /// <summary>Names of those who are to be told of an alert, the journal first where it is the first route.</summary>
    public IReadOnlyList<string> SinksFor(Alert alert) => [.. _loops.Where(loop => alert.Level >= loop.Route.MinimumLevel).Select(loop => loop.Route.Sink.Name)];

    /// <summary>There is something new in the outbox.</summary>
    public void Wake()
    {
        foreach (SinkLoop loop in _loops) loop.Wake();
    }

    /// <summary>
    /// Tells the journal and the configured webhooks from now on; see <see cref="UseAsync"/>. Waits until attempts under way have ended, under a second.
    /// </summary>
    public void Configure(SysmonWatchOptions options)
    {
        var journal = new AlertRoute(new JournalSink(_journal), options.Journal.MinimumLevel, JournalSink.Retry);
        UseAsync([journal, .. WebhookRoutes.From(options.Webhooks, _time)]).GetAwaiter().GetResult();
    }

    /// <summary>
    /// Tells these from now on, at the start and after a reload. What still waits for a sink that is not among them becomes a dead letter; what waits
    /// for one that is goes on where it stood.
    /// </summary>
    /// <param name="routes">Names must differ; the journal first.</param>
    public async Task UseAsync(IReadOnlyList<AlertRoute> routes)
    {
        await _changing.WaitAsync();
        try
        {
            SinkLoop[] before = _loops;
            SinkLoop[] after = [.. routes.Select(route => new SinkLoop(route, _store, _time, _logger))];
            // New names first: an alert raised now is put in for them, and waits in the outbox until their loops start.
            _loops = after;
            await Task.WhenAll(before.Select(loop => loop.DisposeAsync().AsTask()));
            string[] names = [.. routes.Select(route => route.Sink.Name)];
            _store.UseSinks(names);
            foreach ((string sink, long waiting) in _store.Status().Pending.Where(sink => sink.Value > 0 && !names.Contains(sink.Key))) LogNotConfigured(sink, waiting);
            foreach (SinkLoop loop in after) loop.Start();
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Ends every loop; attempts under way get a short time.</summary>
    public async ValueTask DisposeAsync()
    {
        _store.FailureChanged -= WakeWhenItWorks;
        await _changing.WaitAsync();
        try
        {
            SinkLoop[] loops = _loops;
            _loops = [];
            await Task.WhenAll(loops.Select(loop => loop.DisposeAsync().AsTask()));
        }
        finally
        {
            _changing.Release();
        }
    }

    void WakeWhenItWorks(StoreFailure? failure)
    {
        if (failure is null) Wake();
    }

    [LoggerMessage(3001, LogLevel.Warning, "{Sink} is not configured any more; alerts that wait for it: {Count}. They are kept for state.keep_alerts and sent if it comes back.")]
    partial void LogNotConfigured(string sink, long count);
}
