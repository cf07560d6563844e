using System.CommandLine;
using Microsoft.Extensions.Hosting;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Pipeline;

namespace SysmonWatch.Daemon.Commands;

/// <summary><c>sysmonwatch run</c>: the daemon in the foreground.</summary>
static class RunCommand
{
    public static Command Create(TimeProvider time)
    {
        Option<string?> config = SharedOptions.Config();
        var state = new Option<string?>("--state-dir") { HelpName = "DIR", Description = "Where state is kept, in place of state.directory of the configuration." };
        var command = new Command("run", "Run the daemon in the foreground. SIGTERM ends it, SIGHUP reloads configuration and rules.") { config, state };
        command.SetAction((parsed, stop) => RunAsync(parsed.GetValue(config), parsed.GetValue(state), time, stop));
        return command;
    }

    static async Task<int> RunAsync(string? config, string? stateDirectory, TimeProvider time, CancellationToken stop)
    {
        LoadedConfiguration loaded = ConfigurationLoader.Load(config);
        foreach (ConfigurationProblem problem in loaded.Problems) await Console.Error.WriteLineAsync(problem.ToString());
        if (loaded.Options is not { } options) return ExitCodes.Configuration;
        if (stateDirectory is not null) options = options with { State = options.State with { Directory = Path.GetFullPath(stateDirectory) } };

        var settings = new RunSettings(config, stateDirectory);
        using IHost host = DaemonHost.Build(options, settings, time);
        try
        {
            await host.RunAsync(stop);
        }
        catch (OperatorException mistake)
        {
            await Console.Error.WriteLineAsync(mistake.Message);
            return ExitCodes.Failure;
        }
        return Environment.ExitCode;
    }
}
