using SysmonWatch.Daemon.Commands;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Commands;

public sealed class ReplayCommandTests : IDisposable
{
    const string Deletion = "63f595bf-d4f9-4483-bef6-2ba084527c5f", FanOut = "3c937722-f9c4-462e-a8a9-642d26222489", Both = "c032b8b4-2f8e-482a-a611-c2ea76a6d402";

    readonly string _directory = Directory.CreateTempSubdirectory("replay-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Finds_the_seed_case_and_says_it_in_the_promised_form()
    {
        Replayed replayed = Replayed.Of(SeedLog.Path);

        Assert.Equal(ExitCodes.Success, replayed.ExitCode);
        Assert.Equal([(Deletion, RuleLevel.High), (FanOut, RuleLevel.High), (Both, RuleLevel.Critical)], replayed.Alerts.Select(a => (a.RuleId, a.Level)));
        Assert.StartsWith(
            """{"alert_id":"2786252d8e457fda856a18ea91a6129a","rule_id":"63f595bf-d4f9-4483-bef6-2ba084527c5f","rule_title":"Power-control program deleted","level":"high","time":"2026-11-24T02:40:40.529759Z","computer":"web-a01",""",
            replayed.Lines[0], StringComparison.Ordinal);
        foreach (string name in (string[])["record_ids", "tags", "image", "process_id", "process_guid", "command_line", "user", "count"])
        {
            Assert.All(replayed.Lines, line => Assert.Contains($"\"{name}\":", line, StringComparison.Ordinal));
        }
        Assert.Equal([154UL, 155UL, 156UL, 157UL], replayed.Alerts[0].RecordIds);
        Assert.Equal(4, replayed.Alerts[0].Count);
        // Who did it; the two that are about a family name its root besides.
        Assert.All(replayed.Alerts, alert => Assert.Equal(("/tmp/.kw3f", "./.kw3f 400"), (alert.Image, alert.CommandLine)));
        Assert.Equal([null, ("/usr/bin/bash", "-bash", 26300), ("/usr/bin/bash", "-bash", 26300)], replayed.Alerts.Select(FamilyOf));
        Assert.DoesNotContain("family_image", replayed.Lines[0], StringComparison.Ordinal);
        Assert.Contains("\"family_image\":\"/usr/bin/bash\",\"family_command_line\":\"-bash\",\"family_process_id\":26300", replayed.Lines[2], StringComparison.Ordinal);
        Assert.Equal(100, replayed.Alerts[1].RecordIds.Count);
        Assert.StartsWith("483 records, 467 Sysmon events, 2 rules, 2 correlations, 405 findings, 3 alerts; ", replayed.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("01a-seed-c-static", 3)]
    [InlineData("01b-seed-busybox-many-pids", 3)]
    [InlineData("10a-benign-apt", 0)]
    [InlineData("10b-benign-c-build", 0)]
    [InlineData("10c-benign-cron-logrotate-mandb", 0)]
    [InlineData("10d-benign-git-venv-pip", 0)]
    [InlineData("10e-benign-web-backup-monitoring", 0)]
    [InlineData("10f-benign-admin-session", 0)]
    [InlineData("12-mixed", 3)]
    public void Finds_the_same_in_every_form_of_a_log(string scenario, int alerts)
    {
        Replayed[] forms = [.. Forms(scenario).Select(file => Replayed.Of(file))];

        Assert.All(forms, form => Assert.Equal(ExitCodes.Success, form.ExitCode));
        Assert.Equal(alerts, forms[0].Ids.Length);
        Assert.Equal(forms[0].Ids, forms[1].Ids);
        Assert.Equal(forms[0].Ids, forms[2].Ids);
    }

    [Fact]
    public void Finds_the_deletions_of_a_script_of_many_processes()
    {
        Alert deletion = Replayed.Of(Forms("01b-seed-busybox-many-pids")[0]).Alerts.Single(alert => alert.RuleId == Deletion);

        Assert.Equal([688UL, 691UL, 694UL, 697UL], deletion.RecordIds);
    }

    [Fact]
    public void An_alert_shows_who_started_it()
    {
        Alert deletion = Replayed.Of(Forms("01a-seed-c-static")[0]).Alerts.First(alert => alert.RuleId == Deletion);

        Assert.Equal("sshd → bash → .kw3f", string.Join(" → ", deletion.Chain));
    }

    [Fact]
    public void Says_what_it_left_out_where_and_why()
    {
        string entry = "__CURSOR=1\n__REALTIME_TIMESTAMP=1\nMESSAGE=x\n\n";
        string log = Write("journal.export", entry + "no field\n" + entry + "LIE\n\u00010000000");

        string errors = Replayed.Of(log).Errors;

        Assert.Contains($"{log}: byte {entry.Length}: this line is no field of a journal entry and no line of syslog; it was left out.", errors, StringComparison.Ordinal);
        Assert.Contains($"{log}: byte {(2 * entry.Length) + 9}: this field does not end after the 3,472,328,296,227,680,257 bytes that it says it has; it was left out.", errors, StringComparison.Ordinal);
        Assert.Contains("  2 pieces of input of no known form", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Says_which_lines_stood_within_another()
    {
        string[] lines = [.. SeedLog.Lines().Where(line => line.Contains("<Event>", StringComparison.Ordinal)).Take(3)];
        string log = Write("syslog", $"{lines[0][..^60]}{lines[1]}\n{lines[2]}<Event><System><EventID>1</EventID></System></Event>\n");

        string errors = Replayed.Of(log).Errors;

        Assert.Contains("2 records, 3 Sysmon events", errors, StringComparison.Ordinal);
        Assert.Contains("  1 lines that began within another line (a write was torn), evaluated", errors, StringComparison.Ordinal);
        Assert.Contains("  1 lines with a second event that nothing says Sysmon wrote, not evaluated", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/sbin/reboot", 1)]
    [InlineData("//usr/sbin/./../bin//systemctl", 1)]
    [InlineData("/proc/self/root/sbin/reboot", 1)]
    [InlineData("/proc/1/task/1/root/usr/sbin/../bin/halt", 1)]
    [InlineData("/proc/self/root/tmp/sbin/reboot", 0)]
    [InlineData("/sbin/reboot.dpkg-tmp", 0)]
    [InlineData("/srv/image/sbin/reboot", 0)]
    public void Finds_a_deletion_however_the_path_is_spelled(string path, int alerts)
    {
        string deletion = SeedLog.Lines().Single(line => line.Contains("<EventRecordID>154<", StringComparison.Ordinal));
        string log = Write("syslog", deletion.Replace(">/sbin/reboot<", $">{path}<", StringComparison.Ordinal) + "\n");

        Assert.Equal(alerts, Replayed.Of(log).Alerts.Count(alert => alert.RuleId == Deletion));
    }

    [Fact]
    public void The_journal_tells_more_where_rsyslog_lost_lines_or_somebody_forged_them()
    {
        // 05: rsyslog was stopped for six seconds, 12 events are only in the journal. A rule for every event shows each of them.
        string rule = Write("all.yml", "title: all\nid: 11111111-1111-4111-8111-111111111111\nlogsource:\n  product: linux\n  service: sysmon\ndetection:\n  any:\n    Computer: '*'\n  condition: any\nlevel: low\n");
        string config = Write("sysmonwatch.yaml", "alerts:\n  suppression_period: 0s\n");
        HashSet<ulong>[] records05 = [.. Forms("05-defense-evasion").Select(file => Records(Replayed.With([file], [rule], config)))];
        Assert.Equal(records05[0], records05[1]);
        Assert.Equal(12, records05[2].Except(records05[0]).Count());
        Assert.Empty(records05[0].Except(records05[2]));

        // 11: four lines were forged, which only the journal can prove; two are cut in the file.
        Replayed[] forms11 = [.. Forms("11-watcher-evasion").Select(file => Replayed.Of(file))];
        Assert.Empty(forms11[0].Ids);
        Assert.Empty(forms11[1].Ids);
        Assert.All(forms11[2].Alerts, alert => Assert.Equal("sysmonwatch-forged-event", alert.RuleId));
        Assert.Equal(4, forms11[2].Alerts.Sum(alert => alert.Count));
        Assert.Contains("  4 forged events, not believed", forms11[2].Errors, StringComparison.Ordinal);
        Assert.Contains("  2 truncated events, evaluated as far as they go", forms11[0].Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_given_twice_changes_nothing_and_its_copies_are_counted()
    {
        Replayed twice = Replayed.Of(SeedLog.Path, SeedLog.Path);

        Assert.Equal(Replayed.Of(SeedLog.Path).Lines, twice.Lines);
        Assert.Contains("  467 copies, not evaluated twice", twice.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_different_events_with_one_identity_are_both_evaluated_and_told()
    {
        string[] lines = SeedLog.Lines();
        int at = Array.FindIndex(lines, line => line.Contains("<EventID>23<", StringComparison.Ordinal) && line.Contains("/sbin/reboot", StringComparison.Ordinal));
        string other = lines[at].Replace("/sbin/reboot", "/sbin/shutdown", StringComparison.Ordinal);

        Replayed replayed = Replayed.Of(Write("log", string.Join('\n', [.. lines[..(at + 1)], other]) + "\n"));

        Assert.Equal(2, replayed.Alerts.Single(alert => alert.RuleId == Deletion).Count);
        Assert.Single(replayed.Alerts, alert => alert.RuleId == "sysmonwatch-conflicting-events");
        Assert.Contains("  1 events with the identity of another", replayed.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_rules_it_only_decodes()
    {
        Replayed replayed = Replayed.With([SeedLog.Path], ["none"]);

        Assert.Empty(replayed.Lines);
        Assert.StartsWith("483 records, 467 Sysmon events, 0 rules, 0 correlations, 0 findings, 0 alerts; ", replayed.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_that_the_configuration_disables_does_not_alert_but_feeds_correlations()
    {
        string config = Write("sysmonwatch.yaml", $"rules:\n  disabled: [{Deletion}]\n");

        Replayed replayed = Replayed.With([SeedLog.Path], [], config);

        Assert.DoesNotContain(replayed.Alerts, alert => alert.RuleId == Deletion);
        Assert.Contains(replayed.Alerts, alert => alert.RuleId == FanOut);
        Assert.Contains(replayed.Alerts, alert => alert.RuleId == Both);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(5_000)]
    [InlineData(-4)]
    public void A_compressed_file_that_is_cut_off_is_read_as_far_as_it_goes_and_the_next_one_after_it(int length)
    {
        byte[] bytes = File.ReadAllBytes(SeedLog.Path);
        string cut = Path.Combine(_directory, "cut.gz");
        File.WriteAllBytes(cut, length < 0 ? bytes[..^-length] : bytes[..length]);

        Replayed replayed = Replayed.Of(cut, SeedLog.Path);

        Assert.Equal(ExitCodes.NoInput, replayed.ExitCode);
        Assert.Contains($"{cut}: the compressed data is damaged or cut off", replayed.Errors, StringComparison.Ordinal);
        Assert.Equal(Replayed.Of(SeedLog.Path).Ids, replayed.Ids);
    }

    [Fact]
    public void What_was_found_before_a_damaged_place_is_told()
    {
        byte[] bytes = File.ReadAllBytes(SeedLog.Path);
        bytes.AsSpan(bytes.Length - 200, 100).Fill(0xFF);
        string damaged = Path.Combine(_directory, "damaged.gz");
        File.WriteAllBytes(damaged, bytes);

        Replayed replayed = Replayed.Of(damaged);

        Assert.Equal(ExitCodes.NoInput, replayed.ExitCode);
        Assert.Equal([Deletion, FanOut, Both], replayed.Alerts.Select(alert => alert.RuleId));
        Assert.Contains($"{damaged}: the compressed data is damaged", replayed.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Says_which_file_it_cannot_read()
    {
        string missing = Path.Combine(_directory, "missing");

        Assert.Equal((ExitCodes.NoInput, $"{missing}: there is no such file.\n"), Ended(Replayed.Of(SeedLog.Path, missing)));
        Assert.Equal((ExitCodes.NoInput, $"{_directory}: is a directory; give the files in it.\n"), Ended(Replayed.Of(_directory)));
    }

    [Fact]
    public void Says_that_no_rule_is_left()
    {
        string broken = Write("broken.yml", "title: broken\n");

        Replayed replayed = Replayed.With([SeedLog.Path], [broken]);

        Assert.Equal(ExitCodes.Failure, replayed.ExitCode);
        Assert.EndsWith($"No rule is left of {broken}; nothing would be found.\n", replayed.Errors, StringComparison.Ordinal);
        Assert.StartsWith($"{broken}:1:1: error: ", replayed.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_command_lines_and_programs_of_one_family_are_alerts_of_their_own_and_true_repeats_are_counted()
    {
        string rule = Write("rule.yml", "title: Discovery\nlogsource: {product: linux, category: process_creation}\ndetection:\n  s: {CommandLine|contains: find-me}\n  condition: s\n");
        string[] commands = [.. Enumerable.Range(1, 9).Select(n => $"tool --find-me {n}")];
        string started = SeedLog.Lines().First(line => line.Contains("<EventID>1<", StringComparison.Ordinal) && line.Contains(">/tmp/.kw3f<", StringComparison.Ordinal));
        IEnumerable<string> lines = commands.Append(commands[0]).Append(commands[0]).Select((command, n) => Started(started, "/usr/bin/tool", command, n)).Append(Started(started, "/usr/bin/other", commands[0], 20));

        Replayed replayed = Replayed.With([Write("log", string.Join('\n', lines) + "\n")], [rule]);

        Assert.Equal([.. commands.Select(command => ("/usr/bin/tool", command)), ("/usr/bin/other", commands[0])], replayed.Alerts.Select(alert => (alert.Image, alert.CommandLine)));
        Assert.Equal([3, 1, 1, 1, 1, 1, 1, 1, 1, 1], replayed.Alerts.Select(alert => alert.Count));

        static string Started(string line, string image, string command, int number)
        {
            line = System.Text.RegularExpressions.Regex.Replace(line, "(?<=<Data Name=\"Image\">)[^<]*", image);
            line = System.Text.RegularExpressions.Regex.Replace(line, "(?<=<Data Name=\"CommandLine\">)[^<]*", command);
            return System.Text.RegularExpressions.Regex.Replace(line, "(?<=<EventRecordID>)[^<]*", $"{9000 + number}");
        }
    }

    [Fact]
    public void A_future_dated_line_moves_no_window_and_folds_nothing_that_comes_later()
    {
        string[] lines = SeedLog.Lines();
        int first = Array.FindIndex(lines, IsDeletion);
        // The header says when it came; the event says that it is of a day years ahead.
        string future = lines[first].Replace("SystemTime=\"2024-", "SystemTime=\"2034-", StringComparison.Ordinal).Replace("<EventRecordID>", "<EventRecordID>9", StringComparison.Ordinal);

        Replayed undisturbed = Replayed.Of(Write("log", string.Join('\n', lines) + "\n"));
        Replayed before = Replayed.Of(Write("log", string.Join('\n', [.. lines[..first], future, .. lines[first..]]) + "\n"));
        Replayed amid = Replayed.Of(Write("log", string.Join('\n', [.. lines[..(first + 2)], future, .. lines[(first + 2)..]]) + "\n"));

        // Amid the others it is one more of them.
        Assert.Equal(undisturbed.Ids, amid.Ids);
        Assert.Equal(5, amid.Alerts.Single(alert => alert.RuleId == Deletion).Count);
        Assert.Equal(5, before.Alerts.Single(alert => alert.RuleId == Deletion).Count);
        Assert.Contains("  1 events from the future, which advance no window", before.Errors, StringComparison.Ordinal);

        static bool IsDeletion(string line) => line.Contains("<EventID>23<", StringComparison.Ordinal) && line.Contains("/sbin/reboot", StringComparison.Ordinal);
    }

    static (string, string?, int?)? FamilyOf(Alert alert) => alert.FamilyImage is { } image ? (image, alert.FamilyCommandLine, alert.FamilyProcessId) : null;

    static (int, string) Ended(Replayed replayed) => (replayed.ExitCode, replayed.Errors);

    static HashSet<ulong> Records(Replayed replayed) => [.. replayed.Alerts.SelectMany(alert => alert.RecordIds)];

    /// <summary>The file with ISO headers, that with traditional ones, and the journal; the files may be compressed.</summary>
    static string[] Forms(string scenario)
    {
        string directory = Places.ReferenceData($"data/scenarios/dev/{scenario}");
        return [.. ((string[])["syslog.iso", "syslog.traditional", "journal.export.gz"]).Select(form => Directory.GetFiles(directory, form + "*").Single())];
    }

    string Write(string name, string text)
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }
}
