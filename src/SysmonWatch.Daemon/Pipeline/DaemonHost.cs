using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Events;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Delivery;
using SysmonWatch.Daemon.Intake.Journal;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>Puts the daemon together.</summary>
static class DaemonHost
{
    /// <summary>Longer than any stage takes to end, shorter than systemd waits before it kills.</summary>
    static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(8);

    /// <summary>A host that runs the pipeline.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="settings">How this run differs from it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="quietBelow">Messages of lower levels are not logged.</param>
    /// <param name="journal">The journal that is read; null for this host's.</param>
    public static IHost Build(
        SysmonWatchOptions options, RunSettings settings, TimeProvider time, LogEventLevel quietBelow = LogEventLevel.Information, IJournalPlace? journal = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSingleton(time);
        if (journal is not null) builder.Services.AddSingleton(journal);
        builder.Services.Configure<HostOptions>(host =>
        {
            host.ShutdownTimeout = StopWithin;
            host.ServicesStartConcurrently = false;
        });
        builder.Logging.ClearProviders();
        builder.Services.AddSerilog((provider, log) => Configure(log, quietBelow, provider.GetRequiredService<Counters>()));
        builder.Services.AddConfiguration(options).AddOperations().AddState().AddDelivery().AddPipeline(settings);
        return builder.Build();
    }

    /// <summary>
    /// Opens the state, before anything is started: what the operator has to mend comes out of here as it is, and not as the failure of a service.
    /// </summary>
    /// <exception cref="StateDirectoryInUseException">Another sysmonwatch uses it.</exception>
    /// <exception cref="DllNotFoundException">SQLite is not installed.</exception>
    public static void OpenState(IHost host) => host.Services.GetRequiredService<StateStore>();

    static void Configure(LoggerConfiguration log, LogEventLevel quietBelow, Counters counters)
    {
        log.MinimumLevel.Is(quietBelow);
        // The host's own messages are about its insides, and HttpClient's have URLs in them, which are secrets.
        log.MinimumLevel.Override("Microsoft", LogEventLevel.Warning);
        log.MinimumLevel.Override("System.Net.Http", LogEventLevel.Fatal);
        // systemd sets it where standard error goes to the journal anyway: then the journal gets fields instead of lines.
        if (Environment.GetEnvironmentVariable("JOURNAL_STREAM") is { Length: > 0 }) JournalLogging.WriteTo(log, counters);
        else log.WriteTo.Console(standardErrorFromLevel: LogEventLevel.Verbose, formatProvider: System.Globalization.CultureInfo.InvariantCulture);
    }
}
