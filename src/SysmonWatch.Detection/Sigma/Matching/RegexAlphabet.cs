using System.Text;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>
/// The characters beyond ASCII as one regular expression tells them apart: those that it treats alike are one, and each is a single UTF-16 unit, so that
/// the runtime's engine, which knows units only, sees characters. Immutable.
/// </summary>
/// <remarks>
/// The units are surrogates, which no text has by itself. They are no letters, so that \b, which cannot be told to be about ASCII, is.
/// </remarks>
sealed class RegexAlphabet
{
    /// <summary>The most characters that can be told apart.</summary>
    public const int Most = 0x800;

    const int FirstUnit = 0xD800;

    readonly int[] _starts;

    /// <param name="starts">Where what is treated alike begins, each once.</param>
    RegexAlphabet(int[] starts) => _starts = starts;

    /// <summary>The alphabet of an expression.</summary>
    /// <param name="sets">All sets of characters that it has.</param>
    /// <returns>Null where it tells too many characters apart.</returns>
    public static RegexAlphabet? Of(IEnumerable<CodePointSet> sets)
    {
        var starts = new SortedSet<int> { 0x80 };
        foreach ((int from, int to) in sets.SelectMany(set => set.Ranges))
        {
            if (from > 0x80) starts.Add(from);
            if (to is >= 0x80 and < CodePointSet.Last) starts.Add(to + 1);
        }
        return starts.Count > Most ? null : new RegexAlphabet([.. starts]);
    }

    /// <summary>A value as the expression sees it; invalid UTF-8 is U+FFFD.</summary>
    /// <param name="value">UTF-8.</param>
    /// <param name="destination">As long as the value, or longer.</param>
    /// <returns>How many units were written.</returns>
    public int Write(ReadOnlySpan<byte> value, Span<char> destination)
    {
        int written = 0;
        while (!value.IsEmpty)
        {
            Rune.DecodeFromUtf8(value, out Rune rune, out int length);
            value = value[length..];
            destination[written++] = rune.IsAscii ? (char)rune.Value : (char)Unit(rune.Value);
        }
        return written;
    }

    /// <summary>A set as ranges of units.</summary>
    public IEnumerable<(int From, int To)> Units(CodePointSet set)
    {
        foreach ((int from, int to) in set.Ranges)
        {
            if (from < 0x80) yield return (from, Math.Min(to, 0x7F));
            if (to >= 0x80) yield return (Unit(Math.Max(from, 0x80)), Unit(to));
        }
    }

    int Unit(int codePoint)
    {
        int at = Array.BinarySearch(_starts, codePoint);
        return FirstUnit + (at < 0 ? ~at - 1 : at);
    }
}
