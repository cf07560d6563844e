using System.Buffers;
using System.Text;

namespace SysmonWatch.Detection.Decoding;

/// <summary>
/// Undoes escaping once and exactly: rsyslog's <c>#ooo</c>, then XML's references, never what comes out of either. The result is never longer
/// than what it came from, so it takes its place.
/// </summary>
/// <remarks>
/// Source: rsyslog's escapeControlCharactersOnReceive (octal, three digits, bytes below 0x20 only); libxml2 (Sysmon up to 1.5.1) and pugixml
/// (from 1.5.2), which writes references to control characters that XML 1.0 does not allow, such as <c>&amp;#01;</c>.
/// </remarks>
static class Escapes
{
    /// <summary>The longest reference that is looked at, from &amp; to ;.</summary>
    const int LongestReference = 16;

    static readonly SearchValues<byte> Marks = SearchValues.Create("&#"u8);

    /// <summary>Unescapes a value where it stands.</summary>
    /// <param name="value">The value; its first bytes are the result afterwards.</param>
    /// <param name="octal">True where #ooo is undone as well.</param>
    /// <param name="ambiguous">True where a #ooo was undone: the program may have written it like that.</param>
    /// <returns>Length of the result.</returns>
    public static int Undo(Span<byte> value, bool octal, out bool ambiguous)
    {
        ambiguous = false;
        int read = value.IndexOfAny(Marks);
        if (read < 0) return value.Length;
        int written = read;
        while (read < value.Length)
        {
            ReadOnlySpan<byte> rest = value[read..];
            int taken = 0;
            if (rest[0] == '&')
            {
                taken = Reference(rest, value[written..], out int made);
                written += made;
            }
            else if (rest[0] == '#' && octal && IsOctal(rest))
            {
                value[written++] = (byte)(((rest[2] - '0') << 3) | (rest[3] - '0'));
                taken = 4;
                ambiguous = true;
            }
            if (taken == 0)
            {
                value[written++] = rest[0];
                taken = 1;
            }
            read += taken;

            int plain = value[read..].IndexOfAny(Marks);
            if (plain < 0) plain = value.Length - read;
            value.Slice(read, plain).CopyTo(value[written..]);
            read += plain;
            written += plain;
        }
        return written;
    }

    /// <summary>
    /// How much of a value that was cut off is whole: without the beginning of a reference, of a <c>#ooo</c> or of a UTF-8 sequence at its end.
    /// </summary>
    public static int WholeLength(ReadOnlySpan<byte> cut, bool octal)
    {
        int length = cut.Length;
        int from = Math.Max(0, length - LongestReference);
        int ampersand = cut[from..].LastIndexOf((byte)'&');
        if (ampersand >= 0 && cut[(from + ampersand)..].IndexOf((byte)';') < 0 && IsReferenceStart(cut[(from + ampersand + 1)..])) return from + ampersand;
        if (octal)
        {
            if (cut.EndsWith("#"u8) || cut.EndsWith("#0"u8)) return cut.LastIndexOf((byte)'#');
            if (length >= 3 && cut[length - 3] == '#' && cut[length - 2] == '0' && cut[length - 1] is >= (byte)'0' and <= (byte)'3') return length - 3;
        }
        int back = 1;
        while (back <= 3 && back <= length && (cut[length - back] & 0xC0) == 0x80) back++;
        if (back > length || back > 3) return length;
        int needs = cut[length - back] switch { >= 0xC2 and <= 0xDF => 2, >= 0xE0 and <= 0xEF => 3, >= 0xF0 and <= 0xF4 => 4, _ => 0 };
        return needs > back ? length - back : length;
    }

    static bool IsReferenceStart(ReadOnlySpan<byte> body)
    {
        if (body.Length == 0) return true;
        if (body[0] != '#') return "amp"u8.StartsWith(body) || "apos"u8.StartsWith(body) || "lt"u8.StartsWith(body) || "gt"u8.StartsWith(body) || "quot"u8.StartsWith(body);
        body = body[1..];
        return body.Length == 0 || (body[0] is (byte)'x' or (byte)'X' ? body[1..].IndexOfAnyExcept(HexDigits) < 0 : body.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0);
    }

    static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    static bool IsOctal(ReadOnlySpan<byte> at) =>
        at.Length >= 4 && at[1] == '0' && (uint)(at[2] - '0') <= 3 && (uint)(at[3] - '0') <= 7;

    /// <summary>Undoes one reference.</summary>
    /// <returns>Bytes of it; 0 where it is none, and then it stays as it is.</returns>
    static int Reference(ReadOnlySpan<byte> at, Span<byte> into, out int made)
    {
        made = 0;
        int semicolon = at[..Math.Min(at.Length, LongestReference)].IndexOf((byte)';');
        if (semicolon < 2) return 0;
        ReadOnlySpan<byte> body = at[1..semicolon];
        int character;
        if (body[0] == '#')
        {
            character = Number(body[1..]);
        }
        else
        {
            character = body.Length switch
            {
                2 when body.SequenceEqual("lt"u8) => '<',
                2 when body.SequenceEqual("gt"u8) => '>',
                3 when body.SequenceEqual("amp"u8) => '&',
                4 when body.SequenceEqual("quot"u8) => '"',
                4 when body.SequenceEqual("apos"u8) => '\'',
                _ => -1,
            };
        }
        if (!Rune.IsValid(character)) return 0;
        // The shortest reference to a character of n bytes in UTF-8 is longer than n, so this does not overtake what is still to be read.
        made = new Rune(character).EncodeToUtf8(into);
        return semicolon + 1;
    }

    static int Number(ReadOnlySpan<byte> digits)
    {
        int number = 0;
        int radix = 10;
        if (digits.Length > 0 && digits[0] is (byte)'x' or (byte)'X')
        {
            radix = 16;
            digits = digits[1..];
        }
        if (digits.Length == 0) return -1;
        foreach (byte b in digits)
        {
            int digit = b switch
            {
                >= (byte)'0' and <= (byte)'9' => b - '0',
                >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
                >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
                _ => 16,
            };
            if (digit >= radix || number > 0x10FFFF) return -1;
            number = (number * radix) + digit;
        }
        return number;
    }
}
