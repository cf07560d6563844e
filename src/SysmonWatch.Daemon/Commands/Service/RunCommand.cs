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
        foreach (ConfigurationProblem problem in loaded.Problems) await Console.Error.WriteLineAsync(problem.ToString());
        if (loaded.Options is not { } options) return ExitCodes.Configuration;

        bool isService = Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 };
        using var printer = new AlertPrinter(Console.OpenStandardOutput(), "text");
        // Without a service manager somebody is looking at the terminal.
        var settings = new RunSettings(config, stateDirectory, isService ? null : alert => printer.Print([alert]));
        try
        {
            using IHost host = DaemonHost.Build(settings.Apply(options), settings, time);
            if (signals.Token.IsCancellationRequested) return ExitCodes.Success;
            await host.StartAsync();
            IHostApplicationLifetime lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
            await using CancellationTokenRegistration ending = signals.Token.Register(lifetime.StopApplication);
            await host.WaitForShutdownAsync();
        }
        catch (Exception mistake) when (mistake is StateDirectoryInUseException or DllNotFoundException)
        {
            await Console.Error.WriteLineAsync(mistake.Message);
            return ExitCodes.Failure;
        }
        return Environment.ExitCode;
    }
}
