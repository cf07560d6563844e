using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Serilog;
using Serilog.Extensions.Logging;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Operations;

public sealed class OperationsRegistrationTests : IDisposable
{
    readonly ServiceManager _manager = new();

    public void Dispose() => _manager.Dispose();

    [Fact]
    public async Task Under_a_service_manager_the_host_says_nothing_by_itself_until_it_stops()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddOperations(new ServiceNotifier(_manager.Address, TimeProvider.System), new WatchdogSettings(null));
        using IHost host = builder.Build();

        await host.StartAsync(TestContext.Current.CancellationToken);
        Assert.IsType<SystemdLifetime>(host.Services.GetRequiredService<IHostLifetime>());
        Assert.False(_manager.HasMore);

        host.Services.GetRequiredService<ServiceNotifier>().Ready();
        await host.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal("READY=1", _manager.Receive());
        Assert.Equal("STOPPING=1\nSTATUS=stopping", _manager.Receive());
        Assert.False(_manager.HasMore);
    }

    [Fact]
    public void Elsewhere_the_host_keeps_its_life()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Services.AddOperations(new ServiceNotifier(null, TimeProvider.System), new WatchdogSettings(null));
        using IHost host = builder.Build();

        Assert.IsNotType<SystemdLifetime>(host.Services.GetRequiredService<IHostLifetime>());
    }

    [Fact]
    public void A_loss_is_in_the_journal_with_its_message_id_and_without_the_fields_of_an_alert()
    {
        using FakeJournal journal = new();
        using Serilog.Core.Logger serilog = new LoggerConfiguration()
            .WriteTo.Journald(JournalLogging.Options with { Client = new() { SocketPath = journal.SocketPath } })
            .CreateLogger();
        using SerilogLoggerFactory factory = new(serilog);
        LossReporter reporter = new(new(() => factory.CreateLogger("SysmonWatch.Daemon.Operations.LossReporter")), TimeProvider.System);

        new Counters(reporter).Loss("events", "the queue was full").Add(2);

        ReceivedEntry entry = journal.Receive();
        Assert.Equal(["Lost events: 2. Reason: the queue was full. Further losses of this kind are reported at most once a minute."], entry["MESSAGE"]);
        Assert.Equal([MessageIds.Loss], entry["MESSAGE_ID"]);
        Assert.Equal(["sysmonwatch"], entry["SYSLOG_IDENTIFIER"]);
        Assert.Equal(["3"], entry["SYSLOG_FACILITY"]);
        Assert.Equal(["2"], entry["SYSMONWATCH_LOG_LOST"]);
        Assert.Equal(["5001"], entry["SYSMONWATCH_LOG_EVENT_ID"]);
        Assert.Equal(["LogFirst"], entry["SYSMONWATCH_LOG_EVENT_ID_NAME"]);
        Assert.DoesNotContain(entry.Fields, field => field.Name.StartsWith("SYSMONWATCH_", StringComparison.Ordinal) && !field.Name.StartsWith("SYSMONWATCH_LOG_", StringComparison.Ordinal));
    }

    [Fact]
    public void A_log_message_that_could_not_be_written_is_counted()
    {
        Counters counters = new();
        using FakeJournal journal = new();
        LoggerConfiguration configuration = new();
        JournalLogging.WriteTo(configuration, counters, JournalLogging.Options with { Client = new() { SocketPath = journal.SocketPath } });
        using Serilog.Core.Logger serilog = configuration.CreateLogger();

        journal.Stop();
        serilog.Information("lost");

        Assert.Contains("sysmonwatch.losses{kind=log messages,reason=the log could not be written} 1", Metrics.Of(counters));
    }
}
