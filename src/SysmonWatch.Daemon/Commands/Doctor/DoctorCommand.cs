using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Daemon.State;

namespace SysmonWatch.Daemon.Commands.Doctor;

/// <summary><c>sysmonwatch doctor</c>: what of this host's set-up keeps events from being seen, each with its fix. Changes nothing.</summary>
static class DoctorCommand
{
    public static Command Create(TimeProvider time)
    {
        Option<string?> config = SharedOptions.Config();
        var command = new Command(
            "doctor",
            "Look at the service, what is read and why, permissions, Sysmon, webhooks, and the limits of rsyslog and journald; each finding has its fix. To be run as root. Exit code: 0 nothing is wrong or warnings only, 1 something does not work, 78 the configuration is wrong.")
        {
            config,
        };
        command.SetAction(parsed => Run(parsed.GetValue(config), DoctorView.OfThisHost(), time, Console.Out));
        return command;
    }

    public static int Run(string? config, DoctorView view, TimeProvider time, TextWriter output)
    {
        LoadedConfiguration loaded = ConfigurationLoader.Load(config, onlyChecking: true, service: view.User);
        foreach (ConfigurationProblem problem in loaded.Problems) output.WriteLine(problem);
        IAnsiConsole console = Terminal.On(output);
        List<DoctorFinding> findings = [.. DoctorService.OfUnit(view.Unit), .. DoctorService.OfLibraries(view.CanLoad)];
        if (loaded.Options is { } options) findings.AddRange(Find(options, view, time));
        foreach (DoctorFinding finding in findings) finding.Print(console);
        return loaded.Options is null ? ExitCodes.Configuration
            : loaded.Problems.Any(p => p.IsError) || findings.Exists(f => f.Health == Health.Error) ? ExitCodes.Failure
            : ExitCodes.Success;
    }

    static IEnumerable<DoctorFinding> Find(SysmonWatchOptions options, DoctorView view, TimeProvider time)
    {
        using var state = SqliteLibrary.Problem is null ? new StateDirectory(options.State.Directory, time, NullLogger.Instance) : null;
        // What was read before, as far as that can be seen without touching the state.
        var inputs = new DoctorInputs(options.Input, view.Journal, [.. state?.ReadOnlyCheckpoint()?.Positions.Keys ?? []], view.Look);
        foreach (DoctorFinding finding in inputs.Find()) yield return finding;
        yield return DoctorHost.Sysmon(view.Files);
        foreach (DoctorFinding finding in DoctorLimits.OfJournald(view.Files).Where(f => inputs.ReadsJournal || f.Health != Health.Error)) yield return finding;
        if (inputs.ReadsFiles)
        {
            foreach (DoctorFinding finding in DoctorLimits.OfRsyslog(view.Files)) yield return finding;
        }
        yield return DoctorHost.State(options.State);
        foreach (DoctorFinding finding in DoctorService.OfWebhooks(options, state?.ReadOnlyTroubles() ?? [])) yield return finding;
    }
}
