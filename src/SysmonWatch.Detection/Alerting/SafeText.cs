using System.Globalization;
using System.Text;

namespace SysmonWatch.Detection.Alerting;

/// <summary>Makes text that an attacker may have written fit to be shown on one line of a terminal or a chat.</summary>
public static class SafeText
{
    /// <summary>
    /// The text with what <see cref="MustBeShown"/> shown as <c>\x1b</c>, <c>\u202e</c> or <c>\U000e0041</c>, and cut with "…" where it is longer than
    /// asked for.
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

    /// <summary>True for what a terminal or a chat does not show as itself: it acts, hides, turns the direction of writing, or takes no room.</summary>
    public static bool MustBeShown(Rune rune) => rune.IsAscii
        ? char.IsControl((char)rune.Value)
        : Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.OtherNotAssigned
        || IsInvisible(rune.Value);

    static bool NeedsCare(string text)
    {
        foreach (char c in text)
        {
            if (!char.IsAscii(c) || char.IsControl(c)) return true;
        }
        return false;
    }

    static string Show(Rune rune) => !MustBeShown(rune) ? rune.ToString()
        : rune.Value < 0x100 ? string.Create(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}")
        : rune.IsBmp ? string.Create(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}")
        : string.Create(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");

    /// <summary>Characters of other categories that nothing is drawn for, by which text can be hidden in text.</summary>
    /// <remarks>
    /// Source: Default_Ignorable_Code_Point of DerivedCoreProperties.txt, without U+FE0E and U+FE0F, which choose how the emoji before them looks.
    /// </remarks>
    static bool IsInvisible(int value) => value is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or (>= 0x180B and <= 0x180F) or 0x3164 or (>= 0xFE00 and <= 0xFE0D)
        or 0xFFA0 or (>= 0xE0000 and <= 0xE0FFF);
}
