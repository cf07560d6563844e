using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Decoding;

/// <summary>Walks over a text that is expected to be as it is.</summary>
ref struct TextCursor(ReadOnlySpan<byte> text)
{
    readonly ReadOnlySpan<byte> _text = text;

    public int Position;

    public bool Skip(ReadOnlySpan<byte> expected)
    {
        if (!_text[Position..].StartsWith(expected)) return false;
        Position += expected.Length;
        return true;
    }

    /// <summary>A decimal number of at most 18 digits; longer ones are left to the slow way.</summary>
    public bool Number(ulong most, out ulong number)
    {
        number = 0;
        int from = Position;
        ReadOnlySpan<byte> text = _text;
        while (Position < text.Length && Timestamp.IsDigit(text[Position]) && Position - from < 19)
        {
            number = (number * 10) + (uint)(text[Position++] - '0');
        }
        return Position - from is > 0 and < 19 && number <= most;
    }

    public void SkipHex()
    {
        while (Position < _text.Length && char.IsAsciiHexDigit((char)_text[Position])) Position++;
    }
}
