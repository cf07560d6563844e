using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Daemon.Pipeline;
using SysmonWatch.Daemon.State;

namespace SysmonWatch.Daemon.Commands.Service;

/// <summary><c>sysmonwatch run</c>: the daemon in the foreground.</summary>
static class RunCommand
{
    public static Command Create(TimeProvider time)
    {
        Option<string?> config = SharedOptions.Config();
        var state = new Option<string?>("--state-dir") { HelpName = "DIR", Description = "Where state is kept, in place of state.directory of the configuration." };
        var command = new Command("run", "Run the daemon in the foreground. SIGTERM ends it, SIGHUP reloads configuration and rules.") { config, state };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(config), parsed.GetValue(state), time));
        return command;
    }

    static async Task<int> RunAsync(string? config, string? stateDirectory, TimeProvider time)
    {
        using var signals = new EndSignals();
        LoadedConfiguration loaded = ConfigurationLoader.Load(config);
        if (loaded.Options is not { } options)
        {
            foreach (ConfigurationProblem problem in loaded.Problems) await SayAsync(problem.ToString());
            return ExitCodes.Configuration;
        }
        bool isService = Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 };
        using var printer = new AlertPrinter(Console.OpenStandardOutput(), "text");
        // Without a service manager there is a terminal to look at.
        var settings = new RunSettings(config, stateDirectory, isService ? null : alert => printer.Print([alert]), Problems: loaded.Problems);
        try
        {
            using IHost host = DaemonHost.Build(settings.Apply(options), settings, time);
            if (signals.Token.IsCancellationRequested) return ExitCodes.Success;
            DaemonHost.OpenState(host);
            await host.StartAsync();
            IHostApplicationLifetime lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
            await using CancellationTokenRegistration ending = signals.Token.Register(lifetime.StopApplication);
            await host.WaitForShutdownAsync();
        }
        catch (Exception mistake) when (mistake is StateDirectoryInUseException or DllNotFoundException)
        {
            await SayAsync(mistake.Message);
            return ExitCodes.Failure;
        }
        return Environment.ExitCode;
    }

    /// <summary>Says why it ends; in the journal as an error, which systemd knows by the prefix of sd-daemon(3).</summary>
    static Task SayAsync(string message) =>
        Console.Error.WriteLineAsync(Environment.GetEnvironmentVariable("JOURNAL_STREAM") is { Length: > 0 } ? $"<3>{message}" : message);
}
