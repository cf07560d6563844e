using System.Text;
using System.Text.Json;
using SysmonWatch.Detection.Sigma.Parsing;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Detection.Tests.Sigma;

/// <summary>Each of the five dashes stands for each, also where the value is encoded.</summary>
public sealed class WindashTests
{
    static readonly string[] Dashes = ["-", "/", "\u2013", "\u2014", "\u2015"];

    public static TheoryData<string, string> Pairs => [.. Dashes.SelectMany(one => Dashes.Select(other => (one, other)))];

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Any_dash_stands_for_any(string written, string found) => Assert.True(Matches("windash|contains", $" {written}enc", $"x {found}enc y"));

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Any_dash_stands_for_any_in_what_is_encoded(string written, string found) =>
        Assert.True(Matches("windash|base64", $"a{written}b", Convert.ToBase64String(Encoding.UTF8.GetBytes($"a{found}b"))));

    [Fact]
    public void What_is_no_dash_stands_for_itself()
    {
        Assert.False(Matches("windash", "-a", "\u2012a"));
        Assert.False(Matches("windash", "\u2212a", "-a"));
    }

    [Fact]
    public void Five_dashes_can_be_encoded_and_six_are_too_many()
    {
        Assert.True(Matches("windash|base64", "a-b-c-d-e-f", Convert.ToBase64String("a/b\u2013c\u2014d\u2015e-f"u8)));
        Assert.Equal(
            "'a-b-c-d-e-f-g' has too many dashes to be encoded; at most 4096 variants are made of a value",
            Assert.Single(Load("windash|base64", "a-b-c-d-e-f-g").Problems).Text);
    }

    static bool Matches(string modifiers, string pattern, string value)
    {
        RuleSet set = Load(modifiers, pattern);
        Assert.Empty(set.Problems);
        using var json = JsonDocument.Parse(JsonSerializer.Serialize(new Dictionary<string, string> { ["A"] = value }));
        return Vectors.Matches(set, Vectors.Event(json.RootElement)).Length > 0;
    }

    static RuleSet Load(string modifiers, string pattern) =>
        RuleLoader.Parse([("r.yml", Vectors.Rule($"  s:\n    A|{modifiers}: {JsonSerializer.Serialize(pattern)}\n  condition: s\n"))]);
}
