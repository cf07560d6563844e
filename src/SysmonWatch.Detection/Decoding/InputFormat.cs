namespace SysmonWatch.Detection.Decoding;

/// <summary>What an input is made of, recognised by its first bytes.</summary>
public enum InputFormat : byte
{
    /// <summary>Lines of a syslog file, in any of its forms.</summary>
    SyslogText,

    /// <summary><c>journalctl -o export</c>.</summary>
    JournalExport,

    /// <summary><c>journalctl -o json</c>: an object a line.</summary>
    JournalJson,

    /// <summary>gzip around any of the others.</summary>
    Gzip,
}

/// <summary>Recognises what an input is made of.</summary>
public static class InputFormats
{
    /// <summary>How many bytes are enough to tell.</summary>
    public const int Needed = 64;

    /// <summary>The format of an input that starts like this; <see cref="InputFormat.SyslogText"/> where nothing speaks for another.</summary>
    public static InputFormat Detect(ReadOnlySpan<byte> first)
    {
        if (first.Length >= 3 && first[0] == 0x1F && first[1] == 0x8B && first[2] == 8) return InputFormat.Gzip;
        if (first.StartsWith("\uFEFF"u8)) first = first[3..];
        first = first.TrimStart(" \t\r\n"u8);
        if (first.Length > 0 && first[0] == '{')
        {
            // {"NAME": a journal's object begins with a field of the journal; any other is a line that got in here somehow.
            ReadOnlySpan<byte> key = first[1..].TrimStart(" \t\r\n"u8);
            if (!key.StartsWith("\""u8)) return InputFormat.SyslogText;
            int end = 1 + NameLength(key[1..]);
            return end > 1 && (end == key.Length || key[end] == '"') ? InputFormat.JournalJson : InputFormat.SyslogText;
        }

        // NAME=value, or NAME alone before a binary value; no syslog header starts in capitals only.
        int name = NameLength(first);
        if (name > 1 && name < first.Length && first[name] is (byte)'=' or (byte)'\n' && !Timestamp.IsDigit(first[0])) return InputFormat.JournalExport;
        return InputFormat.SyslogText;
    }

    static int NameLength(ReadOnlySpan<byte> text)
    {
        int length = 0;
        while (length < text.Length && text[length] is (byte)'_' or (>= (byte)'A' and <= (byte)'Z') or (>= (byte)'0' and <= (byte)'9')) length++;
        return length;
    }
}
