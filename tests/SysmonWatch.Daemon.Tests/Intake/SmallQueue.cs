using SysmonWatch.Daemon.Intake.Files;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Intake;

/// <summary>An inotify whose queue is short. The kernel takes the limit when an instance is made, so it is small only for that moment.</summary>
static class SmallQueue
{
    const string Limit = "/proc/sys/fs/inotify/max_queued_events";

    public static InotifyDoorbell Make(int events)
    {
        string before = File.ReadAllText(Limit);
        try
        {
            File.WriteAllText(Limit, $"{events}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (Places.MustNotSkip) throw new InvalidOperationException($"{Limit} must be writable (SYSMONWATCH_REQUIRE_ALL=1).", e);
            Assert.Skip($"needs the right to write {Limit}");
        }
        try
        {
            return new InotifyDoorbell();
        }
        finally
        {
            File.WriteAllText(Limit, before);
        }
    }
}
