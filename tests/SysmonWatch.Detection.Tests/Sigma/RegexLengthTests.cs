using System.Text.RegularExpressions;
using CsCheck;
using SysmonWatch.Detection.Sigma.Matching;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>How short a text can be that an expression matches.</summary>
public sealed class RegexLengthTests
{
    [Theory]
    [InlineData("abc", 3)]
    [InlineData("[^/]{100,}$", 100)]
    [InlineData("^a{2,5}b+c*d?$", 3)]
    [InlineData("(ab|c)(de|fgh)", 3)]
    [InlineData("ab|", 0)]
    [InlineData("(?i)a(?:bc){3}", 7)]
    [InlineData("(?<n>ab)+", 2)]
    [InlineData("a+?b{2}?", 2)]
    [InlineData(@"\x41\u0041\.\bx", 4)]
    [InlineData(@"[a\]b]{3}", 3)]
    [InlineData("a{,3}", 5)]
    [InlineData(@"\p{Lu}{4}", 4)]
    [InlineData(@"(a)\1", 0)]
    [InlineData("(?x) a b", 0)]
    [InlineData("(?=abc)abc", 0)]
    [InlineData("(a{1000}){1000}", 65536)]
    public void Knows_the_least_length_or_says_less(string pattern, int expected) => Assert.Equal(expected, RegexLength.Shortest(pattern));

    [Fact]
    public void Nothing_shorter_is_matched() =>
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                string pattern = Pattern(random, 0);
                var regex = new Regex($"^(?:{pattern})$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
                int shortest = RegexLength.Shortest(pattern);
                for (int i = 0; i < 60; i++)
                {
                    string text = string.Concat(Enumerable.Range(0, random.Next(Math.Max(1, shortest))).Select(_ => "abc"[random.Next(3)]));
                    if (text.Length < shortest) Assert.False(regex.IsMatch(text), $"{pattern} matches '{text}', which is shorter than {shortest}");
                }
            },
            iter: 500,
            threads: 1);

    static string Pattern(Random random, int depth)
    {
        string pattern = "";
        for (int i = random.Next(1, 4); i > 0; i--) pattern += Element(random, depth) + Quantifier(random);
        return random.Next(4) == 0 && depth < 3 ? $"{pattern}|{Pattern(random, depth + 1)}" : pattern;
    }

    static string Element(Random random, int depth) => random.Next(depth < 3 ? 8 : 6) switch
    {
        0 => "a",
        1 => "b",
        2 => "[bc]",
        3 => ".",
        4 => @"\x61",
        5 => @"(?:\b)",
        6 => $"({Pattern(random, depth + 1)})",
        _ => $"(?i:{Pattern(random, depth + 1)})",
    };

    static string Quantifier(Random random) => ((string[])["", "", "", "?", "*", "+", "{2}", "{1,2}", "{0,}", "+?", "{2}?"])[random.Next(11)];
}
