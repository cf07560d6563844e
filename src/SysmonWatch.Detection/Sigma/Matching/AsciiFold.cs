namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>Case folding of a single byte: that of <see cref="CaseFolding"/> for ASCII, where one byte is one character.</summary>
static class AsciiFold
{
    static readonly byte[] Folded = [.. Enumerable.Range(0, 256).Select(b => (byte)(b is >= 'A' and <= 'Z' ? b | 0x20 : b))];

    /// <summary>By byte: the letter in lower case; any other byte as it is.</summary>
    public static ReadOnlySpan<byte> Table => Folded;

    /// <summary>True where a text starts with a folded literal.</summary>
    /// <param name="text">Folded, or ASCII; not shorter than the literal.</param>
    /// <param name="literal">Folded.</param>
    public static bool StartsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> literal)
    {
        ReadOnlySpan<byte> fold = Folded;
        for (int i = 0; i < literal.Length; i++)
        {
            if (fold[text[i]] != literal[i]) return false;
        }
        return true;
    }
}
