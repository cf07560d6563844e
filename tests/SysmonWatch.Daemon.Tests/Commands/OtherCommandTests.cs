using System.Text;
using System.Text.Json;
using SysmonWatch.Daemon.Commands;
using SysmonWatch.Daemon.Commands.Replay;
using SysmonWatch.Daemon.Commands.Rules;
using SysmonWatch.Daemon.Commands.Service;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Commands;

public sealed class OtherCommandTests : IDisposable
{
    const string Rule = "title: A shell\nid: 22222222-2222-4222-8222-222222222222\nlogsource:\n  product: linux\n  category: process_creation\ndetection:\n  shell:\n    Image|endswith: /sh\n  condition: shell\nlevel: low\n";

    readonly string _directory = Directory.CreateTempSubdirectory("commands-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Decode_prints_every_event_in_order()
    {
        (int code, string[] lines, string errors) = Decode(SeedLog.Path);

        Assert.Equal((ExitCodes.Success, ""), (code, errors));
        Assert.Equal(467, lines.Length);
        using JsonDocument first = JsonDocument.Parse(lines[0]);
        Assert.Equal(["event_id", "record_id", "computer", "time", "truncated", "fields"], first.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal([.. Enumerable.Range(104, 467)], lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("record_id").GetInt32()));
    }

    [Theory]
    [InlineData("01a-seed-c-static")]
    [InlineData("10e-benign-web-backup-monitoring")]
    public void Decode_says_the_same_of_every_form_of_a_log(string scenario)
    {
        string directory = Places.ReferenceData($"data/scenarios/dev/{scenario}");
        string[][] forms = [.. ((string[])["syslog.iso", "syslog.traditional", "journal.export.gz"])
            .Select(form => Decode(Directory.GetFiles(directory, form + "*").Single()).Lines.Select(WithoutMarks).ToArray())];

        Assert.Equal(forms[0], forms[1]);
        Assert.Equal(forms[0], forms[2]);
    }

    [Fact]
    public void Decode_says_which_file_it_cannot_read()
    {
        string missing = Path.Combine(_directory, "missing");
        (int code, string[] lines, string errors) = Decode(missing);

        Assert.Equal((ExitCodes.NoInput, $"{missing}: there is no such file.\n"), (code, errors));
        Assert.Empty(lines);
    }

    [Fact]
    public void Decode_escapes_what_a_terminal_would_not_show_as_itself_and_leaves_the_rest_readable()
    {
        string line = SeedLog.Lines().First(l => l.Contains("</Data></EventData>", StringComparison.Ordinal));
        const string Named = "/tmp/\u202egpj.exe\U000e0041 <é 漢 \U0001f600>";
        string log = Write("syslog", line.Replace("</EventData>", $"<Data Name=\"Extra\">{Named.Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)}</Data></EventData>", StringComparison.Ordinal) + "\n");

        string printed = Assert.Single(Decode(log).Lines);

        Assert.Contains("\"Extra\":\"/tmp/\\u202Egpj.exe\\uDB40\\uDC41 <é 漢 ", printed, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(printed);
        Assert.Equal(Named, json.RootElement.GetProperty("fields").GetProperty("Extra").GetString());
    }

    [Fact]
    public void Decode_says_that_a_file_is_no_log_or_holds_no_event()
    {
        string log = Write("syslog", "Nov 24 02:19:16 lab cron[1]: nothing\n");

        Assert.Equal((ExitCodes.NoInput, "/bin/ls: this is no log but binary data; expected syslog, or what journalctl prints with -o export or -o json.\n"), CodeAndErrors(Decode("/bin/ls")));
        Assert.Equal((ExitCodes.Success, $"{log}: no Sysmon event in 1 line.\n"), CodeAndErrors(Decode(log)));

        static (int, string) CodeAndErrors((int Code, string[] Lines, string Errors) run) => (run.Code, run.Errors);
    }

    [Fact]
    public void Check_warns_of_a_disabled_rule_that_is_not_there()
    {
        string rule = Write("rule.yml", Rule);
        string config = Write("c.yaml", $"rules:\n  paths: [{rule}]\n  disabled:\n    - 22222222-2222-4222-8222-222222222222\n    - sysmonwatch-forged-event\n    - 33333333-3333-4333-8333-333333333333\n");

        (int code, string output) = Check(config);

        Assert.Equal(ExitCodes.Success, code);
        Assert.Equal(
            $"{config}:6:7: warning: rules.disabled[2]: no rule has the id or name '33333333-3333-4333-8333-333333333333', so this disables nothing; sysmonwatch rules list shows the ids.",
            Lines(output)[0]);
    }

    [Fact]
    public void Check_ends_with_78_where_a_secret_cannot_be_read_although_the_daemon_would_run()
    {
        string config = Write("c.yaml", "webhooks: [{name: a, type: slack, url: {file: absent}}]\n");

        (int code, string output) = Check(config, Write("rule.yml", Rule));

        Assert.Equal(78, code);
        Assert.StartsWith($"{config}:1:47: error: webhooks[0].url.file: the file does not exist", Assert.Single(Lines(output)), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_says_that_all_is_good()
    {
        string config = Write("sysmonwatch.yaml", "input:\n  journal: no\n");
        string rule = Write("rule.yml", Rule);

        Assert.Equal((0, $"{config}: good. 1 rule, 0 correlations: good.\n"), Check(config, rule));
    }

    [Fact]
    public void Check_says_every_problem_with_its_place_and_tells_wrong_rules_from_a_wrong_configuration()
    {
        string good = Write("good.yaml", "input:\n  journal: no\n"), bad = Write("bad.yaml", "input:\n  jurnal: no\n");
        string goodRule = Write("good.yml", Rule), badRule = Write("bad.yml", Rule.Replace("endswith", "endsvith", StringComparison.Ordinal));

        (int onlyConfig, string problemsOfConfig) = Check(bad, goodRule);
        (int onlyRules, string problemsOfRules) = Check(good, badRule);
        (int both, string all) = Check(bad, badRule);

        Assert.Equal((78, 1, 78), (onlyConfig, onlyRules, both));
        Assert.StartsWith($"{bad}:2:3: error: ", Assert.Single(Lines(problemsOfConfig)), StringComparison.Ordinal);
        Assert.StartsWith($"{badRule}:8:5: error: ", Assert.Single(Lines(problemsOfRules)), StringComparison.Ordinal);
        Assert.Equal(Lines(problemsOfConfig).Concat(Lines(problemsOfRules)), Lines(all));
    }

    [Fact]
    public void Check_misses_a_configuration_that_is_named_and_not_there()
    {
        string missing = Path.Combine(_directory, "missing.yaml");
        (int code, string output) = Check(missing, Write("rule.yml", Rule));

        Assert.Equal(78, code);
        Assert.Contains(missing, output, StringComparison.Ordinal);
    }

    [Fact]
    public void Eval_prints_matches_in_the_order_of_the_events_and_says_which_lines_are_none()
    {
        string rule = Write("rule.yml", Rule);
        string events = Write("events.ndjson", """
            {"Image":"/bin/sh"}
            no event
            {"Image":"/bin/ls"}
            {"Image":"/usr/bin/sh"}

            """);

        (int code, string output, string errors) = Eval([rule], events);

        Assert.Equal(ExitCodes.Success, code);
        Assert.Equal(
            [
                """{"event":0,"rule_id":"22222222-2222-4222-8222-222222222222","title":"A shell","kind":"detection"}""",
                """{"event":3,"rule_id":"22222222-2222-4222-8222-222222222222","title":"A shell","kind":"detection"}""",
            ],
            Lines(output));
        Assert.StartsWith($"{events}:2: not an event: ", Assert.Single(Lines(errors)), StringComparison.Ordinal);
    }

    [Fact]
    public void Eval_goes_on_without_refused_rules_and_says_so_when_none_is_left()
    {
        string good = Write("good.yml", Rule), bad = Write("bad.yml", Rule.Replace("endswith", "endsvith", StringComparison.Ordinal));
        string events = Write("events.ndjson", "{\"Image\":\"/bin/sh\"}\n");

        (int code, string output, string errors) = Eval([good, bad], events);
        Assert.Equal(ExitCodes.Success, code);
        Assert.Single(Lines(output));
        Assert.StartsWith($"refused: {bad}:8:5: ", Assert.Single(Lines(errors)), StringComparison.Ordinal);

        Assert.Equal(2, Eval([bad], events).Code);
    }

    [Fact]
    public void Eval_has_the_values_of_placeholders_from_a_configuration_that_is_named()
    {
        string rule = Write("expand.yml", "title: Administrators\nlogsource: {product: linux}\ndetection:\n  s:\n    User|expand: '%admins%'\n  condition: s\n");
        string events = Write("events.ndjson", "{\"User\":\"alice\"}\n{\"User\":\"bob\"}\n");
        string config = Write("c.yaml", "rules:\n  placeholders:\n    admins: [bob]\n");

        (int code, string output, string errors) = Eval([rule], events, config);

        Assert.Equal((ExitCodes.Success, ""), (code, errors));
        Assert.StartsWith("{\"event\":1,", Assert.Single(Lines(output)), StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, Eval([rule], events).Code);
        Assert.Equal(ExitCodes.Configuration, Eval([rule], events, Write("wrong.yaml", "rule: x\n")).Code);
    }

    [Theory]
    [InlineData("eval --rules a.yml b.yml --events e.ndjson")]
    [InlineData("eval --events e.ndjson --rules a.yml --rules b.yml")]
    [InlineData("check --rules a.yml b.yml")]
    public void Rules_may_follow_one_option_or_repeat_it(string line)
    {
        var root = new System.CommandLine.RootCommand { EvalCommand.Create(), CheckCommand.Create() };

        System.CommandLine.ParseResult parsed = root.Parse(line);

        Assert.Empty(parsed.Errors);
        Assert.Equal(["a.yml", "b.yml"], parsed.GetValue<string[]>("--rules")!);
    }

    /// <summary>What is written as #ooo is in doubt in a file, where rsyslog may have escaped it, and plain in the journal.</summary>
    static string WithoutMarks(string line)
    {
        int marks = line.IndexOf(",\"marks\":[\"ambiguous_escape", StringComparison.Ordinal);
        return marks < 0 ? line : string.Concat(line.AsSpan(0, marks), line.AsSpan(line.IndexOf(']', marks) + 1));
    }

    static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    static (int Code, string[] Lines, string Errors) Decode(params string[] files)
    {
        using var output = new MemoryStream();
        using var errors = new StringWriter();
        int code = DecodeCommand.Run(files, output, errors);
        return (code, Lines(Encoding.UTF8.GetString(output.ToArray())), errors.ToString());
    }

    static (int Code, string Output) Check(string config, params string[] rules)
    {
        using var output = new StringWriter();
        return (CheckCommand.Run(config, rules, output), output.ToString());
    }

    static (int Code, string Output, string Errors) Eval(string[] rules, string events, string? config = null)
    {
        using var output = new MemoryStream();
        using var errors = new StringWriter();
        int code = EvalCommand.Run(rules, events, output, errors, config);
        return (code, Encoding.UTF8.GetString(output.ToArray()), errors.ToString());
    }

    string Write(string name, string text)
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }
}
