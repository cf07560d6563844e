using System.Globalization;
using System.Text;
using SysmonWatch.Detection.Alerting;

namespace SysmonWatch.Daemon.Delivery.Services.Slack;

/// <summary>
/// Puts text that an attacker may have written into Slack's mrkdwn so that it is only text: it cannot ping a channel, make a link, or look like ours.
/// </summary>
/// <remarks>
/// Source: https://docs.slack.dev/messaging/formatting-message-text — control sequences are in angle brackets (<c>&lt;!channel&gt;</c>, <c>&lt;@U1&gt;</c>,
/// <c>&lt;http://x|y&gt;</c>), so that <c>&amp;</c>, <c>&lt;</c> and <c>&gt;</c> as entities end them. Names behind an @ can become mentions where a
/// workspace or a look-alike of Slack turns on link_names, so an invisible word joiner follows each @ and #.
/// </remarks>
static class SlackText
{
    const char WordJoiner = '\u2060';

    // Looks like a backtick and ends no code.
    const char InnocentBacktick = '\u02CB';

    /// <summary>Text for running mrkdwn, of so many characters at most as Slack counts them. Empty text gives a dash: Slack refuses a block without text.</summary>
    public static string Plain(string text, int longest) => text.Length == 0 ? "–" : Escape(text, longest, isCode: false);

    /// <summary>Text as inline code: `text`. Empty text gives a dash.</summary>
    public static string Code(string text, int longest) => text.Length == 0 ? "–" : $"`{Escape(text, longest - 2, isCode: true)}`";

    /// <summary>Text as a block of code.</summary>
    public static string Block(string text, int longest) => $"```{Escape(text, longest - 6, isCode: true)}```";

    static string Escape(string text, int longest, bool isCode)
    {
        string shown = SafeText.Show(text);
        var escaped = new StringBuilder(Math.Min(shown.Length + 16, longest));
        int done = 0;
        foreach (Rune rune in shown.EnumerateRunes())
        {
            string piece = Piece(rune, isCode);
            string mark = Mark(shown.Length - done);
            bool isLast = done + rune.Utf16SequenceLength == shown.Length;
            if (escaped.Length + piece.Length + (isLast ? 0 : mark.Length) > longest) return escaped.Append(mark).ToString();
            escaped.Append(piece);
            done += rune.Utf16SequenceLength;
        }
        return escaped.ToString();
    }

    static string Mark(int left) => string.Create(CultureInfo.InvariantCulture, $"… ({left:N0} more)");

    static string Piece(Rune rune, bool isCode) => rune.Value switch
    {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '@' => $"@{WordJoiner}",
        '#' => isCode ? "#" : $"#{WordJoiner}",
        '`' => InnocentBacktick.ToString(),
        // Bold, italic and struck text of an attacker's would look like ours.
        '*' or '_' or '~' when !isCode => $"{WordJoiner}{rune}{WordJoiner}",
        _ => rune.ToString(),
    };
}
