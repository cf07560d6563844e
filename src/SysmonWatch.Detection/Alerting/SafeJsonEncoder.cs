using System.Text;
using System.Text.Encodings.Web;

namespace SysmonWatch.Detection.Alerting;

/// <summary>
/// Escapes in JSON what <see cref="SafeText"/> shows, and what JSON itself wants escaped; everything else stays readable. The JSON says the same.
/// </summary>
public sealed class SafeJsonEncoder : JavaScriptEncoder
{
    static readonly JavaScriptEncoder Relaxed = UnsafeRelaxedJsonEscaping;

    SafeJsonEncoder()
    {
    }

    /// <summary>The only one; thread-safe.</summary>
    public static SafeJsonEncoder Instance { get; } = new();

    /// <inheritdoc/>
    public override int MaxOutputCharactersPerInputCharacter => Relaxed.MaxOutputCharactersPerInputCharacter;

    /// <inheritdoc/>
    public override bool WillEncode(int unicodeScalar) => Relaxed.WillEncode(unicodeScalar) || SafeText.MustBeShown(new Rune(unicodeScalar));

    /// <inheritdoc/>
    public override int FindFirstCharacterToEncodeUtf8(ReadOnlySpan<byte> utf8Text)
    {
        // Nearly all values are ASCII, and for those the other encoder has a vectorised search.
        if (Ascii.IsValid(utf8Text)) return Relaxed.FindFirstCharacterToEncodeUtf8(utf8Text);
        return base.FindFirstCharacterToEncodeUtf8(utf8Text);
    }

    /// <inheritdoc/>
    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var chars = new ReadOnlySpan<char>(text, textLength);
        for (int at = 0; at < textLength;)
        {
            if (Rune.DecodeFromUtf16(chars[at..], out Rune rune, out int length) != System.Buffers.OperationStatus.Done || WillEncode(rune.Value)) return at;
            at += length;
        }
        return -1;
    }

    /// <inheritdoc/>
    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        if (Relaxed.WillEncode(unicodeScalar)) return Relaxed.TryEncodeUnicodeScalar(unicodeScalar, buffer, bufferLength, out numberOfCharactersWritten);
        Span<char> units = stackalloc char[2];
        int count = new Rune(unicodeScalar).EncodeToUtf16(units);
        var into = new Span<char>(buffer, bufferLength);
        numberOfCharactersWritten = 0;
        foreach (char unit in units[..count])
        {
            if (!into[numberOfCharactersWritten..].TryWrite(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}", out int written))
            {
                numberOfCharactersWritten = 0;
                return false;
            }
            numberOfCharactersWritten += written;
        }
        return true;
    }
}
