using System.Globalization;
using System.Runtime.InteropServices;

namespace SysmonWatch.Detection.Processes;

/// <summary>Which process on which computer, small enough to be a dictionary key for every event.</summary>
/// <remarks>
/// The GUID alone does not do: it is made of the machine, the second of the start and an address in the program, and processes of a static program that
/// start within one second share it (58 of them in a real capture of a scan with busybox).
/// </remarks>
/// <param name="Computer">Hash of the computer's name (<see cref="HashOf"/>).</param>
/// <param name="Guid">The 32 hexadecimal digits of its ProcessGuid.</param>
/// <param name="ProcessId">Its process id; 0 where unknown.</param>
readonly record struct ProcessKey(ulong Computer, UInt128 Guid, int ProcessId)
{
    /// <summary>Reads a ProcessGuid as Sysmon writes it: <c>{8-4-4-4-12}</c>.</summary>
    /// <returns>False for anything else, and for the all-zero GUID, which means "unknown".</returns>
    public static bool TryParseGuid(ReadOnlySpan<byte> text, out UInt128 guid)
    {
        guid = default;
        if (text.Length != 38 || text[0] != '{' || text[37] != '}') return false;
        if (text[9] != '-' || text[14] != '-' || text[19] != '-' || text[24] != '-') return false;
        Span<byte> digits = stackalloc byte[32];
        text[1..9].CopyTo(digits);
        text[10..14].CopyTo(digits[8..]);
        text[15..19].CopyTo(digits[12..]);
        text[20..24].CopyTo(digits[16..]);
        text[25..37].CopyTo(digits[20..]);
        return UInt128.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out guid) && guid != 0;
    }

    /// <summary>
    /// A hash that is the same in every process, so that it can be part of a snapshot. Whoever forges a name with the same hash gains nothing
    /// over forging the name itself.
    /// </summary>
    public static ulong HashOf(ReadOnlySpan<byte> text)
    {
        ulong hash = 0xcbf29ce484222325 ^ (ulong)text.Length;
        for (; text.Length >= 8; text = text[8..]) hash = Mix(hash, MemoryMarshal.Read<ulong>(text));
        foreach (byte b in text) hash = Mix(hash, b);
        return hash;

        static ulong Mix(ulong hash, ulong next)
        {
            hash = (hash ^ next) * 0x9e3779b97f4a7c15;
            return hash ^ (hash >> 29);
        }
    }
}
