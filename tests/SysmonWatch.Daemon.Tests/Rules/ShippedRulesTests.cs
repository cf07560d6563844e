using System.Globalization;
using SysmonWatch.Daemon.Tests.Commands;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Detection.Testing;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Rules;

/// <summary>The rules that ship: each is whole and does what its tests say, and together they leave an ordinary day in peace.</summary>
public sealed class ShippedRulesTests : IDisposable
{
    static readonly string Pack = Path.Combine(Places.Repository, "deploy/rules");

    readonly string _directory = Directory.CreateTempSubdirectory("rules-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void All_load_without_a_word()
    {
        RuleSet rules = RuleLoader.Load([Pack]);

        Assert.Empty(rules.Problems);
        Assert.All(rules.Rules, rule => Assert.True(Guid.TryParse(rule.Metadata.Id, out _), rule.Metadata.Title));
        Assert.All(rules.Rules, rule => Assert.NotNull(rule.Metadata.Name));
    }

    [Fact]
    public void Each_says_what_it_means_and_what_to_do()
    {
        string[] wanted = ["description:", "author:", "date:", "level:", "status:"];
        string[] ofAlerts = ["response:", "falsepositives:", "tags:", "  - attack.", "references:"];
        foreach (string document in Files().Where(file => !file.Contains("/filters/", StringComparison.Ordinal)).SelectMany(file => File.ReadAllText(file).Split("\n---\n")))
        {
            IEnumerable<string> keys = document.Contains("\nlevel: informational", StringComparison.Ordinal) ? wanted : wanted.Concat(ofAlerts);

            Assert.All(keys, key => Assert.True(document.Contains($"\n{key}", StringComparison.Ordinal), $"no '{key}' in: {document.Split('\n')[0]}"));
        }
    }

    [Fact]
    public void Each_file_with_a_detection_has_tests_of_both_kinds_that_hold()
    {
        string[] withDetection = [.. Files().Where(file => !file.Contains("/impact/", StringComparison.Ordinal) && File.ReadAllText(file).Contains("\ndetection:", StringComparison.Ordinal))];

        Assert.NotEmpty(withDetection);
        Assert.All(withDetection, file => Assert.True(File.Exists(RuleTestFile.PathFor(file)), $"{file} has no tests beside it"));
        RuleSet all = RuleLoader.Load([Pack]);
        foreach (string file in Files().Where(file => File.Exists(RuleTestFile.PathFor(file))))
        {
            RuleSet rules = all.OfFile(file);
            IReadOnlyList<RuleTestCase> cases = RuleTestFile.Parse(File.ReadAllText(RuleTestFile.PathFor(file)), out IReadOnlyList<string> problems);

            Assert.Empty(problems);
            Assert.Equal([false, true], cases.Select(test => test.MustMatch).Distinct().Order());
            Assert.All(RuleTester.Run(rules, cases), result => Assert.True(result.Passed, $"{file}: {result.Case.Name}"));
        }
    }

    [Theory]
    [InlineData("10a-benign-apt")]
    [InlineData("10b-benign-c-build")]
    [InlineData("10c-benign-cron-logrotate-mandb")]
    [InlineData("10d-benign-git-venv-pip")]
    [InlineData("10e-benign-web-backup-monitoring")]
    [InlineData("10f-benign-admin-session")]
    public void An_ordinary_day_is_quiet_also_with_the_rules_of_SigmaHq(string scenario)
    {
        string log = Log(scenario);
        string sigmaHq = Places.ReferenceData("data/sigma/rules/sysmon");

        foreach (string[] rules in (string[][])[[Pack], [Pack, sigmaHq]])
        {
            Replayed replayed = Replayed.With([log], rules);

            int events = Number(replayed.Errors, " Sysmon events");
            Assert.DoesNotContain(replayed.Alerts, alert => alert.Level >= RuleLevel.High);
            Assert.InRange(replayed.Alerts.Count(alert => alert.Level == RuleLevel.Medium), 0, events / 1000);
        }
    }

    // Weak signs of one session become strong together.
    [Theory]
    [InlineData("04-persistence", "several_startup_places_written")]
    [InlineData("05-defense-evasion", "several_traces_destroyed")]
    [InlineData("06-discovery-credaccess", "several_secrets_sought")]
    [InlineData("09-privesc", "several_ways_to_root_tried")]
    [InlineData("09-privesc", "sudo_rights_probed")]
    [InlineData("11-watcher-evasion", "shell_too_long_to_log_downloads")]
    public void Several_signs_of_one_session_raise_an_alert_of_their_own(string scenario, string rule)
    {
        Assert.Contains(Replayed.With([Log(scenario)], [Pack]).Alerts, alert => alert.RuleId == Id(rule));
    }

    [Fact]
    public void A_new_account_with_power_is_told_where_one_session_made_it()
    {
        string session = Process(1, "/usr/bin/bash", "-bash", parent: 0);
        string create = Process(2, "/usr/sbin/useradd", "useradd -m helper", parent: 1);
        string power = Process(3, "/usr/sbin/usermod", "usermod -aG sudo helper", parent: 1);
        string other = Process(4, "/usr/sbin/usermod", "usermod -aG sudo helper", parent: 0);

        Assert.Contains(Raised(session, create, power), alert => alert.RuleId == Id("account_with_power_set_up"));
        Assert.DoesNotContain(Raised(session, create, other), alert => alert.RuleId == Id("account_with_power_set_up"));
    }

    [Fact]
    public void A_password_tried_ten_times_is_told()
    {
        string[] tries = [Process(1, "/usr/bin/bash", "bash", parent: 0), .. Enumerable.Range(2, 10).Select(n => Process(n, "/usr/bin/sudo", "sudo -kS id", parent: 1))];

        Assert.Contains(Raised(tries), alert => alert.RuleId == Id("su_password_guessed"));
        Assert.DoesNotContain(Raised(tries[..^1]), alert => alert.RuleId == Id("su_password_guessed"));
    }

    // The back door of CVE-2024-3094 runs commands before anybody has logged in; everybody's commands over SSH look the same otherwise.
    [Theory]
    [InlineData("sh -c id", "4294967295", 1)]
    [InlineData("sh -c id", "23", 0)]
    [InlineData("bash -c uptime", "4294967295", 0)]
    public void The_filter_for_the_back_door_in_ssh_leaves_what_is_no_login(string command, string session, int alerts)
    {
        string sigmaHq = Places.ReferenceData("data/sigma/rules/sysmon");
        string log = Write(Process(1, "/usr/bin/dash", command, parent: 0, image: "/usr/sbin/sshd", session: session));

        Assert.Equal(alerts, Replayed.With([log], [Pack, sigmaHq]).Alerts.Count(alert => alert.RuleId == "9aa27839-e8ba-4d7a-ac1a-746c22c3d1e5"));
    }

    IReadOnlyList<Alert> Raised(params string[] lines) => Replayed.With([Write(lines)], [Pack]).Alerts;

    string Write(params string[] lines)
    {
        string path = Path.Combine(_directory, $"{Directory.GetFiles(_directory).Length}.log");
        File.WriteAllLines(path, lines);
        return path;
    }

    static string Process(int number, string program, string command, int parent, string image = "/usr/bin/bash", string session = "7") =>
        $$"""
        2026-11-24T02:00:{{number:00}}.000000+00:00 web sysmon: <Event><System><Provider Name="Linux-Sysmon" Guid="{ff032593-a8d3-4f13-b0d6-01fc615a0f97}"/><EventID>1</EventID><Version>5</Version><Level>4</Level><Task>1</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime="2026-11-24T02:00:{{number:00}}.000000000Z"/><EventRecordID>{{number}}</EventRecordID><Correlation/><Execution ProcessID="5" ThreadID="5"/><Channel>Linux-Sysmon/Operational</Channel><Computer>web</Computer><Security UserId="0"/></System><EventData><Data Name="RuleName">-</Data><Data Name="UtcTime">2026-11-24 02:00:{{number:00}}.000</Data><Data Name="ProcessGuid">{{GuidOf(number)}}</Data><Data Name="ProcessId">{{100 + number}}</Data><Data Name="Image">{{program}}</Data><Data Name="FileVersion">-</Data><Data Name="Description">-</Data><Data Name="Product">-</Data><Data Name="Company">-</Data><Data Name="OriginalFileName">-</Data><Data Name="CommandLine">{{command}}</Data><Data Name="CurrentDirectory">/</Data><Data Name="User">{{(program.EndsWith("sudo", StringComparison.Ordinal) ? "bob" : "root")}}</Data><Data Name="LogonGuid">{00000000-0000-0000-0000-000000000000}</Data><Data Name="LogonId">0</Data><Data Name="TerminalSessionId">{{session}}</Data><Data Name="IntegrityLevel">no level</Data><Data Name="Hashes">-</Data><Data Name="ParentProcessGuid">{{GuidOf(parent)}}</Data><Data Name="ParentProcessId">{{(parent == 0 ? 1 : 100 + parent)}}</Data><Data Name="ParentImage">{{(parent == 0 ? image : "/usr/bin/bash")}}</Data><Data Name="ParentCommandLine">-</Data><Data Name="ParentUser">root</Data></EventData></Event>
        """;

    static string GuidOf(int number) => number == 0 ? "{00000000-0000-0000-0000-000000000000}" : $"{{5f2c9a71-0000-6b04-0000-{number:x12}}}";

    static string Log(string scenario)
    {
        string directory = Places.ReferenceData($"data/scenarios/dev/{scenario}");
        string plain = Path.Combine(directory, "syslog.iso");
        return File.Exists(plain) ? plain : $"{plain}.gz";
    }

    static IEnumerable<string> Files() =>
        Directory.EnumerateFiles(Pack, "*.yml", SearchOption.AllDirectories).Where(file => !file.EndsWith(".test.yml", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    static string Id(string name)
    {
        RuleSet rules = RuleLoader.Load([Pack]);
        return rules.Rules.Select(rule => rule.Metadata).Concat(rules.Correlations.Select(rule => rule.Metadata)).Single(metadata => metadata.Name == name).Id;
    }

    static int Number(string summary, string before)
    {
        string words = summary[..summary.IndexOf(before, StringComparison.Ordinal)];
        return int.Parse(words[(words.LastIndexOf(' ') + 1)..], NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
    }
}
