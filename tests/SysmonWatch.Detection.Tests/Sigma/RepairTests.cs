using System.Text;
using CsCheck;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>What the repairs of Sysmon's values let rules match, and what they must not.</summary>
public sealed class RepairTests
{
    [Theory]
    [InlineData("/usr/bin/dash", "sh -c id", "/sh")]
    [InlineData("/usr/bin/dash", "/bin/sh -c id", "/bin/sh")]
    [InlineData("/usr/bin/dash", "dash", "/sh")]
    [InlineData("/usr/bin/bash", "-sh", "/sh")]
    [InlineData("/usr/bin/nc.openbsd", "something", "/nc")]
    [InlineData("/usr/bin/nc.traditional", "nc -l", "/netcat")]
    [InlineData("/usr/bin/vim.basic", "view", "/vi")]
    [InlineData("/usr/bin/python3.11", "x", "/python")]
    [InlineData("/usr/bin/python3.11", "x", "/python3")]
    [InlineData("/usr/bin/mawk", "x", "/awk")]
    [InlineData("/usr/sbin/xtables-nft-multi", "iptables -F", "/iptables")]
    [InlineData("/usr/bin/busybox", "wget http://a", "/wget")]
    [InlineData("/usr/bin/busybox", "/bin/busybox wget http://a", "/wget")]
    [InlineData("/home/u/tool", "../x/curl a", "/curl")]
    public void Image_matches_by_the_names_a_program_is_called_by(string image, string commandLine, string expected)
    {
        RuleMatcher matcher = Matcher(Rule($"  s:\n    Image|endswith: {expected}\n  condition: s\n"));
        SysmonEvent e = Event(("Image", image), ("CommandLine", commandLine));

        Assert.Equal([0], matcher.Match(e).ToArray());

        Evidence evidence = Assert.Single(matcher.Explain(0, e));
        Assert.Equal(RepairNames.ImageAsCalled, evidence.Repair);
        Assert.EndsWith(expected, evidence.Value, StringComparison.Ordinal);
        Assert.Empty(Matcher(Rule($"  s:\n    Image|endswith: {expected}\n  condition: s\n"), Repairs.All & ~Repairs.ImageAsCalled).Match(e).ToArray());
    }

    [Theory]
    [InlineData("/usr/bin/python3.11-config", "x", "/python")]
    [InlineData("/usr/bin/dashboard", "x", "/sh")]
    [InlineData("/usr/bin/true", "echo /sh", "/sh")]
    [InlineData("/usr/bin/true", "-", "/bin/")]
    [InlineData("/usr/bin/true", "", "/bin/")]
    [InlineData("busybox", "wget", "/wget")]
    public void Image_matches_by_no_other_name(string image, string commandLine, string name) =>
        Assert.Empty(Matcher(Rule($"  s:\n    Image|endswith: {name}\n  condition: s\n")).Match(Event(("Image", image), ("CommandLine", commandLine))).ToArray());

    [Theory]
    [InlineData("  s:\n    CommandLine|contains: miner\n  f:\n    Image|endswith: /apt\n  condition: s and not f\n")]
    [InlineData("  s:\n    CommandLine|contains: miner\n  filter_a:\n    Image: /usr/bin/apt\n  condition: s and not 1 of filter_*\n")]
    [InlineData("  s:\n    CommandLine|contains: miner\n    Image|endswith|neq: /apt\n  condition: s\n")]
    [InlineData("  s:\n    CommandLine|contains: miner\n  f:\n    Image|re: /apt$\n  condition: s and not f\n")]
    [InlineData("  s:\n    CommandLine|contains: miner\n  f:\n    Image|cased: /usr/bin/apt\n  condition: s and not f\n")]
    [InlineData("  s:\n    CommandLine|contains: miner\n  f:\n    Image|endswith: '/a*t'\n  condition: not (not s or f)\n")]
    [InlineData("  s:\n    CommandLine|contains: miner\n  f:\n    Trusted|fieldref: Image\n  condition: s and not f\n")]
    public void A_program_that_calls_itself_by_a_name_of_a_filter_is_not_hidden(string detection)
    {
        RuleMatcher matcher = Matcher(Rule(detection));
        (string, string)[] fields = [("CommandLine", "/usr/bin/apt --miner"), ("Trusted", "/usr/bin/apt")];

        Assert.Equal([0], matcher.Match(Event([("Image", "/tmp/x"), .. fields])).ToArray());
        Assert.Empty(matcher.Match(Event([("Image", "/usr/bin/apt"), .. fields])).ToArray());
    }

    [Fact]
    public void A_rule_that_asks_twice_for_the_same_gets_the_repair_only_where_nothing_negates_it()
    {
        RuleMatcher matcher = Matcher(Rule("  a:\n    Image|endswith: /sh\n  condition: a and not a\n"));

        Assert.Equal([0], matcher.Match(Event(("Image", "/usr/bin/dash"), ("CommandLine", "sh"))).ToArray());
        Assert.Empty(matcher.Match(Event(("Image", "/bin/sh"), ("CommandLine", "sh"))).ToArray());
    }

    [Fact]
    public void An_event_without_a_command_line_has_that_of_its_process()
    {
        SysmonEvent e = Event(("Image", "/usr/bin/bash"));
        e.Process = Node("/usr/bin/bash", "sh -c x", "root", null);

        Assert.Equal([0], Matcher(Rule("  s:\n    Image|endswith: /sh\n  condition: s\n")).Match(e).ToArray());
    }

    [Theory]
    [InlineData("ParentImage|endswith: /sh", "-", "-", "-", "parent_from_tree image_as_called")]
    [InlineData("ParentImage: /usr/bin/dash", "-", "-", "-", "parent_from_tree")]
    [InlineData("ParentCommandLine|contains: evil.sh", "/usr/bin/dash", "sh", "root", "parent_from_tree")]
    [InlineData("ParentCommandLine|contains: evil.sh", "/usr/bin/dash", "-", "root", "parent_from_tree")]
    [InlineData("ParentUser: www-data", "/usr/bin/dash", "sh", "-", "parent_from_tree")]
    public void The_parent_is_filled_from_the_parents_own_event(string item, string image, string commandLine, string user, string repairs)
    {
        RuleMatcher matcher = Matcher(Rule($"  s:\n    {item}\n  condition: s\n"));
        SysmonEvent e = Event(("Image", "/usr/bin/id"), ("CommandLine", "id"), ("ParentImage", image), ("ParentCommandLine", commandLine), ("ParentUser", user));
        e.Process = Node("/usr/bin/id", "id", "www-data", Node("/usr/bin/dash", "sh /tmp/evil.sh", "www-data", null));

        Assert.Equal([0], matcher.Match(e).ToArray());
        Assert.Contains(Assert.Single(matcher.Explain(0, e)).Repair!, repairs.Split(' '));
        Assert.Empty(Matcher(Rule($"  s:\n    {item}\n  condition: s\n"), Repairs.DashIsNull).Match(e).ToArray());
    }

    [Theory]
    [InlineData("ParentUser: nobody", "s")]
    [InlineData("ParentCommandLine|contains: evil", "s")]
    [InlineData("ParentUser: www-data", "not s")]
    public void What_Sysmon_wrote_about_the_parent_is_not_replaced(string item, string condition)
    {
        SysmonEvent e = Event(("ParentImage", "/usr/bin/dash"), ("ParentCommandLine", "sh -c good"), ("ParentUser", "www-data"));
        e.Process = Node("/usr/bin/id", "id", "nobody", Node("/usr/bin/dash", "sh /tmp/evil.sh", "nobody", null));

        Assert.Empty(Matcher(Rule($"  s:\n    {item}\n  condition: {condition}\n")).Match(e).ToArray());
    }

    [Fact]
    public void A_dash_is_null_and_switching_that_off_leaves_it_a_text()
    {
        const string Detection = "  s:\n    ParentUser: null\n  condition: s\n";
        SysmonEvent e = Event(("ParentUser", "-"));

        Assert.Equal([0], Matcher(Rule(Detection)).Match(e).ToArray());
        Assert.Equal(RepairNames.DashIsNull, Assert.Single(Matcher(Rule(Detection)).Explain(0, e)).Repair);
        Assert.Empty(Matcher(Rule(Detection), Repairs.All & ~Repairs.DashIsNull).Match(e).ToArray());
    }

    [Fact]
    public void Random_rules_agree_with_the_slow_evaluator_and_the_repairs_only_ever_add_matches()
    {
        string[] images = ["/a/dash", "/b/nc.openbsd", "-", "/a/busybox", "/aa/ab", "/a/B"];
        int added = 0;
        Gen.Int.Sample(
            seed =>
            {
                var random = new RandomRules(seed, "Image", "ParentImage", "ParentCommandLine");
                var choice = new Random(seed);
                RuleSet set = RuleLoader.Parse(Enumerable.Range(0, 12).Select(i => ($"{i}.yml", random.Rule(i))));
                RuleMatcher all = Matcher(set);
                RuleMatcher none = Matcher(set, Repairs.DashIsNull);
                var slow = new SlowEvaluator(dashIsNull: true);
                // Few command lines, so that what is remembered of those before is used.
                string[] lines = [random.Plain(), random.Plain(), "busybox ab", "/b/busybox dash", "dash", "-B ab"];
                for (int i = 0; i < 60; i++)
                {
                    SysmonEvent e = Event(
                        ("Image", images[choice.Next(images.Length)]), ("CommandLine", lines[choice.Next(lines.Length)]), ("ParentImage", images[choice.Next(images.Length)]), ("ParentCommandLine", lines[choice.Next(lines.Length)]));
                    e.Process = Node("/x", "x", "u", choice.Next(3) == 0 ? null : Node(images[choice.Next(images.Length)], lines[choice.Next(lines.Length)], "v", null));

                    int[] without = none.Match(e).ToArray();
                    int[] with = all.Match(e).ToArray();
                    int[] expected = [.. Enumerable.Range(0, set.Rules.Count).Where(r => slow.Matches(set.Rules[r].Condition, e))];

                    Assert.Equal(expected, with);
                    Assert.Empty(without.Except(with));
                    added += with.Length - without.Length;
                }
            },
            iter: 150,
            threads: 1);
        Assert.True(added > 20, $"only {added} matches came of repairs");
    }

    [Fact]
    public void Repairs_allocate_nothing_where_no_rule_matches()
    {
        RuleMatcher matcher = Matcher(Vectors.LinuxRules());
        SysmonEvent e = Event(("Image", "/usr/bin/mawk"), ("CommandLine", "awk --harmless"), ("ParentImage", "-"), ("ParentCommandLine", "make"), ("ParentUser", "-"));
        e.Process = Node("/usr/bin/mawk", "awk --harmless", "u", Node("/usr/bin/make", "make all", "u", null));
        int Match()
        {
            // As if it were a new event.
            e.Repairs = Repairs.None;
            return matcher.Match(e).Length;
        }
        for (int i = 0; i < 100; i++) Assert.Equal(0, Match());

        int matches = 0;
        List<long> made = SteadyState.BytesOf(() =>
        {
            for (int i = 0; i < 1000; i++) matches += Match();
        });

        Assert.Equal((0, 0), (matches, made[^1]));
    }

    static RuleSet Rule(string detection)
    {
        RuleSet set = RuleLoader.Parse([("r.yml", $"title: t\nlogsource:\n  product: linux\n  category: process_creation\ndetection:\n{detection}")]);
        Assert.DoesNotContain(set.Problems, p => p.IsError);
        return set;
    }

    static RuleMatcher Matcher(RuleSet set, Repairs repairs = Repairs.All) => CompiledRules.Compile(set, new RuleOptions { Repairs = repairs }).CreateMatcher();

    static SysmonEvent Event(params (string Name, string Value)[] fields) => CompiledEngineTests.Sysmon(1, fields);

    static ProcessNode Node(string image, string commandLine, string user, ProcessNode? parent) =>
        new("g"u8, 7, Encoding.UTF8.GetBytes(image), Encoding.UTF8.GetBytes(commandLine), Encoding.UTF8.GetBytes(user), 1, parent);
}
