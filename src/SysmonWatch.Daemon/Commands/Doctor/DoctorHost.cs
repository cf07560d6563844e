using System.Globalization;
using SysmonWatch.Daemon.Configuration;

namespace SysmonWatch.Daemon.Commands.Doctor;

/// <summary>Whether Sysmon runs, and whether there is room for the state.</summary>
static class DoctorHost
{
    /// <summary>An outbox at its default bound, twice: while it is trimmed.</summary>
    const long EnoughRoom = 512L * 1024 * 1024;

    /// <summary>Sysmon's process.</summary>
    public static DoctorFinding Sysmon(DoctorFiles files)
    {
        string[] processes = [.. files.Processes("sysmon")];
        if (processes.Length > 0) return DoctorFinding.Good("Sysmon", $"it runs (pid {string.Join(", ", processes)})");
        return files.Exists("/opt/sysmon/sysmon")
            ? new(Health.Error, "Sysmon", "it is installed and does not run", "systemctl start sysmon; journalctl -u sysmon says why it ended")
            : new(Health.Error, "Sysmon", "it is not installed", "install sysmonforlinux, then sysmon -accepteula -i CONFIG.xml");
    }

    /// <summary>The disk that the state is on.</summary>
    public static DoctorFinding State(StateOptions state)
    {
        for (string? part = state.Directory; part is not null; part = Path.GetDirectoryName(part))
        {
            if (File.Exists(part)) return new(Health.Error, "state", $"{part} is a file, so that {state.Directory} cannot be a directory", $"move it away, or give state.directory another place; systemctl restart sysmonwatch");
        }
        string? place = state.Directory;
        while (place is not null && !Directory.Exists(place)) place = Path.GetDirectoryName(place);
        try
        {
            long free = new DriveInfo(place ?? "/").AvailableFreeSpace;
            string room = string.Create(CultureInfo.InvariantCulture, $"{free / (1024.0 * 1024):N0} MiB free for {state.Directory}");
            return free >= EnoughRoom
                ? DoctorFinding.Good("state", room)
                : new(Health.Warning, "state", room, $"free some space, or give state.directory another place: without space alerts are still delivered, but the read position is not saved");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(Health.Error, "state", $"{state.Directory} cannot be looked at ({e.Message.TrimEnd('.')})", "run doctor as root");
        }
    }
}
