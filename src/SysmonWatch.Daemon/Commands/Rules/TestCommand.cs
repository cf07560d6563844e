using System.CommandLine;
using System.Text;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Pipeline;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Detection.Testing;

namespace SysmonWatch.Daemon.Commands.Rules;

/// <summary><c>sysmonwatch test DIR</c>: runs the tests that stand beside rules.</summary>
static class TestCommand
{
    public static Command Create()
    {
        var path = new Argument<string>("DIR") { Description = "A directory with rules NAME.yml and their tests NAME.test.yml, or one such test file." };
        var junit = new Option<string?>("--junit") { HelpName = "FILE", Description = "Also write the result as JUnit XML." };
        Option<string?> config = SharedOptions.Config();
        config.Description = "Configuration file for the values of placeholders and for repairs. Default: none, all repairs.";
        var command = new Command("test", "Run the tests of rules: events that must match and events that must not. Exit code 1: one failed.") { path, junit, config };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(path), parsed.GetValue(junit), Console.Out, Console.Error, parsed.GetValue(config)));
        return command;
    }

    public static int Run(string path, string? junit, TextWriter output, TextWriter errors, string? config = null)
    {
        if (ConfiguredRules.OnlyWhereNamed(config, errors) is not { } options) return ExitCodes.Configuration;
        string[] files = Directory.Exists(path) ? [.. Directory.EnumerateFiles(path, "*.test.yml", SearchOption.AllDirectories).Order(StringComparer.Ordinal)] : [path];
        if (files.Length == 0)
        {
            errors.WriteLine($"{path}: no *.test.yml in it; put NAME.test.yml beside NAME.yml.");
            return ExitCodes.Usage;
        }
        if (files.Select(f => InputFiles.FindProblem([f])).FirstOrDefault(p => p is not null) is { } unreadable)
        {
            errors.WriteLine(unreadable);
            return ExitCodes.NoInput;
        }
        // Read together, because correlations refer to rules of other files.
        RuleSet all = RuleLoader.Load(Directory.Exists(path) ? [path] : [.. files.Select(RuleFileOf).Where(File.Exists)], options.Rules.Placeholders);
        RuleTestSuite[] suites = [.. files.Select(file => Run(file, all, options.Rules))];
        foreach (RuleTestSuite suite in suites) Write(suite, output);
        int failed = suites.Sum(s => s.Failures);
        output.WriteLine($"{suites.Length} rules, {suites.Sum(s => s.Results.Count)} events: {(failed == 0 ? "all as they must be" : $"{failed} wrong")}.");
        if (junit is not null) JUnitReport.Write(junit, suites);
        return failed == 0 ? ExitCodes.Success : ExitCodes.Failure;
    }

    static string RuleFileOf(string testFile) => testFile.EndsWith(".test.yml", StringComparison.Ordinal) ? testFile[..^".test.yml".Length] + ".yml" : "";

    static RuleTestSuite Run(string file, RuleSet all, RulesOptions options)
    {
        string ruleFile = RuleFileOf(file);
        if (!File.Exists(ruleFile)) return new RuleTestSuite(file, [$"{file}: there is no rule {ruleFile} to test."], []);
        if (new FileInfo(file).Length > RuleTestFile.LargestFile) return new RuleTestSuite(file, [$"{file}: is larger than {RuleTestFile.LargestFile >> 20} MiB."], []);
        RuleSet rules = all.OfFile(ruleFile);
        string[] refused = [.. rules.Problems.Where(p => p.IsError).Select(p => p.ToString())];
        if (refused.Length > 0 || rules.Rules.Count == 0) return new RuleTestSuite(file, refused.Length > 0 ? refused : [$"{ruleFile}: has no rule that looks at single events."], []);
        IReadOnlyList<RuleTestCase> cases = RuleTestFile.Parse(File.ReadAllText(file, Encoding.UTF8), out IReadOnlyList<string> problems);
        return problems.Count > 0 ? new RuleTestSuite(file, [.. problems.Select(p => $"{file}:{p}")], []) : new RuleTestSuite(file, [], RuleTester.Run(rules, cases, RulesInUse.Matching(options)));
    }

    static void Write(RuleTestSuite suite, TextWriter output)
    {
        output.WriteLine($"{(suite.Failures == 0 ? "ok  " : "FAIL")} {suite.File} ({suite.Results.Count} events)");
        foreach (string problem in suite.Problems) output.WriteLine($"     {SafeText.Show(problem)}");
        foreach (RuleTestResult result in suite.Results.Where(r => !r.Passed))
        {
            output.WriteLine($"     {result.Case.Name}: {(result.Matched ? "matches and must not" : "does not match and must")}, because");
            ExplanationText.WriteReasons(output, result.Explanation, "       ");
        }
    }
}

/// <summary>The tests of one rule file, run.</summary>
/// <param name="File">The test file.</param>
/// <param name="Problems">Why nothing could be run; none where it was.</param>
/// <param name="Results">One an event.</param>
sealed record RuleTestSuite(string File, IReadOnlyList<string> Problems, IReadOnlyList<RuleTestResult> Results)
{
    public int Failures => Problems.Count + Results.Count(r => !r.Passed);
}
