using Microsoft.Extensions.Logging.Abstractions;
using SysmonWatch.Daemon.Commands;
using SysmonWatch.Daemon.Commands.Doctor;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Journal;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.State;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Tests.Commands;

/// <summary>doctor on hosts that are made of a few files.</summary>
public sealed class DoctorTests : IDisposable
{
    static readonly JournalAccess WithSysmon = new("", "", true);
    static readonly JournalAccess Closed = new("no right to read the journal's files", "add SupplementaryGroups=systemd-journal to the service, or the user to that group", false);

    string? _unit = Unit("active", "following the journal, 3 alerts in 1 h");
    bool _lacksLibraries;

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
                "good     service: it runs (pid 42): following the journal, 3 alerts in 1 h.",
                "good     input: the journal, chosen because the journal can be read and says who wrote an entry.",
                "good     journal: it can be read and has entries of Sysmon's.",
                "good     Sysmon: it runs (pid 571).",
                "good     journald: it drops none of Sysmon's messages for their number.",
            ],
            said[..5]);
        Assert.Equal(6, said.Length);
    }

    [Fact]
    public void Says_why_the_file_is_read_and_that_rsyslog_cuts_it_with_the_fix()
    {
        Put("/etc/rsyslog.conf", "$RepeatedMsgReduction on\nmodule(load=\"imjournal\" StateFile=\"x\")\n");
        (int code, string[] said) = Run("", Closed, (0x1A0, 4));

        Assert.Equal(0, code);
        Assert.Equal("good     input: /var/log/syslog, chosen because no right to read the journal's files.", said[1]);
        Assert.Equal("good     /var/log/syslog: the service may read it.", said[2]);
        Assert.Equal("warning  rsyslog: it cuts messages at 8096 bytes: a command line longer than that hides what stands behind it (user, parent).", said[5]);
        Assert.Equal("         fix: global(maxMessageSize=\"64k\") as the first line of /etc/rsyslog.conf, and systemctl restart rsyslog; or take the journal as input", said[6]);
        Assert.StartsWith("warning  rsyslog: $RepeatedMsgReduction is on", said[7]);
        Assert.StartsWith("warning  rsyslog: imjournal drops", said[9]);
    }

    [Theory]
    [InlineData(0x180, 0u, "error    /var/log/syslog: the service may not read it (mode 0600, group unknown).")]
    [InlineData(0x1A0, 0u, "error    /var/log/syslog: the service may not read it (mode 0640, group unknown).")]
    [InlineData(0x1A4, 0u, "good     /var/log/syslog: the service may read it.")]
    [InlineData(0x1A0, 4u, "good     /var/log/syslog: the service may read it.")]
    public void Looks_whether_the_service_may_read_a_file_not_whether_root_may(int mode, uint group, string expected)
    {
        (int code, string[] said) = Run("input: {files: [/var/log/syslog]}\n", WithSysmon, (mode, group));

        Assert.Equal(expected, said[2]);
        Assert.Equal(expected.StartsWith("error", StringComparison.Ordinal) ? 1 : 0, code);
        Assert.Equal("good     input: /var/log/syslog, as the configuration says.", said[1]);
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
        Assert.Contains("'inputs'", said[0], StringComparison.Ordinal);
        Assert.StartsWith("good     service:", Assert.Single(said[1..]), StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string, int> Services => new()
    {
        { "LoadState=not-found\n", "error    service: sysmonwatch.service is not installed (not-found).", "copy deploy/sysmonwatch.service", 1 },
        { Unit("failed", "", "ExecMainStatus=78\nResult=exit-code\n"), "error    service: it has failed (exit-code, exit code 78).", "sysmonwatch check shows where; then systemctl restart sysmonwatch", 1 },
        { Unit("failed", "", "ExecMainStatus=9\nResult=signal\n"), "error    service: it has failed (signal, exit code 9).", "journalctl -u sysmonwatch says why", 1 },
        { Unit("inactive", ""), "error    service: it does not run (inactive).", "systemctl enable --now sysmonwatch", 1 },
        { Unit("active", "following x", "UnitFileState=disabled\n"), "warning  service: it is disabled: it will not run after the next boot.", "fix: systemctl enable sysmonwatch", 0 },
        { Unit("active", "following x", "UnitFileState=masked\n"), "warning  service: it is masked: it will not run after the next boot.", "systemctl unmask sysmonwatch", 0 },
        { Unit("active", "following x, chat FAILING since 2026 (no answer), 3 waiting"), "error    service: it runs, and says: following x, chat FAILING since 2026 (no answer), 3 waiting.", "mend what it names", 1 },
        { Unit("active", "RELOAD REFUSED at noon: c.yaml:1:1: error: x"), "error    service: it runs, and says: RELOAD REFUSED at noon: c.yaml:1:1: error: x.", "mend what it names", 1 },
    };

    [Theory]
    [MemberData(nameof(Services))]
    public void Knows_its_own_service(string unit, string expected, string fix, int expectedCode)
    {
        _unit = unit;

        (int code, string[] said) = Run("");

        Assert.Equal(expectedCode, code);
        int at = Array.IndexOf(said, expected);
        Assert.True(at >= 0, string.Join('\n', said));
        Assert.Contains(fix, said[at + 1], StringComparison.Ordinal);
    }

    [Fact]
    public void Says_where_no_systemd_answers()
    {
        _unit = null;

        Assert.Contains("warning  service: no systemd answers here, so nothing is known about it.", Run("").Said);
    }

    [Fact]
    public void Says_which_libraries_are_missing()
    {
        _lacksLibraries = true;

        (int code, string[] said) = Run("");

        Assert.Equal(1, code);
        Assert.Contains("error    libsystemd: libsystemd.so.0 cannot be loaded, so that the journal cannot be read.", said);
        Assert.Contains("error    libssl: libssl.so.3 cannot be loaded, so that no https webhook can be reached.", said);
    }

    [Fact]
    public void Says_that_a_webhook_cannot_be_used_and_that_the_outbox_could_not_be_delivered()
    {
        string state = Path.Combine(_root, "state");
        using (var store = StateStore.Open(state, new OutboxLimits(1000, 1 << 20, TimeSpan.FromDays(1)), 100, new Counters(), TimeProvider.System, NullLogger.Instance))
        {
            store.AddAlerts([new StoredAlert("a1", RuleLevel.High, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, "{}"u8.ToArray(), ["chat"])]);
            store.MarkFailed("chat", "a1", "its host name cannot be resolved", DateTimeOffset.UnixEpoch);
        }

        (int code, string[] said) = Run($"state: {{directory: {state}}}\nwebhooks: [{{name: lost, type: slack, url: {{env: SYSMONWATCH_TEST_ABSENT}}}}, {{name: passed, type: slack, url: {{credential: x}}}}]\n");

        Assert.Equal(1, code);
        Assert.Contains("error    lost: it cannot be used: its URL cannot be used: the environment variable is not set.", said);
        Assert.Contains("error    chat: 1 alert could not be delivered (its host name cannot be resolved).", said);
        Assert.DoesNotContain(said, line => line.StartsWith("error    passed:", StringComparison.Ordinal));
    }

    [Fact]
    public void Says_that_the_place_of_the_state_is_a_file()
    {
        string file = Path.Combine(_root, "state");
        File.WriteAllText(file, "");

        DoctorFinding found = DoctorHost.State(new StateOptions { Directory = file + "/below" });

        Assert.Equal((Health.Error, $"{file} is a file, so that {file}/below cannot be a directory"), (found.Health, found.Text));
    }

    static string Unit(string state, string status, string more = "") => $"LoadState=loaded\nUnitFileState=enabled\nActiveState={state}\nSubState=x\nMainPID=42\nStatusText={status}\n{more}";

    (int Code, string[] Said) Run(string configuration, JournalAccess? journal = null, (int Mode, uint Group)? syslog = null)
    {
        string config = Path.Combine(_root, "sysmonwatch.yaml");
        File.WriteAllText(config, configuration);
        using var output = new StringWriter();
        int code = DoctorCommand.Run(config, new DoctorView(new DoctorFiles(_root), journal ?? WithSysmon, Look, _unit, _ => !_lacksLibraries, null), TimeProvider.System, output);
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
