using System.Text;
using System.Text.Json;
using CsCheck;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>The search for the literals of all rules at once, against one after the other.</summary>
public sealed class LiteralTests
{
    static readonly string[] Modifiers = ["|contains", "|startswith", "|endswith", ""];

    // Few literals are searched for in another way than many, and long values in another than short ones.
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(400)]
    public void Finds_the_literals_of_any_number_that_a_value_has(int count) =>
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                (string Literal, string Modifier)[] literals = [.. Enumerable.Range(0, count).Select(_ => (Text(random, random.Next(1, 12)), Modifiers[random.Next(4)]))];
                RuleSet set = RuleLoader.Parse(literals.Select((l, i) => ($"{i}.yml", Vectors.Rule($"  s:\n    A{l.Modifier}: {JsonSerializer.Serialize(l.Literal)}\n  condition: s\n"))));
                RuleMatcher matcher = CompiledRules.Compile(set, new RuleOptions()).CreateMatcher();
                var e = new JsonEvent();
                for (int i = 0; i < 40; i++)
                {
                    string value = Value(random, [.. literals.Select(l => l.Literal)]);
                    Assert.True(e.TryRead(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["A"] = value }), out _));

                    int[] expected = [.. Enumerable.Range(0, count).Where(l => Has(value, literals[l].Literal, literals[l].Modifier))];

                    Assert.Equal(expected, matcher.Match(e, null).ToArray());
                }
            },
            iter: count > 100 ? 10 : 60,
            threads: 1);

    [Fact]
    public void What_differs_in_the_bit_that_tells_cases_apart_is_not_the_same()
    {
        // Of each pair one is the other with that bit, and only letters have cases.
        string[] literals = ["[a]", "{a}", "x@yz1", "x`yz1", "a_\u007f", "@@", "``", "@", "é1\u00e9"];
        RuleSet set = RuleLoader.Parse(literals.Select((l, i) => ($"{i}.yml", Vectors.Rule($"  s:\n    A|contains: {JsonSerializer.Serialize(l)}\n  condition: s\n"))));
        RuleMatcher matcher = CompiledRules.Compile(set, new RuleOptions()).CreateMatcher();
        var e = new JsonEvent();
        foreach (string value in literals.SelectMany(l => (string[])[l, "some-more-text-before " + l, l + " and some more text behind", l.ToUpperInvariant()]))
        {
            Assert.True(e.TryRead(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["A"] = value }), out _));

            int[] expected = [.. Enumerable.Range(0, literals.Length).Where(l => value.Contains(literals[l], StringComparison.OrdinalIgnoreCase))];

            Assert.Equal(expected, matcher.Match(e, null).ToArray());
        }
    }

    static bool Has(string value, string literal, string modifier) => modifier switch
    {
        "|contains" => value.Contains(literal, StringComparison.OrdinalIgnoreCase),
        "|startswith" => value.StartsWith(literal, StringComparison.OrdinalIgnoreCase),
        "|endswith" => value.EndsWith(literal, StringComparison.OrdinalIgnoreCase),
        _ => value.Equals(literal, StringComparison.OrdinalIgnoreCase),
    };

    static string Value(Random random, string[] literals)
    {
        var value = new StringBuilder();
        for (int pieces = random.Next(1, 6); pieces > 0; pieces--)
        {
            string piece = random.Next(3) == 0 ? literals[random.Next(literals.Length)] : Text(random, random.Next(60));
            value.Append(random.Next(4) == 0 ? piece.ToUpperInvariant() : piece);
        }
        return value.ToString();
    }

    static string Text(Random random, int length) => string.Concat(Enumerable.Range(0, length).Select(_ => "aabbcde/- .:[{0é"[random.Next(16)]));
}
