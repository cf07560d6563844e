using System.Buffers.Binary;
using System.Text.Json;

namespace SysmonWatch.Detection.Records;

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

/// <summary>
/// Recognises what an input is made of. A syslog file must not be taken for a journal's output because of one line that somebody wrote into it, so a
/// first entry has to be whole and well-formed; and the readers of journal output take lines of syslog among it all the same.
/// </summary>
public static class InputFormats
{
    /// <summary>How many bytes are looked at, at most.</summary>
    public const int Needed = 128 * 1024;

    const int LongestName = 64;

    /// <summary>The format of an input that starts like this and of which there is no more to see.</summary>
    public static InputFormat Detect(ReadOnlySpan<byte> first) => Decide(first, isAll: true, out _) ?? InputFormat.SyslogText;

    /// <summary>The format of an input that starts like this; <see cref="InputFormat.SyslogText"/> where nothing speaks for another.</summary>
    /// <param name="first">Its first bytes.</param>
    /// <param name="isAll">True where there are no more, or enough.</param>
    /// <param name="isDamaged">True where it does not start with a whole entry: its beginning was cut off.</param>
    /// <returns>Null where more is needed to tell.</returns>
    internal static InputFormat? Decide(ReadOnlySpan<byte> first, bool isAll, out bool isDamaged)
    {
        isDamaged = false;
        if (first.Length >= 3 && first[0] == 0x1F && first[1] == 0x8B && first[2] == 8) return InputFormat.Gzip;
        if (first.StartsWith("\uFEFF"u8)) first = first[3..];
        first = first.TrimStart(" \t\r\n"u8);
        int newline = first.IndexOf((byte)'\n');
        if (newline < 0 && !isAll) return null;
        if (first.StartsWith("{"u8))
        {
            InputFormat? json = Json(first, isAll);
            if (json != InputFormat.SyslogText) return json;
        }
        else if (first.Length > 0)
        {
            InputFormat? export = Export(first, isAll);
            if (export != InputFormat.SyslogText) return export;
        }
        if (newline < 0 || SyslogHeader.Read(first[..newline]).Program != LineProgram.None) return InputFormat.SyslogText;

        // No line of syslog: perhaps the rest of an entry whose beginning is missing.
        isDamaged = true;
        ReadOnlySpan<byte> next = first[(newline + 1)..];
        if (next.StartsWith("{"u8) && Json(next, isAll) == InputFormat.JournalJson) return InputFormat.JournalJson;
        int entry = first.IndexOf("\n\n__CURSOR="u8);
        if (entry >= 0 && !HasSyslog(first[..entry]) && Export(first[(entry + 2)..], isAll: true) == InputFormat.JournalExport) return InputFormat.JournalExport;
        isDamaged = false;
        return InputFormat.SyslogText;
    }

    /// <summary>Length of a journal field's name at the start of a text; 0 where there is none.</summary>
    internal static int NameLength(ReadOnlySpan<byte> text)
    {
        int length = 0;
        while (length < text.Length && text[length] is (byte)'_' or (>= (byte)'A' and <= (byte)'Z') or (>= (byte)'0' and <= (byte)'9')) length++;
        return length is 0 or > LongestName || Timestamp.IsDigit(text[0]) ? 0 : length;
    }

    static bool HasSyslog(ReadOnlySpan<byte> text)
    {
        foreach (Range line in text.Split((byte)'\n'))
        {
            if (SyslogHeader.Read(text[line]).Program != LineProgram.None) return true;
        }
        return false;
    }

    /// <summary>An object with fields of the journal: {"NAME": and so on; as a whole where its line ends within what is there.</summary>
    static InputFormat? Json(ReadOnlySpan<byte> text, bool isAll)
    {
        ReadOnlySpan<byte> key = text[1..].TrimStart(" \t\r\n"u8);
        if (key.IsEmpty) return isAll ? InputFormat.SyslogText : null;
        int end = key[0] == '"' ? 1 + NameLength(key[1..]) : 0;
        if (end <= 1 || (end < key.Length && key[end] != '"')) return InputFormat.SyslogText;
        int newline = text.IndexOf((byte)'\n');
        if (newline < 0) return isAll ? InputFormat.JournalJson : null;
        // An object over several lines is read as well as it goes, and what does not is said.
        if (newline < text.Length - key.Length) return InputFormat.JournalJson;
        try
        {
            var json = new Utf8JsonReader(text[..newline]);
            bool isEntry = false;
            json.Read();
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                isEntry |= json.ValueTextEquals("MESSAGE"u8) || json.ValueTextEquals("__REALTIME_TIMESTAMP"u8) || json.ValueTextEquals("__CURSOR"u8);
                json.Read();
                json.Skip();
            }
            return isEntry && !json.Read() ? InputFormat.JournalJson : InputFormat.SyslogText;
        }
        catch (JsonException)
        {
            return InputFormat.SyslogText;
        }
    }

    /// <summary>Fields up to a blank line, each NAME=value or NAME, newline, length and bytes; among them a message or the time of the entry.</summary>
    static InputFormat? Export(ReadOnlySpan<byte> text, bool isAll)
    {
        bool isEntry = false;
        while (true)
        {
            if (text.StartsWith("\n"u8)) return isEntry ? InputFormat.JournalExport : InputFormat.SyslogText;
            int name = NameLength(text);
            if (name == text.Length) break;
            if (name == 0 || text[name] is not ((byte)'=' or (byte)'\n')) return InputFormat.SyslogText;
            bool isMessage = text[..name].SequenceEqual("MESSAGE"u8);
            bool isTime = text[..name].SequenceEqual("__REALTIME_TIMESTAMP"u8);
            bool isBinary = text[name] == '\n';
            text = text[(name + 1)..];
            if (isBinary)
            {
                if (text.Length < 8) break;
                ulong length = BinaryPrimitives.ReadUInt64LittleEndian(text);
                if (length > JournalExportReader.LongestField) return InputFormat.SyslogText;
                isEntry |= isMessage;
                text = text[8..];
                if (length >= (ulong)text.Length) break;
                if (text[(int)length] != '\n') return InputFormat.SyslogText;
                text = text[((int)length + 1)..];
            }
            else
            {
                int newline = text.IndexOf((byte)'\n');
                isEntry |= isMessage || (isTime && newline > 0 && text[..newline].IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0);
                if (newline < 0) break;
                text = text[(newline + 1)..];
            }
        }
        if (!isAll) return null;
        return isEntry ? InputFormat.JournalExport : InputFormat.SyslogText;
    }
}
