using System.Globalization;

namespace SysmonWatch.Detection.Sigma;

/// <summary>A number of a rule or of an event: exact where a decimal can hold it, a double beyond.</summary>
readonly struct Number : IComparable<Number>
{
    readonly decimal _exact;
    readonly double _wide;
    readonly bool _isExact;

    /// <summary>A number that is a decimal.</summary>
    public Number(decimal value)
    {
        _exact = value;
        _wide = (double)value;
        _isExact = true;
    }

    Number(double value) => _wide = value;

    /// <summary>True where a decimal holds it.</summary>
    public bool IsExact => _isExact;

    /// <summary>True for a number without a fraction.</summary>
    public bool IsWhole => _isExact ? decimal.IsInteger(_exact) : double.IsInteger(_wide);

    /// <summary>The whole number, or null where it is none or larger than 2³¹.</summary>
    public int? Whole => IsWhole && Math.Abs(_wide) <= int.MaxValue ? (int)_wide : null;

    /// <summary>Reads the text of an event's value: an optional sign, digits, an optional fraction; an exponent only where the event says that it is a number.</summary>
    /// <param name="text">The whole value.</param>
    /// <param name="exponent">True where an exponent may follow.</param>
    /// <param name="number">The number.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, bool exponent, out Number number)
    {
        number = default;
        if (text.IsEmpty || text.Length > 64 || !IsNumber(text, exponent)) return false;
        NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (decimal.TryParse(text, style, CultureInfo.InvariantCulture, out decimal exact))
        {
            number = new Number(exact);
            return true;
        }
        if (!double.TryParse(text, style, CultureInfo.InvariantCulture, out double wide) || !double.IsFinite(wide)) return false;
        number = new Number(wide);
        return true;
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, bool, out Number)"/>
    public static bool TryParse(string text, bool exponent, out Number number)
    {
        number = default;
        if (text.Length > 64) return false;
        Span<byte> utf8 = stackalloc byte[64];
        return System.Text.Ascii.FromUtf16(text, utf8, out int length) == System.Buffers.OperationStatus.Done
            && TryParse(utf8[..length], exponent, out number);
    }

    /// <inheritdoc/>
    public int CompareTo(Number other) =>
        _isExact && other._isExact ? _exact.CompareTo(other._exact) : _wide.CompareTo(other._wide);

    /// <inheritdoc/>
    public override string ToString() =>
        _isExact ? _exact.ToString("G29", CultureInfo.InvariantCulture) : _wide.ToString("R", CultureInfo.InvariantCulture);

    static bool IsNumber(ReadOnlySpan<byte> text, bool exponent)
    {
        int at = text[0] is (byte)'+' or (byte)'-' ? 1 : 0;
        int digits = Digits(text, ref at);
        if (at < text.Length && text[at] == (byte)'.')
        {
            at++;
            digits += Digits(text, ref at);
        }
        if (digits == 0) return false;
        if (exponent && at < text.Length && text[at] is (byte)'e' or (byte)'E')
        {
            at++;
            if (at < text.Length && text[at] is (byte)'+' or (byte)'-') at++;
            if (Digits(text, ref at) == 0) return false;
        }
        return at == text.Length;
    }

    static int Digits(ReadOnlySpan<byte> text, ref int at)
    {
        int start = at;
        while (at < text.Length && char.IsAsciiDigit((char)text[at])) at++;
        return at - start;
    }
}
