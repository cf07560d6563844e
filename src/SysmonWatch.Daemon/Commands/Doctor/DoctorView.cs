using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Journal;

namespace SysmonWatch.Daemon.Commands.Doctor;

/// <summary>What doctor sees of a host.</summary>
/// <param name="Files">Its files.</param>
/// <param name="Journal">Its journal.</param>
/// <param name="Look">What the file system says about a path: 0, or an errno.</param>
/// <param name="Unit">What systemctl says of the service; null where no systemd answers.</param>
/// <param name="CanLoad">True for a library that is there; null for the loader of this system.</param>
/// <param name="User">The user of the service; null where this process cannot see with its eyes.</param>
sealed record DoctorView(DoctorFiles Files, JournalAccess Journal, DoctorInputs.Look Look, string? Unit, Func<string, bool>? CanLoad, ServiceUser? User)
{
    /// <summary>This host.</summary>
    public static DoctorView OfThisHost() => new(new DoctorFiles(), JournalAccess.Check(), FileCalls.Look, DoctorService.Ask(), null, ServiceUser.ForRoot());
}
