using System.Buffers;
using System.Text;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>
/// Makes texts that differ in case only the same bytes, so that matching without case is matching of bytes.
/// </summary>
/// <remarks>
/// ASCII letters become lower case; any other character becomes its invariant upper case, one character to one character, as
/// <see cref="StringComparison.OrdinalIgnoreCase"/> does it, and no character outside ASCII becomes an ASCII one (neither the dotless i nor the
/// Kelvin sign). Bytes that are not UTF-8 stay as they are.
/// </remarks>
static class CaseFolding
{
    /// <summary>How many bytes the folded form can have, of a text of that many: the upper case of a 2-byte character can take 3.</summary>
    public static int MostBytes(int length) => length + length / 2 + 4;

    /// <summary>The folded form as a new array.</summary>
    public static byte[] Fold(ReadOnlySpan<byte> text)
    {
        byte[] buffer = new byte[MostBytes(text.Length)];
        return buffer[..Fold(text, buffer)];
    }

    /// <summary>Writes the folded form.</summary>
    /// <param name="text">UTF-8, possibly invalid.</param>
    /// <param name="destination">At least <see cref="MostBytes"/> long.</param>
    /// <returns>How many bytes were written.</returns>
    public static int Fold(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        if (Ascii.ToLower(text, destination, out int done) == OperationStatus.Done) return done;
        int written = done;
        text = text[done..];
        while (!text.IsEmpty)
        {
            OperationStatus status = Rune.DecodeFromUtf8(text, out Rune rune, out int consumed);
            if (status != OperationStatus.Done)
            {
                text[..consumed].CopyTo(destination[written..]);
                written += consumed;
            }
            else
            {
                written += Fold(rune).EncodeToUtf8(destination[written..]);
            }
            text = text[consumed..];
        }
        return written;
    }

    /// <summary>The folded form of one character.</summary>
    public static Rune Fold(Rune rune)
    {
        if (rune.IsAscii) return new Rune(char.ToLowerInvariant((char)rune.Value));
        Rune upper = Rune.ToUpperInvariant(rune);
        return upper.IsAscii ? rune : upper;
    }
}
