using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Matching;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>What a regular expression takes for a character, a word and a letter in another case.</summary>
public sealed class RegexCharacterTests
{
    const string Kelvin = "\u212A";

    [Theory]
    [InlineData("^.$", "😀", true)]
    [InlineData("^..$", "😀", false)]
    [InlineData("^.{3}$", "a😀b", true)]
    [InlineData("^[^a]$", "😀", true)]
    [InlineData("^[😀😂]$", "😂", true)]
    [InlineData("^[😀😂]$", "😁", false)]
    [InlineData("^[😀-😂]$", "😁", true)]
    [InlineData("^[^😀-😂]+$", "x😁", false)]
    [InlineData("^[é-\\x{1F600}]$", "😀", true)]
    [InlineData("^[é-\\x{1F600}]$", "😁", false)]
    [InlineData("a\\x{1F600}b", "a😀b", true)]
    [InlineData("a😀?b", "ab", true)]
    [InlineData("a😀+b", "a😀😀b", true)]
    [InlineData("^\\W\\D\\S$", "😀é😀", true)]
    [InlineData("é", "É", false)]
    [InlineData("^é..$", "éüñ", true)]
    [InlineData("\\p{Lu}", "é", false)]
    [InlineData("^\\p{Lu}$", "É", true)]
    [InlineData("^\\P{L}$", "😀", true)]
    [InlineData("^[\\p{L}\\d]+$", "é1𐐀", true)]
    [InlineData("^\\p{^L}$", "a", false)]
    [InlineData("^.$", "\n", false)]
    [InlineData("^[\\s\\S]$", "😀", true)]
    public void A_character_is_one_of_Unicode(string pattern, string value, bool matches) => Assert.Equal(matches, Matches("re", pattern, value));

    [Theory]
    [InlineData("^\\W$", "k", false)]
    [InlineData("^\\W$", "K", false)]
    [InlineData("^\\W$", Kelvin, true)]
    [InlineData("^\\w$", Kelvin, false)]
    [InlineData("^[^\\w]$", Kelvin, true)]
    [InlineData("^[\\W_]$", "K", false)]
    [InlineData("^k$", Kelvin, false)]
    [InlineData("^k$", "K", true)]
    [InlineData("^[a-k]$", "K", true)]
    [InlineData("^[^a-k]$", "K", false)]
    [InlineData("^ſ$", "s", false)]
    [InlineData("^é$", "É", true)]
    [InlineData("^[à-é]$", "É", true)]
    [InlineData("^[^à-é]$", "É", false)]
    [InlineData("^σ$", "ς", true)]
    [InlineData("^𐐨$", "𐐀", true)]
    [InlineData("^\\x41$", "a", true)]
    [InlineData("(?-i)a", "A", false)]
    [InlineData("(?-i:a)b", "aB", true)]
    [InlineData("(?-i:a)b", "AB", false)]
    [InlineData("^(?<Name>a)$", "A", true)]
    public void Without_case_a_letter_is_both_its_cases_and_no_other_set_grows(string pattern, string value, bool matches) =>
        Assert.Equal(matches, Matches("re|i", pattern, value));

    [Theory]
    [InlineData("(?i)ab", "AB", true)]
    [InlineData("a(?i)b|c", "C", true)]
    [InlineData("(a(?i)b)c", "aBC", false)]
    [InlineData("(a(?i)b)c", "aBc", true)]
    [InlineData("(?i:a)b", "AB", false)]
    [InlineData("(?is)a.b", "A\nB", true)]
    [InlineData("(?i-s)a.b", "A\nB", false)]
    [InlineData("(?ix) a b # c", "AB", true)]
    public void Flags_in_an_expression_hold_where_they_stand(string pattern, string value, bool matches) => Assert.Equal(matches, Matches("re", pattern, value));

    [Theory]
    [InlineData("\\bfoo\\b", "éfoo", true)]
    [InlineData("\\bfoo\\b", "_foo", false)]
    [InlineData("\\bfoo\\b", "\u200dfoo", true)]
    [InlineData("o\\B", "oé", false)]
    [InlineData("\\b.\\b", "é", false)]
    public void A_word_ends_where_its_characters_do(string pattern, string value, bool matches) => Assert.Equal(matches, Matches("re", pattern, value));

    [Fact]
    public void Where_a_word_begins_or_ends_is_what_its_characters_say() =>
        Gen.Char["aZ_0 -é中\u200d\u212A٣"].Array[0, 6].Sample(
            characters =>
            {
                string value = new(characters);
                bool IsWord(int at) => at >= 0 && at < value.Length && (char.IsAsciiLetterOrDigit(value[at]) || value[at] == '_');
                for (int i = 0; i <= value.Length; i++) Assert.Equal(IsWord(i - 1) != IsWord(i), Matches("re", $"^.{{{i}}}\\b", value));
            },
            iter: 60,
            threads: 1);

    [Theory]
    [InlineData("^[[:alpha:]]$", "a", true)]
    [InlineData("^[[:^alpha:]]$", "a", false)]
    [InlineData("^[[:^alpha:]]$", "😀", true)]
    [InlineData("^[^[:space:]x]$", "y", true)]
    [InlineData("^[]x]$", "]", true)]
    [InlineData("^[^]x]$", "]", false)]
    [InlineData("^[a\\]b]$", "]", true)]
    [InlineData("^[./_-]$", ".", true)]
    [InlineData("^[./_-]$", "-", true)]
    [InlineData("^[+--]$", ",", true)]
    [InlineData("^[--/]$", ".", true)]
    [InlineData("^[\\--\\/]$", ".", true)]
    [InlineData("^[a-]$", "-", true)]
    [InlineData("^[\\d-x]$", "-", true)]
    [InlineData("^[a-\\d]$", "-", true)]
    [InlineData("^[[]$", "[", true)]
    [InlineData("^[\\x41-\\x43]$", "B", true)]
    [InlineData("^[\\b]$", "\b", true)]
    [InlineData("^[^\\s\\S]$", "a", false)]
    [InlineData("a\\/\\_\\<b", "a/_<b", true)]
    public void A_class_has_the_characters_it_names(string pattern, string value, bool matches) => Assert.Equal(matches, Matches("re", pattern, value));

    [Theory]
    [InlineData("[[:foo:]]", "'[[:foo:]]' has [:foo:], which is no known class; known: alpha, digit, alnum, upper, lower, xdigit, space, blank, punct, word, cntrl, print, graph, ascii")]
    [InlineData("[[:Alpha:]]", "'[[:Alpha:]]' has [:Alpha:], which is no known class; known: alpha, digit, alnum, upper, lower, xdigit, space, blank, punct, word, cntrl, print, graph, ascii")]
    [InlineData("[[.a.]]", "'[[.a.]]' has [.a.], which is no known class; known: alpha, digit, alnum, upper, lower, xdigit, space, blank, punct, word, cntrl, print, graph, ascii")]
    [InlineData("[[=a=]]", "'[[=a=]]' has [=a=], which is no known class; known: alpha, digit, alnum, upper, lower, xdigit, space, blank, punct, word, cntrl, print, graph, ascii")]
    [InlineData("[:alpha:]+", "'[:alpha:]+' has [:alpha:] outside of a class; write [[:alpha:]]")]
    [InlineData("[b-a]", "'[b-a]' is not a regular expression: the range b-a is in reverse order")]
    [InlineData("x[ab", "'x[ab' is not a regular expression: the class that begins with [ab has no ]")]
    [InlineData("\\x{zz}", "'\\x{zz}' is not a regular expression: \\xzz is no character")]
    [InlineData("\\p{Foo}", "'\\p{Foo}' has \\p{Foo}, which is no general category of Unicode such as \\p{L} or \\p{Nd}")]
    public void What_names_no_characters_is_refused(string pattern, string expected)
    {
        Assert.False(SafeRegex.TryCompile(pattern, RegexOptions.None, out _, out string? reason));
        Assert.Equal(expected, reason);
    }

    /// <summary>Of texts in ASCII, where units are characters, the runtime's own engine says the same.</summary>
    [Fact]
    public void In_ASCII_an_expression_matches_what_it_did_before_it_was_rewritten()
    {
        string[] pieces = ["a", "b", "B", "K", "[a-c]", "[^b]", "[^bk]", ".", "\\.", "-", "a+", "b*?", "(a|B)", "(?:b)", "(?i)", "(?i:k)", "^", "$", "\\b", "{2}", "|", "[.\\]-]", "[./_-]", "[--_]", "[ -~]", "[^ -.]", "\\x41", "(?<n>b)"];
        int compared = 0;
        Gen.Select(Gen.Int[0, pieces.Length - 1].Array[1, 6], Gen.Char["aAbBkKcx.-]_ "].Array[0, 8], Gen.Bool).Sample(
            (chosen, text, ignoresCase) =>
            {
                string pattern = string.Concat(chosen.Select(i => pieces[i]));
                RegexOptions flags = ignoresCase ? RegexOptions.IgnoreCase : RegexOptions.None;
                if (!SafeRegex.TryCompile(pattern, flags, out RegexTest? test, out _)) return;
                compared++;
                string value = new(text);
                bool expected = Regex.IsMatch(value, pattern, flags | RegexOptions.CultureInvariant);
                Assert.Equal(expected, test!.Matches(new JsonEvent(), ValueKind.Text, Encoding.UTF8.GetBytes(value), new MatchScratch()));
            },
            iter: 4_000,
            threads: 1);
        Assert.True(compared > 1_000, $"only {compared}");
    }

    static bool Matches(string modifiers, string pattern, string value)
    {
        RuleSet set = RuleLoader.Parse([("r.yml", Vectors.Rule($"  s:\n    A|{modifiers}: {JsonSerializer.Serialize(pattern)}\n  condition: s\n"))]);
        Assert.Empty(set.Problems);
        var e = new JsonEvent();
        Assert.True(e.TryRead(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["A"] = value }), out _));
        return CompiledRules.Compile(set, new RuleOptions()).CreateMatcher().Match(e, null).Length > 0;
    }
}
