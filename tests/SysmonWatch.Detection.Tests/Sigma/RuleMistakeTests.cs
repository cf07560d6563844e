using System.Text;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>What somebody who writes rules does wrong, and what he is told: the place, what was found, and the fix.</summary>
public sealed class RuleMistakeTests
{
    // The detection begins in line 5 of the file.
    [Theory]
    [InlineData("  s:\n    A: *foo*\n  condition: s\n", "6:8: error: not YAML: a value that begins with * must be quoted, or YAML takes it for an alias: '*foo*'")]
    [InlineData("  s:\n    A:\n      - x\n      - *foo bar\n  condition: s\n", "8:9: error: not YAML: a value that begins with * must be quoted, or YAML takes it for an alias: '*foo*'")]
    [InlineData("  s:\n    A: [x, *foo*]\n  condition: s\n", "6:12: error: not YAML: a value that begins with * must be quoted, or YAML takes it for an alias: '*foo*'")]
    [InlineData("  s:\n    A: *\n  condition: s\n", "6:8: error: not YAML: a value that begins with * must be quoted, or YAML takes it for an alias: '*foo*'")]
    [InlineData("  s:\n    A: %tmp%\n  condition: s\n", "6:8: error: not YAML: a value that begins with % must be quoted")]
    [InlineData("  s:\n\tA: x\n  condition: s\n", "6:1: error: not YAML: a tab in the indentation; YAML takes only blanks there")]
    [InlineData("  s:\n    A: x\n \tB: y\n  condition: s\n", "7:2: error: not YAML: a tab in the indentation; YAML takes only blanks there")]
    [InlineData("  s:\n    |exists: true\n  condition: s\n", "6:5: error: not YAML: a key that begins with | must be quoted, and a modifier needs a field before it, as in 'Field|exists: true'")]
    [InlineData("  s: {A: x}\n  condition: |\n    s and\n      (not tt)\n", "8:12: error: 'tt' is not defined; the detection has s")]
    [InlineData("  s: {A: x}\n  condition: >-\n\n    s and\n    tt\n", "9:5: error: 'tt' is not defined; the detection has s")]
    [InlineData("  s: {A: x}\n  condition: s and\n    tt\n", "7:5: error: 'tt' is not defined; the detection has s")]
    [InlineData("  s: {A: x}\n  condition: 's and\n    tt'\n", "7:5: error: 'tt' is not defined; the detection has s")]
    [InlineData("  s: {A: x}\n  condition: s and filter_*\n", "6:20: error: 'filter_*' is not defined; a pattern needs '1 of' or 'all of' before it")]
    [InlineData("  s:\n    A|re: |\n      a(\n      b\n  condition: s\n", "7:7: error: 'a(\\nb\\n' is not a regular expression: Not enough )'s.")]
    [InlineData("  s:\n    A|re: a++b\n  condition: s\n", "6:11: error: 'a++b' has a possessive quantifier, which needs backtracking, and an attacker's value could make that run for hours; write one + instead of its two characters")]
    [InlineData("  s:\n    A|contains|base64: foo\n  condition: s\n", "6:24: error: what contains, startswith or endswith adds has no Base64 form; write them after it, as in base64offset|contains")]
    [InlineData("  s:\n    '|exists': true\n  condition: s\n", "6:5: error: 'exists' asks something of a field, and there is none before it; write Field|exists")]
    [InlineData("  s:\n    '|gt': 5\n  condition: s\n", "6:5: error: 'gt' asks something of a field, and there is none before it; write Field|gt")]
    [InlineData("  s:\n    A|gt: .inf\n  condition: s\n", "6:11: error: 'gt' needs a finite number, not '.inf'")]
    [InlineData("  s:\n    A|expand: '%a b%'\n  condition: s\n", "6:15: error: the placeholder %a b% has no values; give it some (rules.placeholders in the configuration), or do without the rule")]
    [InlineData("  s:\n    A|expand: x%var.name%\n  condition: s\n", "6:15: error: the placeholder %var.name% has no values; give it some (rules.placeholders in the configuration), or do without the rule")]
    [InlineData("  s:\n    A|expand: '%a*b%'\n  condition: s\n", "6:15: error: the placeholder %a*b% has no values; give it some (rules.placeholders in the configuration), or do without the rule")]
    public void Names_the_place_of_a_mistake_and_the_way_out(string detection, string problem)
    {
        RuleSet set = RuleLoader.Parse([("r.yml", Vectors.Rule(detection))]);

        Assert.Equal(["r.yml:" + problem], set.Problems.Select(p => p.ToString()));
        Assert.Empty(set.Rules);
    }

    [Theory]
    [InlineData("  s:\n    A:x\n  condition: s\n", "6:5: warning: 'A:x' is a keyword here; if 'A' is a field, write a blank after its colon")]
    [InlineData("  s:\n    - Image|endswith:/x\n  condition: s\n", "6:7: warning: 'Image|endswith:/x' is a keyword here; if 'Image|endswith' is a field, write a blank after its colon")]
    [InlineData("  s:\n    A|hour: 25\n  condition: s\n", "6:13: warning: no time has the hour 25; it is from 0 to 23")]
    [InlineData("  s:\n    A|day|gte: [1, 0]\n  condition: s\n", "6:20: warning: no time has the day 0; it is from 1 to 31")]
    [InlineData("  s: ''\n  condition: s\n", "5:6: warning: an empty keyword is in every event; give it a text, or remove it")]
    [InlineData("  s: [a, '']\n  condition: s\n", "5:10: warning: an empty keyword is in every event; give it a text, or remove it")]
    [InlineData("  s:\n    A|re: |\n      a.b\n  condition: s\n", "6:11: warning: the expression ends with a line end, which is part of this kind of text; write |- or >- to leave it out")]
    [InlineData("  s: {A: x}\n  condition: >\n    s and\n    not 1 of filter_*\n", "8:14: warning: 'filter_*' selects no search identifier and is left out; the detection has s")]
    public void Warns_of_what_is_allowed_and_surely_not_meant(string detection, string problem)
    {
        RuleSet set = RuleLoader.Parse([("r.yml", Vectors.Rule(detection))]);

        Assert.Equal(["r.yml:" + problem], set.Problems.Select(p => p.ToString()));
        Assert.Single(set.Rules);
    }

    [Theory]
    [InlineData("  s:\n    A|hour: [0, 23]\n    B|minute: 59\n    C|day: [1, 31]\n    D|week: 53\n    E|month: 12\n  condition: s\n")]
    [InlineData("  s: ['http://a', C:\\x, 'A:x', 'a b:c']\n  condition: s\n")]
    [InlineData("  s:\n    A|re: |-\n      a.b\n  condition: s\n")]
    [InlineData("  s:\n    A|expand: '100% or \\%a b\\%'\n  condition: s\n")]
    public void Does_not_warn_of_what_is_meant(string detection) =>
        Assert.Empty(RuleLoader.Parse([("r.yml", Vectors.Rule(detection))]).Problems);

    [Theory]
    [InlineData("{Category: process_creation}", "2:13: warning: 'Category' has no meaning in Sigma and is ignored; its keys are lower-case: write 'category'")]
    [InlineData("{category: [a, b], product: linux}", "2:23: error: 'category' must be one text: a rule has one log source; write a rule for each, or leave 'category' out")]
    [InlineData("{product: {a: b}}", "2:22: error: 'product' must be one text: a rule has one log source; write a rule for each, or leave 'product' out")]
    [InlineData("{service: []}", "2:22: error: 'service' must be one text: a rule has one log source; write a rule for each, or leave 'service' out")]
    public void A_log_source_that_would_be_taken_in_another_sense_is_told(string source, string problem)
    {
        RuleSet set = RuleLoader.Parse([("r.yml", $"title: t\nlogsource: {source}\ndetection:\n  s: {{A: x}}\n  condition: s\n")]);

        Assert.Equal(["r.yml:" + problem], set.Problems.Select(p => p.ToString()));
        Assert.Equal(problem.Contains("warning", StringComparison.Ordinal) ? 1 : 0, set.Rules.Count);
    }

    [Theory]
    [InlineData("1 of x*", "s", false)]
    [InlineData("s and 1 of x*", "", true)]
    [InlineData("1 of x* and s", "", true)]
    [InlineData("s and all of x*", "", true)]
    [InlineData("s and not 1 of x*", "s", false)]
    [InlineData("s and not all of x*", "s", false)]
    [InlineData("s and not (1 of x* or 1 of y*)", "s", false)]
    [InlineData("s or 1 of x*", "s", false)]
    [InlineData("t or (s and 1 of x*)", "", true)]
    [InlineData("not (s and 1 of x*)", "not(s)", false)]
    [InlineData("not (s or not 1 of x*)", "", true)]
    [InlineData("not (s or 1 of x*)", "not(s)", false)]
    [InlineData("s or not 1 of x*", "s", false)]
    public void A_selector_of_nothing_is_left_out_only_where_that_lets_nothing_more_match(string condition, string left, bool isRefused)
    {
        RuleSet set = RuleLoader.Parse([("r.yml", Vectors.Rule($"  s: {{A: x}}\n  t: {{B: y}}\n  condition: {condition}\n"))]);

        if (condition == "1 of x*") Assert.Contains("the condition selects nothing", Assert.Single(set.Problems).Text, StringComparison.Ordinal);
        else if (isRefused) Assert.Contains("without it the condition would match more than it says", Assert.Single(set.Problems).Text, StringComparison.Ordinal);
        else Assert.Equal(left, Text(Assert.Single(set.Rules).Condition));

        static string Text(RuleNode node) => node switch
        {
            RuleNode.Selection selection => selection.Name,
            RuleNode.Not not => $"not({Text(not.Part)})",
            _ => node.GetType().Name,
        };
    }

    [Theory]
    [InlineData("logsource: {product: linux}\nfilter:\n", "4:3: error: the filter has no 'rules'; list the ids or names of the rules that it filters, or write 'rules: any' for all within its log source")]
    [InlineData("logsource: {product: linux}\nfilter:\n  rules: []\n", "4:10: error: 'rules' must be texts; list the ids or names of the rules that it filters, or write 'rules: any' for all within its log source")]
    [InlineData("logsource: {product: linux}\nfilter:\n  rules: [a, {b: c}]\n", "4:14: error: 'rules' must be texts; list the ids or names of the rules that it filters, or write 'rules: any' for all within its log source")]
    [InlineData("filter:\n  rules: any\n", "1:1: error: a filter needs a 'logsource' with category, product or service: it filters the rules within it, and without one it would silence any")]
    [InlineData("logsource: {definition: x}\nfilter:\n  rules: any\n", "2:12: error: a filter needs a 'logsource' with category, product or service: it filters the rules within it, and without one it would silence any")]
    public void A_filter_that_does_not_say_what_it_filters_is_refused_and_silences_nothing(string head, string problem)
    {
        string rule = Vectors.Rule("  s: {A: x}\n  condition: s\n");

        RuleSet set = RuleLoader.Parse([("f.yml", $"title: f\n{head}  sel: {{A: x}}\n  condition: not sel\n"), ("r.yml", rule)]);

        Assert.Equal(["f.yml:" + problem], set.Problems.Select(p => p.ToString()));
        Assert.IsType<RuleNode.Selection>(Assert.Single(set.Rules).Condition);
    }

    [Theory]
    [InlineData("rules: any")]
    [InlineData("rules: [n]")]
    public void A_filter_that_says_it_filters(string rules)
    {
        string rule = "name: n\n" + Vectors.Rule("  s: {A: x}\n  condition: s\n");

        RuleSet set = RuleLoader.Parse([("f.yml", $"title: f\nlogsource: {{category: test}}\nfilter:\n  {rules}\n  sel: {{A: x}}\n  condition: not sel\n"), ("r.yml", rule)]);

        Assert.Empty(set.Problems);
        Assert.IsType<RuleNode.All>(Assert.Single(set.Rules).Condition);
    }

    [Fact]
    public void A_name_that_another_rule_has_is_told_with_the_place_of_the_first()
    {
        string rule = "name: n\n" + Vectors.Rule("  s: {A: x}\n  condition: s\n");

        RuleSet set = RuleLoader.Parse([("a.yml", rule), ("b.yml", rule.Replace("title: t", "title: u", StringComparison.Ordinal))]);

        Assert.Equal(
            ["b.yml:1:1: warning: the name 'n' is taken by 't' in a.yml:1, which is meant wherever a correlation says it; give this rule a name of its own"],
            set.Problems.Select(p => p.ToString()));
    }

    [Fact]
    public void A_file_without_a_rule_and_one_that_is_no_text_are_told()
    {
        string directory = Directory.CreateTempSubdirectory().FullName;
        try
        {
            File.WriteAllText(Path.Combine(directory, "a.yml"), "");
            File.WriteAllText(Path.Combine(directory, "b.yml"), "# later\n---\n");
            File.WriteAllBytes(Path.Combine(directory, "c.yml"), [.. Encoding.UTF8.GetBytes("title: é\nid: é "), 0xFF, .. Encoding.UTF8.GetBytes("\n" + Vectors.Rule("  s: {A: x}\n  condition: s\n"))]);

            Assert.Equal(
                [
                    "a.yml:1:1: warning: the file is empty: there is no rule in it",
                    "b.yml:1:1: warning: the file is empty: there is no rule in it",
                    "c.yml:2:7: error: the file is not UTF-8: there is the byte 0xFF; save it as UTF-8",
                ],
                RuleLoader.Load([directory]).Problems.Select(p => p.ToString()[(directory.Length + 1)..]));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void A_file_in_another_encoding_that_says_so_is_read()
    {
        string file = Path.Combine(Directory.CreateTempSubdirectory().FullName, "r.yml");
        try
        {
            foreach (Encoding encoding in (Encoding[])[new UTF8Encoding(true), Encoding.Unicode, Encoding.BigEndianUnicode])
            {
                File.WriteAllText(file, Vectors.Rule("  s: {A: é}\n  condition: s\n"), encoding);

                RuleSet set = RuleLoader.Load([file]);

                Assert.Empty(set.Problems);
                Assert.Single(set.Rules);
            }
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }
}
