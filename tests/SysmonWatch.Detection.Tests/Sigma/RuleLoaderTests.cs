using CsCheck;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Sigma;

public sealed class RuleLoaderTests
{
    [Theory]
    [InlineData("  s:\n    A|foo: x\n  condition: s\n", 6, 5, "unknown modifier 'foo' on 'A'")]
    [InlineData("  s:\n    A: x\n  condition: s and t\n", 7, 20, "'t' is not defined; the detection has s")]
    [InlineData("  s:\n    A: x\n  condition: 'S'\n", 7, 15, "'S' is not defined; names are case-sensitive and the detection has 's'")]
    [InlineData("  s:\n    A|re: 'a(?=b)'\n  condition: s\n", 6, 11, "can only be matched by backtracking")]
    [InlineData("  s:\n    A|re: 'a(?<!b)'\n  condition: s\n", 6, 11, "can only be matched by backtracking")]
    [InlineData("  s:\n    A|re: '(a)\\1'\n  condition: s\n", 6, 11, "can only be matched by backtracking")]
    [InlineData("  s:\n    A|re: '(?<n>a)\\k<n>'\n  condition: s\n", 6, 11, "can only be matched by backtracking")]
    [InlineData("  s:\n    A|re: '\\Ga'\n  condition: s\n", 6, 11, "can only be matched by backtracking")]
    [InlineData("  s:\n    A|re: '(?(a)b|c)'\n  condition: s\n", 6, 11, "can only be matched by backtracking")]
    [InlineData("  s:\n    A|re: 'a('\n  condition: s\n", 6, 11, "is not a regular expression")]
    [InlineData("  s:\n    A|re: '(x{1,1000}){1,1000}y'\n  condition: s\n", 6, 11, "counts within counts multiply")]
    [InlineData("  s:\n    A|re: '((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)b'\n  condition: s\n", 6, 11, "counts within counts multiply")]
    [InlineData("  s:\n    A|expand: '%x%'\n  condition: s\n", 6, 15, "the placeholder %x% has no values")]
    [InlineData("  s:\n    A|cidr: 10.0.0.1/8\n  condition: s\n", 6, 13, "has bits set beyond its prefix length")]
    [InlineData("  s:\n    A: {b: c}\n  condition: s\n", 6, 8, "has a map as its value")]
    [InlineData("  s:\n    A: []\n  condition: s\n", 6, 8, "has an empty list")]
    [InlineData("  s:\n    A|i: x\n  condition: s\n", 6, 10, "is a flag of a regular expression")]
    [InlineData("  s:\n    A: x\n  condition: s | count() > 1\n", 7, 16, "write a correlation rule")]
    public void Names_the_place_and_the_reason_of_what_is_wrong(string detection, int line, int column, string reason)
    {
        RuleSet set = RuleLoader.Parse([("r.yml", Vectors.Rule(detection))]);

        RuleProblem problem = Assert.Single(set.Problems);
        Assert.True(problem.IsError);
        Assert.Equal(("r.yml", line, column), (problem.File, problem.Line, problem.Column));
        Assert.Contains(reason, problem.Text, StringComparison.Ordinal);
        Assert.Empty(set.Rules);
    }

    [Fact]
    public void Reads_the_other_documents_of_a_file_with_a_broken_one()
    {
        string good = Vectors.Rule("  s:\n    A: x\n  condition: s\n");

        RuleSet set = RuleLoader.Parse([("r.yml", $"{good}---\ntitle: [broken\n---\n{good}")]);

        Assert.Equal(2, set.Rules.Count);
        RuleProblem problem = Assert.Single(set.Problems);
        Assert.StartsWith("not YAML", problem.Text, StringComparison.Ordinal);
        Assert.InRange(problem.Line, 9, 11);
    }

    [Fact]
    public void Refuses_the_same_id_in_another_file_and_reads_the_same_file_once()
    {
        string rule = "id: 1\n" + Vectors.Rule("  s:\n    A: x\n  condition: s\n");
        string directory = Directory.CreateTempSubdirectory().FullName;
        try
        {
            File.WriteAllText(Path.Combine(directory, "a.yml"), rule);

            RuleSet twice = RuleLoader.Load([directory, Path.Combine(directory, "a.yml"), Path.Combine(directory, "missing.yml")]);
            RuleSet two = RuleLoader.Parse([("a.yml", rule), ("b.yml", rule)]);

            Assert.Single(twice.Rules);
            Assert.Equal("there is no such file or directory", Assert.Single(twice.Problems).Text);
            Assert.Single(two.Rules);
            Assert.Equal("the id 1 is taken by 't' in a.yml:1; give this rule an id of its own", Assert.Single(two.Problems).Text);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void Says_where_a_document_begins_to_be_unreadable()
    {
        RuleProblem problem = Assert.Single(RuleLoader.Parse([("r.yml", "title: t\nid: [q\nlogsource: {category: a}\n")]).Problems);

        Assert.Equal((2, true), (problem.Line, problem.IsError));
        Assert.Contains("a bracket, brace or quote may not be closed", problem.Text, StringComparison.Ordinal);
    }

    /// <summary>A pipe would be waited for, and by way of a link a directory is its own child.</summary>
    [Fact]
    public void Reads_each_file_of_a_directory_once_and_no_pipes()
    {
        string rule = "id: 1\n" + Vectors.Rule("  s:\n    A: x\n  condition: s\n");
        string directory = Directory.CreateTempSubdirectory().FullName;
        try
        {
            string inner = Directory.CreateDirectory(Path.Combine(directory, "..data")).FullName;
            File.WriteAllText(Path.Combine(inner, "a.yml"), rule);
            File.CreateSymbolicLink(Path.Combine(directory, "a.yml"), "..data/a.yml");
            Directory.CreateSymbolicLink(Path.Combine(directory, "again"), "..data");
            Directory.CreateSymbolicLink(Path.Combine(inner, "loop"), "..");
            File.CreateSymbolicLink(Path.Combine(directory, "self.yml"), "self.yml");
            File.CreateSymbolicLink(Path.Combine(directory, "zero.yml"), "/dev/zero");
            using (System.Diagnostics.Process made = System.Diagnostics.Process.Start("mkfifo", [Path.Combine(directory, "pipe.yml")])) made.WaitForExit();

            RuleSet set = RuleLoader.Load([directory, inner]);

            Assert.Single(set.Rules);
            Assert.Equal(Path.Combine(directory, "self.yml"), Assert.Single(set.Problems).File);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData("base: &b {A: x}\n  s:\n    <<: *b\n  condition: s", "r.yml:6:5")]
    [InlineData("s: {A: x}\n  <<: {t: {B: y}}\n  condition: s", "r.yml:5:3")]
    [InlineData("s: [{<<: {A: x}}]\n  condition: s", "r.yml:4:8")]
    public void A_merge_key_is_refused_wherever_it_stands_and_never_without_a_meaning(string detection, string place)
    {
        string merging = $"title: t\nlogsource: {{product: linux}}\ndetection:\n  {detection}\n";
        string other = "---\n" + Vectors.Rule("  s:\n    A: '<<'\n    B|contains: << EOF\n  condition: s\n");

        RuleSet set = RuleLoader.Parse([("r.yml", merging + other)]);

        Assert.Single(set.Rules);
        Assert.Equal(
            [place + ": error: '<<' merges maps in YAML 1.1 only, and Sigma is written in YAML 1.2; write the keys out that it was to bring"],
            set.Problems.Select(p => p.ToString()));
    }

    [Fact]
    public void A_pipe_that_is_named_is_refused_and_not_waited_for()
    {
        string pipe = Path.Combine(Directory.CreateTempSubdirectory().FullName, "pipe.yml");
        using (System.Diagnostics.Process made = System.Diagnostics.Process.Start("mkfifo", [pipe])) made.WaitForExit();
        try
        {
            RuleProblem problem = Assert.Single(RuleLoader.Load([pipe]).Problems);

            Assert.Equal($"{pipe}:1:1: error: the file is a named pipe, which would be waited for; give a file, or /dev/stdin and pipe into that", problem.ToString());
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(pipe)!, recursive: true);
        }
    }

    [Fact]
    public void Reads_no_more_of_a_file_without_an_end_than_it_may()
    {
        Assert.StartsWith("the file is larger than 16 MiB", Assert.Single(RuleLoader.Load(["/dev/zero"]).Problems).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a: &a [*a], b: ")]
    public void Survives_files_made_to_exhaust_it(string piece)
    {
        RuleSet set = RuleLoader.Parse([("r.yml", string.Concat(Enumerable.Repeat(piece, 20_000)))]);

        Assert.Empty(set.Rules);
        Assert.NotEmpty(set.Problems);
    }

    [Fact]
    public void Rules_that_only_feed_a_correlation_do_not_alert_by_themselves()
    {
        string rule = "name: base\n" + Vectors.Rule("  s:\n    A: x\n  condition: s\n");
        const string Correlation = "---\ntitle: c\ncorrelation:\n  type: event_count\n  rules: base\n  group-by: A\n  timespan: 5m\n  condition:\n    gte: 3\n";

        RuleSet quiet = RuleLoader.Parse([("r.yml", rule + Correlation)]);
        RuleSet loud = RuleLoader.Parse([("r.yml", rule + Correlation + "  generate: true\n")]);
        RuleSet wrong = RuleLoader.Parse([("r.yml", rule + Correlation.Replace("rules: base", "rules: [base, gone]", StringComparison.Ordinal))]);

        Assert.Empty(quiet.Problems);
        Assert.False(quiet.Rules[0].Generates);
        Assert.Equal(0, Assert.Single(quiet.Correlations).Rules[0].Rule);
        Assert.True(loud.Rules[0].Generates);
        Assert.Empty(wrong.Correlations);
        Assert.Contains(wrong.Problems, p => p.Text.StartsWith("no rule has the id or name 'gone'", StringComparison.Ordinal));
    }

    /// <summary>It was written as a part, and that does not depend on why the whole is refused.</summary>
    [Theory]
    [InlineData("type: temporal\n  rules: [base, part, gone]\n  timespan: 5m")]
    [InlineData("type: temporal\n  rules: [base, part, circle]\n  timespan: 5m")]
    [InlineData("type: temporal\n  rules: [base, part, broken]\n  timespan: 5m")]
    [InlineData("type: none\n  rules: [base, part]\n  timespan: 5m")]
    [InlineData("type: temporal\n  rules: [base, part, {a: b}]\n  timespan: 5m")]
    [InlineData("rules: [part, base]")]
    [InlineData("type: temporal\n  rules: [base, part]\n  timespan: 5m\n  aliases: {x: {gone: y}}\n  group-by: [x]")]
    [InlineData("type: temporal\n  rules: [base, part]\n  timespan: 5m\nlevel: severe")]
    [InlineData("type: temporal\n  rules: [base, part]\n  timespan: 5m\nid: taken")]
    public void What_only_a_refused_correlation_refers_to_stays_silent_whatever_the_reason(string correlation)
    {
        string rules = "name: base\nid: taken\n" + Vectors.Rule("  s: {A: x}\n  condition: s\n")
            + "---\nname: broken\n" + Vectors.Rule("  s: {A: x}\n  condition: t\n")
            + "---\ntitle: part\nname: part\ncorrelation:\n  type: event_count\n  rules: base\n  timespan: 5m\n  condition: {gte: 3}\n"
            + "---\ntitle: circle\nname: circle\ncorrelation:\n  type: temporal\n  rules: [circle]\n  timespan: 5m\n";

        RuleSet silent = RuleLoader.Parse([("r.yml", $"{rules}---\ntitle: whole\ncorrelation:\n  {correlation}\n")]);
        RuleSet loud = RuleLoader.Parse([("r.yml", $"{rules}---\ntitle: whole\ngenerate: true\ncorrelation:\n  {correlation}\n")]);

        Assert.Equal((1, false), (silent.Rules.Count, silent.Rules[0].Generates));
        Assert.Equal(["part"], silent.Correlations.Select(c => c.Metadata.Title));
        Assert.Equal([false], silent.CorrelationGenerates);
        Assert.Equal((1, true), (loud.Rules.Count, loud.Rules[0].Generates));
        Assert.Equal([true], loud.CorrelationGenerates);
    }

    /// <summary>Expressions are compiled only for rules that events can reach; one that is taken must never turn out to be impossible then.</summary>
    [Fact]
    public void Every_expression_that_is_taken_can_be_compiled()
    {
        string[] pieces = ["a", "b+", "(?:a|b)", "(?<n>a)", "(?i)", "(?i:a)", "(?-i:a)", "(?m)", "(?s-m:.)", "\\b", "\\B", "^", "$", "\\A", "\\z", "\\Z", "[a-c]", "[^x]", "\\d", "\\w", ".*?", "{2,3}", "(a)", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "\\1", "\\k<n>", "\\G", "(?(1)a)", "(?#c)", "(?n:a)", "(?x:a)", "a++", "\\p{L}", "\\x41", "\\e", "|"];
        int taken = 0;
        Check.Sample(
            Gen.Int[0, pieces.Length - 1].Array[1, 5].Select(chosen => string.Concat(chosen.Select(i => pieces[i]))),
            pattern =>
            {
                if (!SafeRegex.TryCompile(pattern, System.Text.RegularExpressions.RegexOptions.None, out RegexTest? test, out string? reason))
                {
                    Assert.NotNull(reason);
                    return;
                }
                taken++;
                test!.Prepare();
            },
            iter: 2000,
            threads: 1);
        Assert.True(taken > 200, $"only {taken}");
    }

    [Fact]
    public void Every_expression_of_repetitions_that_is_taken_can_be_compiled()
    {
        string[] pieces = ["(", "(?:", ")", ")", ")+", ")*", ")?", "){20}", "){3,}", "a", "b+", "[^]x]{9}", "[[:alpha:]]+", "\\){2}", "|", "{5", "c{1000}"];
        int taken = 0;
        Check.Sample(
            Gen.Int[0, pieces.Length - 1].Array[1, 30].Select(chosen => string.Concat(chosen.Select(i => pieces[i]))),
            pattern =>
            {
                string balanced = Balance(pattern);
                if (!SafeRegex.TryCompile(balanced, System.Text.RegularExpressions.RegexOptions.None, out RegexTest? test, out string? reason))
                {
                    Assert.NotNull(reason);
                    return;
                }
                taken++;
                test!.Prepare();
            },
            iter: 1000,
            threads: 1);
        Assert.True(taken > 100, $"only {taken}");
    }

    /// <summary>With parentheses added, so that most of what is drawn is an expression.</summary>
    static string Balance(string pattern)
    {
        int open = 0;
        int missing = 0;
        for (int i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '\\') i++;
            else if (pattern[i] == '(') open++;
            else if (pattern[i] == ')' && --open < 0) { open = 0; missing++; }
        }
        return new string('(', missing) + pattern + new string(')', open);
    }
}
