using System.Globalization;
using System.Text;

namespace SysmonWatch.Detection.Alerting;

/// <summary>Makes text that an attacker may have written fit to be shown on one line of a terminal or a chat.</summary>
public static class SafeText
{
    /// <summary>
    /// The text with control characters, line separators and characters that turn the direction of writing shown as <c>\x1b</c> or <c>\u202e</c>,
    /// and cut with "…" where it is longer than asked for.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <param name="longest">Characters at most, from 1.</param>
    public static string Show(string text, int longest = int.MaxValue)
    {
        if (text.Length <= longest && !NeedsCare(text)) return text;
        var shown = new StringBuilder(Math.Min(text.Length, longest) + 16);
        foreach (Rune rune in text.EnumerateRunes())
        {
            string piece = Show(rune);
            if (shown.Length + piece.Length > longest - 1)
            {
                shown.Append('…');
                break;
            }
            shown.Append(piece);
        }
        return shown.ToString();
    }

    static bool NeedsCare(string text)
    {
        foreach (char c in text)
        {
            if (!IsHarmless(c) || char.IsSurrogate(c)) return true;
        }
        return false;
    }

    static string Show(Rune rune)
    {
        if (rune.Value > char.MaxValue || IsHarmless((char)rune.Value)) return rune.ToString();
        return rune.Value < 0x100
            ? string.Create(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}")
            : string.Create(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
    }

    static bool IsHarmless(char c) => CharUnicodeInfo.GetUnicodeCategory(c) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
