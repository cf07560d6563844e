using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Configuration;

/// <summary>The service's user as it is in the unit, and files that root can read anyway.</summary>
public sealed class ServiceUserTests : IDisposable
{
    const uint Adm = 4;
    const UnixFileMode Mode0640 = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, Mode0644 = Mode0640 | UnixFileMode.OtherRead;

    readonly string _directory = Directory.CreateTempSubdirectory("service-user-").FullName;

    public ServiceUserTests()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            if (Places.MustNotSkip) throw new InvalidOperationException("Root is required (SYSMONWATCH_REQUIRE_ALL=1).");
            Assert.Skip("needs root");
        }
        Open(_directory);
    }

    static ServiceUser User => new(61184, 61184, [Adm], []);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Is_kept_out_by_a_mode_that_names_only_root_and_let_in_by_its_group()
    {
        string file = Put("url", Mode0640);

        Assert.Equal("permission denied", User.WhyUnreadable(file));
        GiveTo("root:adm", file);
        Assert.Null(User.WhyUnreadable(file));
        GiveTo("root:root", file);
        File.SetUnixFileMode(file, Mode0644);
        Assert.Null(User.WhyUnreadable(file));
    }

    [Fact]
    public void Is_kept_out_by_a_directory_and_by_what_the_unit_hides()
    {
        string file = Put("url", Mode0644);

        File.SetUnixFileMode(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Equal("permission denied", User.WhyUnreadable(file));
        Assert.Equal("its unit hides /tmp from it", new ServiceUser(61184, 61184, [Adm], ["/tmp"]).WhyUnreadable("/tmp/url"));
    }

    [Fact]
    public void This_process_keeps_its_own_rights()
    {
        string file = Put("url", Mode0640);
        User.WhyUnreadable(file);

        Assert.Equal("x", File.ReadAllText(file));
        Assert.True(Environment.IsPrivilegedProcess);
    }

    [Fact]
    public void Check_sees_a_secret_with_its_eyes_and_gives_advice_that_helps()
    {
        string secret = Put("url", Mode0640), config = Path.Combine(_directory, "c.yaml");
        File.WriteAllText(secret, "https://h.example/x");
        File.WriteAllText(config, $"webhooks: [{{name: a, type: slack, url: {{file: {secret}}}}}]");

        string problem = Assert.Single(ConfigurationLoader.Load(config, onlyChecking: true, service: User).Problems).ToString();
        GiveTo("root:adm", secret);
        IReadOnlyList<ConfigurationProblem> followed = ConfigurationLoader.Load(config, onlyChecking: true, service: User).Problems;

        Assert.Equal($"{config}:1:47: warning: webhooks[0].url.file: the file cannot be read by the service (permission denied); let systemd pass it ({{credential: NAME}}, see docs/install.md), or chown root:adm and chmod 0640 the file.", problem);
        Assert.Empty(followed);
    }

    string Put(string name, UnixFileMode mode)
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllText(path, "x");
        File.SetUnixFileMode(path, mode);
        return path;
    }

    static void Open(string directory) => File.SetUnixFileMode(directory, File.GetUnixFileMode(directory) | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

    static void GiveTo(string owner, string file)
    {
        using System.Diagnostics.Process chown = System.Diagnostics.Process.Start("chown", [owner, file]);
        chown.WaitForExit();
    }
}
