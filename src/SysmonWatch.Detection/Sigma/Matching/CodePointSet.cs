using System.Globalization;
using System.Text;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>A set of Unicode characters.</summary>
sealed class CodePointSet
{
    /// <summary>The last character there is.</summary>
    public const int Last = 0x10FFFF;

    static readonly Lazy<ILookup<int, int>> CasedByFold = new(() =>
        Enumerable.Range(0x80, 0x1FFFF - 0x80).Where(c => Rune.IsValid(c)).GroupBy(c => CaseFolding.Fold(new Rune(c)).Value).Where(g => g.Count() > 1)
            .SelectMany(g => g.Select(c => (Fold: g.Key, Character: c))).ToLookup(c => c.Fold, c => c.Character));

    readonly List<(int From, int To)> _ranges = [];

    /// <summary>What is in it, ascending and apart from each other.</summary>
    public IReadOnlyList<(int From, int To)> Ranges => _ranges;

    /// <summary>The one character that is in it; null where there are more or none.</summary>
    public int? Single => _ranges is [var (from, to)] && from == to ? from : null;

    /// <summary>A set of ranges: pairs of their first and last characters.</summary>
    public static CodePointSet Of(params ReadOnlySpan<int> pairs)
    {
        var set = new CodePointSet();
        for (int i = 0; i < pairs.Length; i += 2) set.Add(pairs[i], pairs[i + 1]);
        return set;
    }

    /// <summary>The characters of general categories, by their short names such as <c>Lu</c>, or <c>L</c> for all of one kind; null where there is none.</summary>
    public static CodePointSet? OfCategory(string name)
    {
        if (name.Length is 0 or > 2) return null;
        UnicodeCategory[] categories = [.. Enum.GetValues<UnicodeCategory>().Where(c => ShortName(c).StartsWith(name, StringComparison.Ordinal))];
        if (categories.Length == 0) return null;
        var set = new CodePointSet();
        int from = -1;
        for (int c = 0; c <= Last + 1; c++)
        {
            bool isIn = c <= Last && categories.AsSpan().Contains(CharUnicodeInfo.GetUnicodeCategory(c));
            if (isIn && from < 0) from = c;
            if (isIn || from < 0) continue;
            set._ranges.Add((from, c - 1));
            from = -1;
        }
        return set;
    }

    /// <summary>Adds a range.</summary>
    public void Add(int from, int to)
    {
        int at = 0;
        while (at < _ranges.Count && _ranges[at].To < from - 1) at++;
        while (at < _ranges.Count && _ranges[at].From <= to + 1)
        {
            (from, to) = (Math.Min(from, _ranges[at].From), Math.Max(to, _ranges[at].To));
            _ranges.RemoveAt(at);
        }
        _ranges.Insert(at, (from, to));
    }

    /// <summary>Adds what is in another set.</summary>
    public void Add(CodePointSet other)
    {
        foreach ((int from, int to) in other._ranges) Add(from, to);
    }

    /// <summary>All other characters.</summary>
    public CodePointSet Complement()
    {
        var others = new CodePointSet();
        int next = 0;
        foreach ((int from, int to) in _ranges)
        {
            if (from > next) others._ranges.Add((next, from - 1));
            next = to + 1;
        }
        if (next <= Last) others._ranges.Add((next, Last));
        return others;
    }

    /// <summary>The same with every character that differs from one of them in case only, as <see cref="CaseFolding"/> sees it.</summary>
    public CodePointSet WithoutCase()
    {
        var set = new CodePointSet();
        set.Add(this);
        for (int lower = 'a'; lower <= 'z'; lower++)
        {
            int upper = lower - 0x20;
            if (Contains(lower)) set.Add(upper, upper);
            if (Contains(upper)) set.Add(lower, lower);
        }
        // All that is not ASCII is closed already, which most classes have or have not.
        bool someOthers = _ranges.Exists(r => r.To >= 0x80 && !(r.From <= 0x80 && r.To == Last));
        if (!someOthers) return set;
        foreach (IGrouping<int, int> alike in CasedByFold.Value)
        {
            if (!alike.Any(Contains)) continue;
            foreach (int c in alike) set.Add(c, c);
        }
        return set;
    }

    bool Contains(int c) => _ranges.Exists(r => c >= r.From && c <= r.To);

    static string ShortName(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => "Lu",
        UnicodeCategory.LowercaseLetter => "Ll",
        UnicodeCategory.TitlecaseLetter => "Lt",
        UnicodeCategory.ModifierLetter => "Lm",
        UnicodeCategory.OtherLetter => "Lo",
        UnicodeCategory.NonSpacingMark => "Mn",
        UnicodeCategory.SpacingCombiningMark => "Mc",
        UnicodeCategory.EnclosingMark => "Me",
        UnicodeCategory.DecimalDigitNumber => "Nd",
        UnicodeCategory.LetterNumber => "Nl",
        UnicodeCategory.OtherNumber => "No",
        UnicodeCategory.SpaceSeparator => "Zs",
        UnicodeCategory.LineSeparator => "Zl",
        UnicodeCategory.ParagraphSeparator => "Zp",
        UnicodeCategory.Control => "Cc",
        UnicodeCategory.Format => "Cf",
        UnicodeCategory.Surrogate => "Cs",
        UnicodeCategory.PrivateUse => "Co",
        UnicodeCategory.ConnectorPunctuation => "Pc",
        UnicodeCategory.DashPunctuation => "Pd",
        UnicodeCategory.OpenPunctuation => "Ps",
        UnicodeCategory.ClosePunctuation => "Pe",
        UnicodeCategory.InitialQuotePunctuation => "Pi",
        UnicodeCategory.FinalQuotePunctuation => "Pf",
        UnicodeCategory.OtherPunctuation => "Po",
        UnicodeCategory.MathSymbol => "Sm",
        UnicodeCategory.CurrencySymbol => "Sc",
        UnicodeCategory.ModifierSymbol => "Sk",
        UnicodeCategory.OtherSymbol => "So",
        _ => "Cn",
    };
}
