using System.Buffers;
using System.Text.Unicode;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Decoding;

/// <summary>The text of one event, with what turns pieces of it into values: unescaping, which happens where they stand, and looking at their bytes.</summary>
ref struct EventText
{
    /// <summary>Control bytes that rsyslog would have escaped. Not the tab: escaping it can be turned off by itself.</summary>
    static readonly SearchValues<byte> RawControls = SearchValues.Create([.. Enumerable.Range(0, 32).Where(b => b != '\t').Select(b => (byte)b)]);

    readonly byte[] _buffer;
    readonly SysmonEvent _event;
    bool? _octal;

    /// <param name="buffer">Holds the event.</param>
    /// <param name="text">From its first byte to the end of the record.</param>
    /// <param name="fromFile">True where rsyslog may have written it.</param>
    /// <param name="into">Gets the marks.</param>
    public EventText(byte[] buffer, Slice text, bool fromFile, SysmonEvent into)
    {
        _buffer = buffer;
        Start = text.Start;
        _event = into;
        Bytes = buffer.AsSpan(text.Start, text.Length);
        IsFromFile = fromFile;
    }

    /// <summary>Where it starts in the buffer.</summary>
    public int Start { get; }

    /// <summary>From the event's first byte to the end of the record.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>True where rsyslog may have written it.</summary>
    public bool IsFromFile { get; }

    /// <summary>The text, and all that is behind it in the buffer.</summary>
    public readonly ReadOnlySpan<byte> WithRoom => _buffer.AsSpan(Start);

    /// <summary>A piece of the text as a piece of the buffer.</summary>
    public readonly Slice Slice(int start, int length) => new(Start + start, length);

    /// <summary>The bytes of a piece of the buffer.</summary>
    public readonly ReadOnlySpan<byte> Of(Slice piece) => _buffer.AsSpan(piece.Start, piece.Length);

    /// <summary>Unescapes a value and looks at its bytes, where it has any that need it.</summary>
    public Slice Finish(Slice value, ValueScan.Found found)
    {
        if ((found & ValueScan.Found.Escapes) != 0) value = Unescaped(value);
        if ((found & ValueScan.Found.NotAscii) != 0 && !Utf8.IsValid(_buffer.AsSpan(value.Start, value.Length))) _event.Marks |= EventMarks.InvalidUtf8;
        return value;
    }

    /// <summary>The value of an attribute in the buffer; empty where it is missing or cut.</summary>
    public readonly Slice Attribute(ReadOnlySpan<byte> attributes, int attributesAt, ReadOnlySpan<byte> name)
    {
        int at = 0;
        while (at < attributes.Length)
        {
            while (at < attributes.Length && attributes[at] <= ' ') at++;
            int equals = attributes[at..].IndexOf((byte)'=');
            if (equals < 0 || at + equals + 1 >= attributes.Length) break;
            ReadOnlySpan<byte> found = attributes.Slice(at, equals).TrimEnd(" "u8);
            int quoteAt = at + equals + 1;
            byte quote = attributes[quoteAt];
            if (quote is not ((byte)'"' or (byte)'\'')) break;
            int length = attributes[(quoteAt + 1)..].IndexOf(quote);
            if (length < 0) break;
            if (found.SequenceEqual(name)) return Slice(attributesAt + quoteAt + 1, length);
            at = quoteAt + 1 + length + 1;
        }
        return default;
    }

    /// <summary>
    /// True where #ooo is undone. What has raw control bytes did not come through rsyslog's escaping, so its #ooo is what the program wrote.
    /// Looked at before the first value is unescaped, which makes control bytes of its own.
    /// </summary>
    public bool Octal() => _octal ??= IsFromFile && Bytes.TrimEnd("\r\n\t \0"u8).IndexOfAny(RawControls) < 0;

    /// <summary>True where a text has nothing but blanks and control bytes.</summary>
    public static bool IsBlank(ReadOnlySpan<byte> text) => text.IndexOfAnyExceptInRange((byte)0, (byte)' ') < 0;

    Slice Unescaped(Slice value)
    {
        int length = Escapes.Undo(_buffer.AsSpan(value.Start, value.Length), Octal(), out bool ambiguous);
        if (ambiguous) _event.Marks |= EventMarks.AmbiguousEscape;
        return value with { Length = length };
    }
}
