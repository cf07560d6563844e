using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Configuration.Reading;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Configuration;

public sealed class ConfigurationLoaderTests
{
    const string Hook = "{name: a, type: slack, url: 'https://h/x'}";

    [Theory]
    [InlineData("")]
    [InlineData("# nothing but a comment\n")]
    [InlineData("input:\nrules:\nwebhooks:\n")]
    public void Takes_every_default_from_a_file_that_says_nothing(string text)
    {
        using var file = new ConfigurationFile(text);

        SysmonWatchOptions options = file.Load().Options!;

        Assert.Empty(file.Problems());
        Assert.Empty(options.Webhooks);
        Assert.Equal(new InputOptions(), options.Input);
        Assert.Equal(new RulesOptions(), options.Rules);
        Assert.Equal(new JournalOptions(), options.Journal);
        Assert.Equal(new LimitsOptions(), options.Limits);
        Assert.Equal(new StateOptions(), options.State);
        Assert.Equal(new AlertsOptions(), options.Alerts);
    }

    [Fact]
    public void A_named_pipe_is_refused_and_not_waited_for()
    {
        using var file = new ConfigurationFile("");
        File.Delete(file.Path);
        using (System.Diagnostics.Process made = System.Diagnostics.Process.Start("mkfifo", [file.Path])) made.WaitForExit();

        Assert.Equal(
            ["sysmonwatch.yaml:1:1: error: the file is a named pipe, which would be waited for; give a file, or /dev/stdin and pipe into that."],
            file.Problems());
    }

    [Fact]
    public void Reads_every_key()
    {
        using var file = new ConfigurationFile("""
            input: {files: [/var/log/syslog, /srv/*/messages], journal: no, start: 2h}
            rules: {paths: /etc/my-rules, disabled: [one, two], repairs: {image_as_called: no}, placeholders: {admins: [root, op*], one: x}}
            journal: {minimum_level: medium}
            webhooks:
              - name: chat
                type: slack
                url: https://hooks.example/T/B/x
                minimum_level: high
                timeout: 500s
                headers: {Authorization: Bearer 1}
                retry: {first: 500ms, longest: 1m, give_up_after: 2d}
            limits: {line_length: 64KiB, channel_batches: 2, detection_workers: 3, correlation_groups: 1_000, correlation_entries: 10000,
                     process_tree_nodes: 4000, outbox_alerts: 5000, outbox_bytes: 1GiB, memory_alerts: 100}
            state: {directory: /srv/state, checkpoint_every: 1s, keep_alerts: 2h}
            alerts: {suppression_period: 0, future_tolerance: 1d}
            """.Replace("500s", "300s", StringComparison.Ordinal));

        SysmonWatchOptions options = file.Load().Options!;

        Assert.Empty(file.Problems());
        Assert.Equal(["/var/log/syslog", "/srv/*/messages"], options.Input.Files);
        Assert.Equal(JournalInput.No, options.Input.Journal);
        Assert.Equal(new StartFrom(TimeSpan.FromHours(2)), options.Input.Start);
        Assert.Equal(["/etc/my-rules"], options.Rules.Paths);
        Assert.False(options.Rules.PathsAreDefault);
        Assert.Equal(["one", "two"], options.Rules.Disabled.Select(d => d.Text));
        Assert.Equal([("admins", "root op*"), ("one", "x")], options.Rules.Placeholders.Select(p => (p.Key, string.Join(' ', p.Value))));
        Assert.Equal(Repairs.ParentFromTree | Repairs.DashIsNull, options.Rules.Repairs);
        Assert.Equal(RuleLevel.Medium, options.Journal.MinimumLevel);
        WebhookOptions hook = Assert.Single(options.Webhooks);
        Assert.Equal(("chat", WebhookType.Slack, "https://hooks.example/T/B/x", "https://hooks.example", RuleLevel.High, TimeSpan.FromMinutes(5)),
            (hook.Name, hook.Type, hook.Url.Reveal(), hook.Endpoint, hook.MinimumLevel, hook.Timeout));
        Assert.Equal(("Authorization", "Bearer 1"), (hook.Headers[0].Key, hook.Headers[0].Value.Reveal()));
        Assert.Equal(new RetryOptions { First = TimeSpan.FromMilliseconds(500), Longest = TimeSpan.FromMinutes(1), GiveUpAfter = TimeSpan.FromDays(2) }, hook.Retry);
        Assert.Equal(
            new LimitsOptions
            {
                LineLength = 65536,
                ChannelBatches = 2,
                DetectionWorkers = 3,
                CorrelationGroups = 1000,
                CorrelationEntries = 10000,
                ProcessTreeNodes = 4000,
                OutboxAlerts = 5000,
                OutboxBytes = 1L << 30,
                MemoryAlerts = 100,
            },
            options.Limits);
        Assert.Equal(
            new StateOptions { Directory = "/srv/state", CheckpointEvery = TimeSpan.FromSeconds(1), KeepAlerts = TimeSpan.FromHours(2) },
            options.State);
        Assert.Equal(new AlertsOptions { SuppressionPeriod = TimeSpan.Zero, FutureTolerance = TimeSpan.FromDays(1) }, options.Alerts);
    }

    public static TheoryData<string, string> InvalidFiles => new()
    {
        { "inputs: {}", "1:1: error: unknown key 'inputs'. Did you mean 'input'?" },
        { "zebra: 1", "1:1: error: unknown key 'zebra'. Known: input, rules, journal, webhooks, limits, state, alerts." },
        { "input:\n  file: [/a]", "2:3: error: unknown key 'file' in input. Did you mean 'files'?" },
        { "input:\n  start-from: end", "2:3: error: unknown key 'start-from' in input. Known: files, journal, start." },
        { "limits: {line-length: 64KiB}", "1:10: error: unknown key 'line-length' in limits. Did you mean 'line_length'?" },
        { "[a, b]", "1:1: error: the file: a list where keys with values are expected." },
        { "just text", "1:1: error: the file: a single value where keys with values are expected." },
        { "rules: {repairs: {dash_is_nul: no}}", "1:19: error: unknown key 'dash_is_nul' in rules.repairs. Did you mean 'dash_is_null'?" },
        { "rules: {placeholders: {admins: []}}", "1:24: error: rules.placeholders.admins: has no values; list some, or remove the key." },
        { "rules: {placeholders: [admins]}", "1:23: error: rules.placeholders: a list where keys with values are expected." },
        { "input: yes", "1:8: error: input: a single value where keys with values are expected." },
        { "input: {[a]: b}", "1:9: error: input: a list where a key is expected." },
        { "input: {files: {a: b}}", "1:16: error: input.files: a mapping where a single value is expected." },
        { "input: {files: [/a, [/b]]}", "1:21: error: input.files[1]: a list where a single value is expected." },
        { "input: {files: [\"/a\\n\"]}", "1:17: error: input.files[0]: '/a\\x0a' is not a path." },
        { "input: {files: 5}", "1:16: error: input.files: '5' is not an absolute path; it must begin with '/'." },
        { "input: {files: [/a, log/syslog]}", "1:21: error: input.files[1]: 'log/syslog' is not an absolute path; it must begin with '/'." },
        { "input: {files: /var/log}", "1:16: error: input.files: '/var/log' is a directory; name the files in it, such as /var/log/*.log." },
        { "rules: {paths: []}", "1:16: error: rules.paths: is empty, so that there would be no rules; name files or directories, or remove the key for the defaults." },
        { "rules: {paths: rules.d}", "1:16: error: rules.paths: 'rules.d' is not an absolute path; it must begin with '/'." },
        { "state: {directory: /etc/passwd}", "1:20: error: state.directory: '/etc/passwd' cannot be a directory, because '/etc/passwd' is a file; name a directory, which is made where it is not there." },
        { "state: {directory: /etc/passwd/x}", "1:20: error: state.directory: '/etc/passwd/x' cannot be a directory, because '/etc/passwd' is a file; name a directory, which is made where it is not there." },
        { "state: {directory: state}", "1:20: error: state.directory: 'state' is not an absolute path; it must begin with '/'." },
        { "input: {journal: always}", "1:18: error: input.journal: 'always' is none of auto, yes, no." },
        { "input: {journal: auot}", "1:18: error: input.journal: 'auot' is none of auto, yes, no. Did you mean 'auto'?" },
        { "input: {start: begining}", "1:16: error: input.start: 'begining' is none of end, beginning or a duration such as 2h. Did you mean 'beginning'?" },
        { "input: {start: 2 weeks}", "1:16: error: input.start: '2 weeks' is not a duration; expected a whole number with ms, s, m, h or d, such as 30s." },
        { "journal: {minimum_level: hihg}", "1:26: error: journal.minimum_level: 'hihg' is none of informational, low, medium, high, critical. Did you mean 'high'?" },
        { "journal:\n  minimum_level:", "2:17: error: journal.minimum_level: nothing where a single value is expected; give it a value or remove the key." },
        { "limits: {channel_batches: many}", "1:27: error: limits.channel_batches: 'many' is not a whole number." },
        { "limits: {channel_batches: 1}", "1:27: error: limits.channel_batches: 1 is less than 2, the least allowed." },
        { "limits: {channel_batches: 99999999999999999999}", "1:27: error: limits.channel_batches: '99999999999999999999' is not a whole number." },
        { "limits: {channel_batches: 4000}", "1:27: error: limits.channel_batches: 4,000 is more than 1,024, the most allowed." },
        { "limits: {line_length: 4096}", "1:23: error: limits.line_length: '4096' is not a size; expected a whole number with B, KiB, MiB or GiB, such as 64KiB." },
        { "limits: {line_length: 4KiB}", "1:23: error: limits.line_length: 4 KiB is less than 64 KiB, the least allowed." },
        { "limits: {outbox_bytes: 99999999GiB}", "1:24: error: limits.outbox_bytes: 99,999,999 GiB is more than 64 GiB, the most allowed." },
        { "state: {checkpoint_every: 5}", "1:27: error: state.checkpoint_every: '5' is not a duration; expected a whole number with ms, s, m, h or d, such as 30s." },
        { "state: {checkpoint_every: 1h}", "1:27: error: state.checkpoint_every: 1 hour is more than 10 minutes, the longest allowed." },
        { "state: {checkpoint_every: 100ms}", "1:27: error: state.checkpoint_every: 100 milliseconds is less than 1 second, the shortest allowed." },
        { "alerts: {future_tolerance: -5m}", "1:28: error: alerts.future_tolerance: '-5m' is not a duration; expected a whole number with ms, s, m, h or d, such as 30s." },
        { "webhooks: {name: a}", "1:11: error: webhooks: a mapping where a list is expected; begin each item with '- '." },
        { "webhooks: [{type: slack, url: 'https://h/'}]", "1:12: error: webhooks[0].name: is missing; expected a name such as 'team-chat'." },
        { "webhooks: [{name: a, url: 'https://h/'}]", "1:12: error: webhooks[0].type: is missing; expected slack or generic." },
        { "webhooks: [{name: a, type: slack}]", "1:12: error: webhooks[0].url: is missing; expected an http or https URL, or file:, env: or credential:." },
        { "webhooks: [{name: A b, type: slack, url: 'https://h/'}]", "1:19: error: webhooks[0].name: the value is not a name; expected 1 to 64 of a-z, 0-9, '-' and '_'." },
        { "webhooks: [{name: journal, type: slack, url: 'https://h/'}]", "1:19: error: webhooks[0].name: 'journal' is the name of the journal itself; expected another name." },
        { "webhooks: [{name: a, type: slak, url: 'https://h/'}]", "1:28: error: webhooks[0].type: the value is none of slack, generic. Did you mean 'slack'?" },
        { $"webhooks:\n- {Hook}\n- {Hook}", "3:3: error: webhooks[1].name: is the name of an earlier webhook too; names must differ." },
        { "webhooks: [{name: a, type: slack, url: 'https://h/', timeout: 10m}]", "1:63: error: webhooks[0].timeout: 10 minutes is more than 5 minutes, the longest allowed." },
        { "webhooks: [{name: a, type: slack, url: 'https://h/', retry: {first: 10s, longest: 5s}}]", "1:61: error: webhooks[0].retry: first, 10 seconds, is more than longest, 5 seconds." },
        { "webhooks: [{name: a, type: slack, url: 'https://h/', headers: {Host: x}}]", "1:64: error: webhooks[0].headers.Host: is set by sysmonwatch itself; remove it." },
        { "webhooks: [{name: a, type: slack, url: 'https://h/', headers: {'a b': x}}]", "1:64: error: webhooks[0].headers[0]: this cannot be the name of a header; expected letters, digits and '-'." },
        { "webhooks: [{name: a, type: slack, url: 'https://h/', headers: {A: x, a: x}}]", "1:70: error: webhooks[0].headers[1]: the same header is there before; remove one." },
        { "webhooks: [{name: a, type: slack, url: 'https://h/', headers: {A: ü}}]", "1:67: error: webhooks[0].headers[0]: the value holds a character that is not ASCII." },
        { "a: 1\n---\nb: 2", "2:1: error: a second document begins here; expected one. Remove the '---'." },
        { "input: " + new string('[', 100_000), "1:39: error: nested more than 32 deep." },
    };

    [Theory]
    [MemberData(nameof(InvalidFiles))]
    public void Says_what_is_wrong_and_where(string text, string expected)
    {
        using var file = new ConfigurationFile(text);

        Assert.Equal(["sysmonwatch.yaml:" + expected], file.Problems());
        Assert.Null(file.Load().Options);
    }

    [Fact]
    public void Reports_everything_at_once_in_the_order_of_the_file()
    {
        using var file = new ConfigurationFile("""
            input:
              start: yesterday
              jornal: yes
            webhooks:
              - type: slack
                timeout: 0s
            alert: {}
            """);

        Assert.Equal(
            [
                "sysmonwatch.yaml:2:10: error: input.start: 'yesterday' is none of end, beginning or a duration such as 2h.",
                "sysmonwatch.yaml:3:3: error: unknown key 'jornal' in input. Did you mean 'journal'?",
                "sysmonwatch.yaml:5:5: error: webhooks[0].name: is missing; expected a name such as 'team-chat'.",
                "sysmonwatch.yaml:5:5: error: webhooks[0].url: is missing; expected an http or https URL, or file:, env: or credential:.",
                "sysmonwatch.yaml:6:14: error: webhooks[0].timeout: 0 milliseconds is less than 1 second, the shortest allowed.",
                "sysmonwatch.yaml:7:1: error: unknown key 'alert'. Did you mean 'alerts'?",
            ],
            file.Problems());
    }

    [Theory]
    [InlineData("input: {files: [/a", "2:1: error: not YAML: While parsing a flow sequence, did not find expected ',' or ']'.")]
    [InlineData("input:\n\tfiles: []", "2:1: error: not YAML: While scanning a mapping, found invalid tab as indentation.")]
    [InlineData("alerts: {}\nalerts: {}", "2:7: error: not YAML: this key is there twice.")]
    [InlineData("input: *nobody", "1:8: error: an alias to an anchor that does not stand before it; put quotes around a value that begins with '*'.")]
    public void Says_where_a_file_is_not_YAML(string text, string expected)
    {
        using var file = new ConfigurationFile(text);

        string problem = Assert.Single(file.Problems());

        Assert.Equal("sysmonwatch.yaml:" + expected, problem);
    }

    [Fact]
    public void Refuses_a_file_that_is_asked_for_and_is_not_there()
    {
        LoadedConfiguration loaded = ConfigurationLoader.Load("/nowhere/x.yaml", _ => null);

        Assert.Null(loaded.Options);
        Assert.Equal(["/nowhere/x.yaml:1:1: error: the file does not exist; create it, or leave out --config to use the defaults."], loaded.Problems.Select(p => p.ToString()));
    }

    [Fact]
    public void Refuses_a_directory_a_file_that_is_not_UTF8_and_one_that_is_too_long()
    {
        using var file = new ConfigurationFile("");

        File.WriteAllBytes(file.Path, [(byte)'a', 0xff, 0xfe]);
        Assert.Equal(["sysmonwatch.yaml:1:1: error: the file is not UTF-8 (at byte 1); save it as UTF-8."], file.Problems());

        File.WriteAllText(file.Path, new string('#', 1024 * 1024 + 1));
        Assert.Equal(["sysmonwatch.yaml:1:1: error: the file is longer than 1 MiB."], file.Problems());

        LoadedConfiguration directory = ConfigurationLoader.Load(file.Directory, _ => null);
        Assert.Equal([$"{file.Directory}:1:1: error: is a directory; expected a file."], directory.Problems.Select(p => p.ToString()));
    }

    [Theory]
    [InlineData("/run/a", "/run/a")]
    [InlineData("/run/a:/run/b", "/run/a")]
    [InlineData("", "/var/lib/sysmonwatch")]
    public void Takes_the_state_directory_from_systemd(string variable, string expected)
    {
        using ConfigurationFile file = new ConfigurationFile("").With("STATE_DIRECTORY", variable);

        Assert.Equal(expected, file.Load().Options!.State.Directory);
    }

    [Fact]
    public void The_example_shows_every_default()
    {
        string example = File.ReadAllText(Path.Combine(Places.Repository, "deploy/sysmonwatch.yaml"));
        string uncommented = string.Join('\n', example.Split('\n').Select(line =>
        {
            string trimmed = line.TrimStart();
            return trimmed.Length > 1 && trimmed[0] == '#' && char.IsAsciiLetterLower(trimmed[1]) ? line.Replace("#", "", StringComparison.Ordinal) : line;
        }));
        using var asShipped = new ConfigurationFile(example);
        using var file = new ConfigurationFile(uncommented);

        SysmonWatchOptions options = file.Load().Options!;

        Assert.Empty(asShipped.Problems());
        Assert.Empty(file.Problems());
        Assert.Equal(new InputOptions(), options.Input with { Files = new InputOptions().Files });
        Assert.Equal(RulesOptions.DefaultPaths, options.Rules.Paths);
        Assert.Equal(Repairs.All, options.Rules.Repairs);
        Assert.Equal(new JournalOptions(), options.Journal);
        Assert.Equal(new LimitsOptions(), options.Limits);
        Assert.Equal(new StateOptions(), options.State);
        Assert.Equal(new AlertsOptions(), options.Alerts);
        foreach (string key in new[]
        {
            "files", "journal", "start", "paths", "disabled", "image_as_called", "parent_from_tree", "dash_is_null", "minimum_level", "line_length", "channel_batches", "detection_workers", "correlation_groups",
            "correlation_entries", "process_tree_nodes", "outbox_alerts", "outbox_bytes", "memory_alerts", "directory", "checkpoint_every", "keep_alerts",
            "suppression_period", "future_tolerance", "webhooks",
        })
        {
            Assert.Matches($@"(?m)^ *{key}:", uncommented);
        }
    }

    [Fact]
    public void The_webhook_of_the_example_shows_every_default()
    {
        string example = File.ReadAllText(Path.Combine(Places.Repository, "deploy/sysmonwatch.yaml"));
        int from = example.IndexOf("# webhooks:", StringComparison.Ordinal), to = example.IndexOf("#webhooks:", StringComparison.Ordinal);
        string uncommented = string.Join('\n', example[from..to].Split('\n').Select(line => line.Length > 2 ? line[2..] : ""));
        using ConfigurationFile file = new ConfigurationFile(uncommented);
        file.With("CREDENTIALS_DIRECTORY", file.Directory).Put("team-chat", "https://hooks.example/secret");

        WebhookOptions hook = Assert.Single(file.Load().Options!.Webhooks);

        Assert.Empty(file.Problems());
        var expected = new WebhookOptions { Name = "team-chat", Type = WebhookType.Slack, Url = hook.Url, Endpoint = "https://hooks.example", Headers = hook.Headers };
        Assert.Equal(expected, hook);
        Assert.Empty(hook.Headers);
    }
}
