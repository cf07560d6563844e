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
    [InlineData("tag\U000e0041s", "tag\\U000e0041s")]
    [InlineData("variation\U000e0100s\ufe01", "variation\\U000e0100s\\ufe01")]
    [InlineData("filler\u3164\u034f", "filler\\u3164\\u034f")]
    [InlineData("note\U0001d173s", "note\\U0001d173s")]
    [InlineData("not assigned\U0003fffd\u0378", "not assigned\\U0003fffd\\u0378")]
    [InlineData("emoji \U0001f600 \u2764\ufe0f, 漢字, \U00020000, Ελλάς", "emoji \U0001f600 \u2764\ufe0f, 漢字, \U00020000, Ελλάς")]
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
