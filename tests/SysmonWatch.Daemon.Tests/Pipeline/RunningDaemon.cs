using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Serilog.Events;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Delivery.Journal;
using SysmonWatch.Daemon.Intake.Journal;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.Pipeline;
using SysmonWatch.Daemon.State;
using SysmonWatch.Daemon.Tests.Delivery;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>The daemon in this process, on a log and a state directory of its own, telling one sink of the test's.</summary>
sealed class RunningDaemon : IAsyncDisposable
{
    readonly IHost _host;
    readonly Channel<Alert> _raised = Channel.CreateUnbounded<Alert>();

    RunningDaemon(SysmonWatchOptions options, string? configFile, IJournalPlace? journal, TimeProvider time)
    {
        _host = DaemonHost.Build(options, new RunSettings(configFile, null, alert => _raised.Writer.TryWrite(alert), TellsNobody: true), time, LogEventLevel.Fatal, journal);
    }

    /// <summary>Is told every alert.</summary>
    public ScriptedSink Sink { get; } = new("sink");

    public PipelineService Pipeline => _host.Services.GetRequiredService<PipelineService>();

    public ReloadService Reloading => _host.Services.GetRequiredService<ReloadService>();

    /// <summary>What systemctl status would show.</summary>
    public string StatusLine => _host.Services.GetRequiredService<StatusLine>().Compose(_host.Services.GetRequiredService<IStatusSource>().Status);

    public StateStore Store => _host.Services.GetRequiredService<StateStore>();

    public static SysmonWatchOptions Options(string directory) => new()
    {
        Input = new InputOptions { Files = [Path.Combine(directory, "syslog")], Journal = JournalInput.No, Start = StartFrom.Beginning },
        State = new StateOptions { Directory = Path.Combine(directory, "state") },
        Rules = new RulesOptions { Paths = SeedLog.Rules, PathsAreDefault = false },
    };

    public static async Task<RunningDaemon> StartAsync(SysmonWatchOptions options, string? configFile = null, IJournalPlace? journal = null, TimeProvider? time = null)
    {
        var daemon = new RunningDaemon(options, configFile, journal, time ?? TimeProvider.System);
        await daemon._host.Services.GetRequiredService<AlertDispatcher>().UseAsync([new AlertRoute(daemon.Sink, Detection.Sigma.Rules.RuleLevel.Informational, JournalSink.Retry)]);
        await daemon._host.StartAsync(TestContext.Current.CancellationToken);
        return daemon;
    }

    /// <summary>The next alert that is new in the store; waits for it.</summary>
    public ValueTask<Alert> NextAsync() => _raised.Reader.ReadAsync(TestContext.Current.CancellationToken);

    /// <summary>Waits for as many alerts, and gives their ids in an order to compare.</summary>
    public async Task<string[]> NextIdsAsync(int count)
    {
        var ids = new List<string>();
        while (ids.Count < count) ids.Add((await NextAsync()).AlertId);
        return [.. ids.Order(StringComparer.Ordinal)];
    }

    /// <summary>Does what is done by the clock.</summary>
    public void TickNow() => _host.Services.GetRequiredService<SharedTimer>().TickNow();

    public bool HasRaisedMore => _raised.Reader.TryPeek(out _);

    /// <summary>Ends as on SIGTERM.</summary>
    public Task StopAsync() => _host.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable disposable) await disposable.DisposeAsync();
    }
}
