using System.Buffers;
using System.Globalization;
using System.Text;

namespace SysmonWatch.Detection.Events;

/// <summary>Makes JSON whose texts are not all Unicode readable: one odd file name must not hide the rest of an event.</summary>
static class UnicodeRepair
{
    /// <summary>
    /// The same JSON with U+FFFD for each run of bytes that is no UTF-8 and for each <c>\uD800</c> to <c>\uDFFF</c> that is no half of a pair.
    /// </summary>
    public static byte[] Repair(ReadOnlySpan<byte> json)
    {
        var repaired = new ArrayBufferWriter<byte>(json.Length + 16);
        while (!json.IsEmpty)
        {
            if (json[0] == (byte)'\\' && json.Length > 1)
            {
                int length = EscapeLength(json, out bool isHalf);
                repaired.Write(isHalf ? "\\uFFFD"u8 : json[..length]);
                json = json[length..];
                continue;
            }
            OperationStatus status = Rune.DecodeFromUtf8(json, out _, out int used);
            repaired.Write(status == OperationStatus.Done ? json[..used] : "\uFFFD"u8);
            json = json[used..];
        }
        return repaired.WrittenSpan.ToArray();
    }

    static int EscapeLength(ReadOnlySpan<byte> json, out bool isHalf)
    {
        isHalf = false;
        if (!TryUnit(json, out char first)) return 2;
        if (!char.IsSurrogate(first)) return 6;
        if (char.IsHighSurrogate(first) && TryUnit(json[6..], out char second) && char.IsLowSurrogate(second)) return 12;
        isHalf = true;
        return 6;
    }

    static bool TryUnit(ReadOnlySpan<byte> json, out char unit)
    {
        unit = '\0';
        if (json.Length < 6 || json[0] != (byte)'\\' || json[1] != (byte)'u') return false;
        if (!ushort.TryParse(json[2..6], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort value)) return false;
        unit = (char)value;
        return true;
    }
}
