using System.Globalization;
using System.Numerics;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>A number of a rule or of an event: a decimal where one can hold it, beyond that digits and a power of ten.</summary>
readonly struct Number : IComparable<Number>
{
    // 10^4096 is beyond anything that is measured, and comparing such numbers still costs nothing.
    const int LargestExponent = 4096;

    readonly decimal _exact;
    readonly BigInteger _digits;
    readonly int _exponent;
    readonly bool _isWide;

    /// <summary>A number that is a decimal.</summary>
    public Number(decimal value) => _exact = value;

    Number(BigInteger digits, int exponent)
    {
        _digits = digits;
        _exponent = exponent;
        _isWide = true;
    }

    /// <summary>True where a decimal holds it.</summary>
    public bool IsExact => !_isWide;

    /// <summary>The whole number, or null where it is none or larger than 2³¹.</summary>
    public int? Whole => IsExact && decimal.IsInteger(_exact) && Math.Abs(_exact) <= int.MaxValue ? (int)_exact : null;

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
        return TryParseWide(text, out number);
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
        IsExact && other.IsExact ? _exact.CompareTo(other._exact) : CompareWide(this, other);

    /// <inheritdoc/>
    public override string ToString() =>
        IsExact ? _exact.ToString("G29", CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{_digits}e{_exponent}");

    static int CompareWide(Number one, Number other)
    {
        (BigInteger left, int leftExponent) = one.Parts();
        (BigInteger right, int rightExponent) = other.Parts();
        int exponent = Math.Min(leftExponent, rightExponent);
        return (left * BigInteger.Pow(10, leftExponent - exponent)).CompareTo(right * BigInteger.Pow(10, rightExponent - exponent));
    }

    (BigInteger Digits, int Exponent) Parts()
    {
        if (!IsExact) return (_digits, _exponent);
        byte scale = _exact.Scale;
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(_exact, bits);
        BigInteger digits = ((BigInteger)(uint)bits[2] << 64) | ((BigInteger)(uint)bits[1] << 32) | (uint)bits[0];
        return (bits[3] < 0 ? -digits : digits, -scale);
    }

    /// <summary>Reads what a decimal cannot hold; <paramref name="text"/> is known to be a number.</summary>
    static bool TryParseWide(ReadOnlySpan<byte> text, out Number number)
    {
        number = default;
        int mark = text.IndexOfAny((byte)'e', (byte)'E');
        int exponent = 0;
        if (mark >= 0 && !int.TryParse(text[(mark + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent)) return false;
        if (Math.Abs((long)exponent) > LargestExponent) return false;
        ReadOnlySpan<byte> written = mark < 0 ? text : text[..mark];
        int point = written.IndexOf((byte)'.');
        BigInteger digits = BigInteger.Zero;
        foreach (byte c in written)
        {
            if (char.IsAsciiDigit((char)c)) digits = digits * 10 + (c - '0');
        }
        number = new Number(written[0] == (byte)'-' ? -digits : digits, exponent - (point < 0 ? 0 : written.Length - point - 1));
        return true;
    }

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
