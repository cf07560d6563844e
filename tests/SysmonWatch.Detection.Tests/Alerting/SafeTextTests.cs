using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Detection.Tests.Alerting;

public class SafeTextTests
{
    [Theory]
    [InlineData("plain text, ünïcode → fine", "plain text, ünïcode → fine")]
    [InlineData("a\nb\rc\td", "a\\x0ab\\x0dc\\x09d")]
    [InlineData("\u001b[2Jgone", "\\x1b[2Jgone")]
    [InlineData("\u009b31m", "\\x9b31m")]
    [InlineData("txt.\u202eexe", "txt.\\u202eexe")]
    [InlineData("two\u2028lines", "two\\u2028lines")]
    [InlineData("zero\u200bwidth", "zero\\u200bwidth")]
    public void Shows_what_could_act_on_a_terminal(string text, string shown)
    {
        Assert.Equal(shown, SafeText.Show(text));
    }

    [Fact]
    public void Half_a_character_becomes_the_replacement_character()
    {
        Assert.Equal("\ufffd alone", SafeText.Show("\ud800 alone"));
    }

    [Theory]
    [InlineData("12345", 5, "12345")]
    [InlineData("123456", 5, "1234…")]
    [InlineData("123\n56", 5, "123…")]
    public void Cuts_what_is_too_long_and_says_so(string text, int longest, string shown)
    {
        Assert.Equal(shown, SafeText.Show(text, longest));
    }
}
