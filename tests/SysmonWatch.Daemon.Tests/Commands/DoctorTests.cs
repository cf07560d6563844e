using SysmonWatch.Daemon.Commands;
using SysmonWatch.Daemon.Commands.Doctor;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Journal;

namespace SysmonWatch.Daemon.Tests.Commands;

/// <summary>doctor on hosts that are made of a few files.</summary>
public sealed class DoctorTests : IDisposable
{
    static readonly JournalAccess WithSysmon = new("", "", true);
    static readonly JournalAccess Closed = new("no right to read the journal's files", "add SupplementaryGroups=systemd-journal to the service, or the user to that group", false);

    readonly string _root = Directory.CreateTempSubdirectory("doctor-").FullName;

    public DoctorTests()
    {
        Put("/proc/571/comm", "sysmon\n");
        Put("/proc/1/comm", "systemd\n");
        Put("/proc/meminfo", "");
        Put("/opt/sysmon/sysmon", "");
        Put("/var/log/journal/x", "");
        Put("/etc/systemd/system/sysmon.service.d/limit.conf", "[Service]\nLogRateLimitIntervalSec=0\n");
        Put("/etc/rsyslog.conf", "# comment\nglobal(maxMessageSize=\"64k\")\n");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Finds_nothing_where_all_is_well_and_says_which_input_was_chosen_and_why()
    {
        (int code, string[] said) = Run("");

        Assert.Equal(0, code);
        Assert.Equal(
            [
                "good     input: the journal, chosen because the journal can be read and says who wrote an entry.",
                "good     journal: it can be read and has entries of Sysmon's.",
                "good     Sysmon: it runs (pid 571).",
                "good     journald: it drops none of Sysmon's messages for their number.",
            ],
            said[..4]);
        Assert.Equal(5, said.Length);
    }

    [Fact]
    public void Says_why_the_file_is_read_and_that_rsyslog_cuts_it_with_the_fix()
    {
        Put("/etc/rsyslog.conf", "$RepeatedMsgReduction on\nmodule(load=\"imjournal\" StateFile=\"x\")\n");
        (int code, string[] said) = Run("", Closed, (0x1A0, 4));

        Assert.Equal(0, code);
        Assert.Equal("good     input: /var/log/syslog, chosen because no right to read the journal's files.", said[0]);
        Assert.Equal("good     /var/log/syslog: the service may read it.", said[1]);
        Assert.Equal("warning  rsyslog: it cuts messages at 8096 bytes: a command line longer than that hides what stands behind it (user, parent).", said[4]);
        Assert.Equal("         fix: global(maxMessageSize=\"64k\") as the first line of /etc/rsyslog.conf, and systemctl restart rsyslog; or take the journal as input", said[5]);
        Assert.StartsWith("warning  rsyslog: $RepeatedMsgReduction is on", said[6]);
        Assert.StartsWith("warning  rsyslog: imjournal drops", said[8]);
    }

    [Theory]
    [InlineData(0x180, 0u, "error    /var/log/syslog: the service may not read it (mode 0600, group unknown).")]
    [InlineData(0x1A0, 0u, "error    /var/log/syslog: the service may not read it (mode 0640, group unknown).")]
    [InlineData(0x1A4, 0u, "good     /var/log/syslog: the service may read it.")]
    [InlineData(0x1A0, 4u, "good     /var/log/syslog: the service may read it.")]
    public void Looks_whether_the_service_may_read_a_file_not_whether_root_may(int mode, uint group, string expected)
    {
        (int code, string[] said) = Run("input: {files: [/var/log/syslog]}\n", WithSysmon, (mode, group));

        Assert.Equal(expected, said[1]);
        Assert.Equal(expected.StartsWith("error", StringComparison.Ordinal) ? 1 : 0, code);
        Assert.Equal("good     input: /var/log/syslog, as the configuration says.", said[0]);
    }

    [Fact]
    public void Says_that_sysmon_does_not_run_or_is_not_there()
    {
        Put("/proc/571/comm", "bash\n");
        Assert.Contains("error    Sysmon: it is installed and does not run.\n         fix: systemctl start sysmon; journalctl -u sysmon says why it ended", string.Join('\n', Run("").Said));
        File.Delete(_root + "/opt/sysmon/sysmon");

        (int code, string[] said) = Run("");

        Assert.Equal(1, code);
        Assert.Contains("error    Sysmon: it is not installed.", said);
    }

    [Theory]
    [InlineData("", "warning  journald: it drops what Sysmon writes beyond 10000 messages in 30s.")]
    [InlineData("[Journal]\nRateLimitBurst=500\nRateLimitIntervalSec=1min\n", "warning  journald: it drops what Sysmon writes beyond 500 messages in 1min.")]
    [InlineData("RateLimitIntervalSec=0\n", "good     journald: it drops none of Sysmon's messages for their number.")]
    [InlineData("Storage=none\n", "error    journald: Storage=none: it keeps nothing.")]
    [InlineData("Storage=volatile\n", "warning  journald: the journal does not outlive a reboot: what was not read by then is lost.")]
    public void Reads_journalds_limits(string configuration, string expected)
    {
        File.Delete(_root + "/etc/systemd/system/sysmon.service.d/limit.conf");
        Put("/etc/systemd/journald.conf.d/own.conf", configuration);

        Assert.Contains(expected, Run("").Said);
    }

    [Fact]
    public void Says_what_is_wrong_with_the_configuration_and_nothing_else()
    {
        (int code, string[] said) = Run("inputs: {}\n");

        Assert.Equal(ExitCodes.Configuration, code);
        Assert.Contains("'inputs'", Assert.Single(said));
    }

    (int Code, string[] Said) Run(string configuration, JournalAccess? journal = null, (int Mode, uint Group)? syslog = null)
    {
        string config = Path.Combine(_root, "sysmonwatch.yaml");
        File.WriteAllText(config, configuration);
        using var output = new StringWriter();
        int code = DoctorCommand.Run(config, new DoctorFiles(_root), journal ?? WithSysmon, Look, TimeProvider.System, output);
        return (code, output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));

        int Look(string path, out FileFacts facts)
        {
            facts = syslog is { } known ? new FileFacts(1, 2, 3, 4, 5, true, known.Mode, known.Group) : default;
            return path == "/var/log/syslog" && syslog is not null ? 0 : FileCalls.ENOENT;
        }
    }

    void Put(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_root + path)!);
        File.WriteAllText(_root + path, content);
    }
}
