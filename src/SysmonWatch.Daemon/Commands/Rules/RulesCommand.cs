using System.CommandLine;
using Spectre.Console;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Explaining;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Commands.Rules;

/// <summary><c>sysmonwatch rules list|show|lint</c>: which rules there are, what they say, and what is wrong with them.</summary>
static class RulesCommand
{
    public static Command Create()
    {
        Option<string[]> rules = SharedOptions.Rules("Rule files or directories in place of the configured ones; may be repeated.");
        Option<string?> config = SharedOptions.Config();
        var list = new Command("list", "List the rules: level, what feeds them, id, title.") { rules, config };
        list.SetAction(parsed => List(parsed.GetValue(rules) ?? [], parsed.GetValue(config), Console.Out, Console.Error));

        var rule = new Argument<string>("RULE") { Description = "Id, name or title." };
        var show = new Command("show", "Show one rule: what it says about itself, and its condition.") { rule, rules, config };
        show.SetAction(parsed => Show(parsed.GetRequiredValue(rule), parsed.GetValue(rules) ?? [], parsed.GetValue(config), Console.Out, Console.Error));

        var lint = new Command("lint", "Say what is wrong with rules, and what could be better. Exit code 1: a rule is refused.") { rules, config };
        lint.SetAction(parsed => Lint(parsed.GetValue(rules) ?? [], parsed.GetValue(config), Console.Out, Console.Error));
        return new Command("rules", "Look at rules.") { list, show, lint };
    }

    public static int List(IReadOnlyList<string> paths, string? config, TextWriter output, TextWriter errors)
    {
        if (ConfiguredRules.Load(paths, config, errors) is not { } set) return ExitCodes.Configuration;
        foreach (RuleProblem problem in set.Problems.Where(p => p.IsError)) errors.WriteLine(SafeText.Show(problem.ToString()));
        IAnsiConsole console = Terminal.On(output);
        Table table = Terminal.Table(console).AddColumns("level", "source", "id", "title");
        foreach (SigmaRule rule in set.Rules)
        {
            Add(rule.Metadata, SysmonLogSources.CanFeed(rule.LogSource) ? rule.LogSource.Category ?? "any event" : "(not fed)");
        }
        foreach (CorrelationRule rule in set.Correlations) Add(rule.Metadata, "correlation");
        if (table.Rows.Count > 0) console.Write(table);
        errors.WriteLine($"{Wording.Count(set.Rules.Count, "rule")}, {set.Unfed.Count} of them not fed by Sysmon for Linux, {Wording.Count(set.Correlations.Count, "correlation")}, {set.Problems.Count(p => p.IsError)} refused");
        return set.Rules.Count + set.Correlations.Count > 0 && paths.All(Path.Exists) ? ExitCodes.Success : ExitCodes.Failure;

        void Add(RuleMetadata rule, string source) =>
            table.AddRow(Terminal.Styled(Terminal.StyleOf(rule.Level), Level(rule)), Terminal.Safe(source), Terminal.Safe(rule.Id), Terminal.Safe(rule.Title));
    }

    public static int Show(string word, IReadOnlyList<string> paths, string? config, TextWriter output, TextWriter errors)
    {
        if (ConfiguredRules.Load(paths, config, errors) is not { } set) return ExitCodes.Configuration;
        IAnsiConsole console = Terminal.On(output);
        int shown = 0;
        foreach (SigmaRule rule in set.Rules.Where(r => ConfiguredRules.IsCalled(r.Metadata, word)))
        {
            Describe(rule.Metadata, console);
            Field("log source", $"{rule.LogSource}{(SysmonLogSources.CanFeed(rule.LogSource) ? "" : " (no event of Sysmon for Linux is of it)")}", console);
            console.WriteLine();
            foreach (string line in RuleText.Lines(rule)) console.MarkupLine(Terminal.Safe(line));
            shown++;
        }
        foreach (CorrelationRule rule in set.Correlations.Where(r => ConfiguredRules.IsCalled(r.Metadata, word)))
        {
            Describe(rule.Metadata, console);
            Field("correlation", $"{rule.Type} within {TimeSpan.FromMicroseconds(rule.Timespan)} by {string.Join(", ", rule.GroupBy)}", console);
            shown++;
        }
        if (shown > 0) return ExitCodes.Success;
        foreach (RuleProblem problem in set.Problems.Where(p => p.IsError)) errors.WriteLine(SafeText.Show(problem.ToString()));
        errors.WriteLine($"{SafeText.Show(word)}: no rule has this id, name or title; see sysmonwatch rules list.");
        return ExitCodes.Failure;
    }

    public static int Lint(IReadOnlyList<string> paths, string? config, TextWriter output, TextWriter errors)
    {
        if (ConfiguredRules.Load(paths, config, errors) is not { } set) return ExitCodes.Configuration;
        foreach (RuleProblem problem in set.Problems) output.WriteLine(SafeText.Show(problem.ToString()));
        foreach (RuleMetadata rule in set.Rules.Select(r => r.Metadata).Concat(set.Correlations.Select(c => c.Metadata)))
        {
            if (!Guid.TryParse(rule.Id, out _)) Advise(rule, "has no UUID as its id; alerts and settings name rules by it");
            if (rule.Description.Length == 0) Advise(rule, "has no description; whoever gets its alerts will want one");
            if (rule.Author.Length == 0) Advise(rule, "has no author");
        }
        foreach (SigmaRule rule in set.Unfed) Advise(rule.Metadata, $"no event of Sysmon for Linux is of its log source ({rule.LogSource})");
        int refused = set.Problems.Count(p => p.IsError);
        errors.WriteLine($"{Wording.Count(set.Rules.Count, "rule")} and {Wording.Count(set.Correlations.Count, "correlation")} good, {Wording.Count(refused, "problem")} that refuse a rule");
        return refused > 0 ? ExitCodes.Failure : ExitCodes.Success;

        void Advise(RuleMetadata rule, string advice) => output.WriteLine($"{rule.File}:{rule.Line}:1: advice: '{SafeText.Show(rule.Title)}' {advice}");
    }

    static void Describe(RuleMetadata rule, IAnsiConsole console)
    {
        console.MarkupLine(Terminal.Styled("bold", rule.Title));
        Field("id", rule.Id, console);
        Field("level", Level(rule), console);
        Field("status", rule.Status, console);
        Field("author", rule.Author, console);
        Field("file", $"{rule.File}:{rule.Line}", console);
        Field("description", rule.Description, console);
        Field("tags", string.Join(", ", rule.Tags), console);
        Field("benign when", string.Join("; ", rule.FalsePositives), console);
        foreach (string reference in rule.References) Field("reference", reference, console);
    }

    static void Field(string name, string text, IAnsiConsole console)
    {
        if (text.Length > 0) console.MarkupLine($"  {Terminal.Styled("grey", $"{name + ":",-13}")} {Terminal.Safe(text.ReplaceLineEndings(" "))}");
    }

    static string Level(RuleMetadata rule) => rule.Level.ToString().ToLowerInvariant();
}
