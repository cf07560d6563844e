using SysmonWatch.Daemon.Intake.Files;

namespace SysmonWatch.Daemon.Tests.Intake;

public class GlobsTests
{
    [Theory]
    [InlineData("/var/log/*", "/var/log/syslog", true)]
    [InlineData("/var/log/*", "/var/log/a/syslog", false)]
    [InlineData("/var/log/*", "/var/log/.hidden", false)]
    [InlineData("/var/log/.*", "/var/log/.hidden", true)]
    [InlineData("/var/*/s*g", "/var/log/syslog", true)]
    [InlineData("/var/*/s*g", "/var/log/syslogs", false)]
    [InlineData("/var/log/*log*", "/var/log/syslog", true)]
    [InlineData("/var/log/app-?.log", "/var/log/app-1.log", true)]
    [InlineData("/var/log/app-?.log", "/var/log/app-.log", false)]
    [InlineData("/var/log/app-[12].log", "/var/log/app-2.log", true)]
    [InlineData("/var/log/app-[12].log", "/var/log/app-3.log", false)]
    [InlineData("/var/log/app-[0-9a].log", "/var/log/app-5.log", true)]
    [InlineData("/var/log/app-[0-9a].log", "/var/log/app-a.log", true)]
    [InlineData("/var/log/app-[0-9a].log", "/var/log/app--.log", false)]
    [InlineData("/var/log/app-[!0-9].log", "/var/log/app-5.log", false)]
    [InlineData("/var/log/app-[!0-9].log", "/var/log/app-x.log", true)]
    [InlineData("/var/log/app-[^0-9].log", "/var/log/app-x.log", true)]
    [InlineData("/var/log/[]x].log", "/var/log/].log", true)]
    [InlineData("/var/log/[0-].log", "/var/log/-.log", true)]
    [InlineData("/var/log/a[.log", "/var/log/a[.log", true)]
    [InlineData("/var/log/a[", "/var/log/a[", true)]
    [InlineData("/var/log/a[!", "/var/log/a[!", true)]
    [InlineData("/var/log/a\\[1].log", "/var/log/a[1].log", true)]
    [InlineData("/var/log/a\\[1].log", "/var/log/a1.log", false)]
    public void Matches_as_a_shell_does(string pattern, string path, bool matches) => Assert.Equal(matches, Globs.Matches(pattern, path));

    [Fact]
    public void Finds_what_matches_without_rotated_generations_and_a_name_with_brackets_as_it_is()
    {
        string root = Directory.CreateTempSubdirectory("globs-").FullName;
        foreach (string name in (string[])["a1.log", "a2.log", "a2.log.1", "a3.log.gz", ".a1.log", "b1.log", "c[1].log"]) File.WriteAllText(Path.Combine(root, name), "");

        string[] found = [.. Globs.Expand(Path.Combine(root, "[ab][12]*"))], literal = [.. Globs.Expand(Path.Combine(root, "c[1].log"))];

        Assert.Equal(["a1.log", "a2.log", "b1.log"], found.Select(path => Path.GetFileName(path)));
        Assert.Equal(["c[1].log"], literal.Select(path => Path.GetFileName(path)));
        Directory.Delete(root, recursive: true);
    }
}
