using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Journal;
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
            "Look at what is read and why, permissions, Sysmon, and the limits of rsyslog and journald; each finding has its fix. To be run as root. Exit code: 0 nothing is wrong or warnings only, 1 something does not work, 78 the configuration is wrong.")
        {
            config,
        };
        command.SetAction(parsed => Run(parsed.GetValue(config), new DoctorFiles(), JournalAccess.Check(), FileCalls.Look, time, Console.Out));
        return command;
    }

    public static int Run(string? config, DoctorFiles files, JournalAccess journal, DoctorInputs.Look look, TimeProvider time, TextWriter output)
    {
        LoadedConfiguration loaded = ConfigurationLoader.Load(config, onlyChecking: true);
        foreach (ConfigurationProblem problem in loaded.Problems) output.WriteLine(problem);
        if (loaded.Options is not { } options) return ExitCodes.Configuration;

        var inputs = new DoctorInputs(options.Input, journal, Saved(options.State, time), look);
        List<DoctorFinding> findings = [.. inputs.Find(), DoctorHost.Sysmon(files)];
        findings.AddRange(DoctorLimits.OfJournald(files).Where(f => inputs.ReadsJournal || f.Health != Health.Error));
        if (inputs.ReadsFiles) findings.AddRange(DoctorLimits.OfRsyslog(files));
        findings.Add(DoctorHost.State(options.State));
        foreach (DoctorFinding finding in findings) output.WriteLine(finding);
        return findings.Exists(f => f.Health == Health.Error) ? ExitCodes.Failure : ExitCodes.Success;
    }

    /// <summary>The inputs that were read before, as far as that can be seen without touching the state.</summary>
    static IReadOnlyCollection<string> Saved(StateOptions options, TimeProvider time)
    {
        if (SqliteLibrary.Problem is not null) return [];
        using var state = new StateDirectory(options.Directory, time, NullLogger.Instance);
        return [.. state.ReadOnlyCheckpoint()?.Positions.Keys ?? []];
    }
}
