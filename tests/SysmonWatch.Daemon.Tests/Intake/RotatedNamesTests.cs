using SysmonWatch.Daemon.Intake.Files;

namespace SysmonWatch.Daemon.Tests.Intake;

public class RotatedNamesTests
{
    [Theory]
    [InlineData("syslog", "syslog.1", true)]
    [InlineData("syslog", "syslog.2.gz", true)]
    [InlineData("syslog", "syslog-20261124", true)]
    [InlineData("syslog", "syslog-20261124.gz", true)]
    [InlineData("syslog", "syslog-20261124-1763956800.gz", true)]
    [InlineData("syslog", "syslog-2026-11-24", true)]
    [InlineData("syslog", "syslog.old", true)]
    [InlineData("app.log", "app.log.1", true)]
    [InlineData("app.log", "app.1.log", true)]
    [InlineData("app.log", "app-20261124.log.gz", true)]
    [InlineData("syslog", "syslog", false)]
    [InlineData("syslog", "syslog.conf", false)]
    [InlineData("syslog", "syslog-ng.log", false)]
    [InlineData("syslog", "syslog2.1", false)]
    [InlineData("app.log", "apple.log", false)]
    [InlineData("app.log", "app.log.swp", false)]
    public void Tells_rotated_generations_from_other_files(string live, string name, bool rotated) =>
        Assert.Equal(rotated, RotatedNames.TryRank(live, name, out _));
}
