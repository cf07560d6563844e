using System.Buffers.Text;
using System.Text;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>
/// A network of IPv4 or IPv6 addresses. IPv4 addresses and IPv6 addresses that hold one (::ffff:a.b.c.d) are the same addresses; in an IPv6 network
/// that is larger than all of those (::/0) an IPv4 address is not.
/// </summary>
/// <remarks>Source of the text forms: RFC 4291 2.2 and 2.3, RFC 4632 3.1. No address is a short or octal form (10.1, 010.0.0.1).</remarks>
sealed class IpNetwork
{
    readonly UInt128 _network;
    readonly UInt128 _mask;
    readonly string _text;

    // A mask as long as ::ffff:0:0/96 or longer.
    bool MayHoldFour => (_mask & UInt128.MaxValue << 32) == UInt128.MaxValue << 32;

    IpNetwork(UInt128 network, UInt128 mask, string text) => (_network, _mask, _text) = (network, mask, text);

    /// <summary>Reads <c>address/length</c>, or an address alone.</summary>
    /// <returns>Null, with a reason, where it is none or has bits set beyond its length.</returns>
    public static IpNetwork? Parse(string text, out string? reason)
    {
        reason = null;
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        byte[] address = Encoding.UTF8.GetBytes(slash < 0 ? text : text[..slash]);
        if (!TryParseAddress(address, out UInt128 bits, out bool four))
        {
            reason = $"'{text}' is no network; expected one like 10.0.0.0/8 or fe80::/10";
            return null;
        }
        int most = four ? 32 : 128;
        int length = most;
        if (slash >= 0)
        {
            byte[] digits = Encoding.UTF8.GetBytes(text[(slash + 1)..]);
            if (!Utf8Parser.TryParse(digits, out length, out int used) || used != digits.Length || length < 0 || length > most || !char.IsAsciiDigit((char)digits[0]))
            {
                reason = $"'{text}' has no prefix length from 0 to {most}";
                return null;
            }
        }
        int host = most - length;
        UInt128 mask = host == 128 ? UInt128.Zero : UInt128.MaxValue << host;
        if ((bits & ~mask) != UInt128.Zero)
        {
            reason = $"'{text}' has bits set beyond its prefix length; write the network's first address, or /{most} for one address";
            return null;
        }
        return new IpNetwork(bits, mask, text);
    }

    /// <summary>True where the value is an address in this network.</summary>
    public bool Contains(ReadOnlySpan<byte> value) =>
        TryParseAddress(value, out UInt128 bits, out bool four) && (bits & _mask) == _network && (!four || MayHoldFour);

    /// <inheritdoc/>
    public override string ToString() => _text;

    static bool TryParseAddress(ReadOnlySpan<byte> text, out UInt128 bits, out bool four)
    {
        if (TryParse4(text, out uint address))
        {
            bits = new UInt128(0, 0x0000_FFFF_0000_0000UL | address);
            four = true;
            return true;
        }
        four = false;
        int zone = text.IndexOf((byte)'%');
        return TryParse6(zone > 0 ? text[..zone] : text, out bits);
    }

    static bool TryParse4(ReadOnlySpan<byte> text, out uint address)
    {
        address = 0;
        if (text.Length is < 7 or > 15) return false;
        int at = 0;
        for (int part = 0; part < 4; part++)
        {
            if (part > 0 && (at >= text.Length || text[at++] != (byte)'.')) return false;
            int start = at;
            uint number = 0;
            while (at < text.Length && at - start < 3 && char.IsAsciiDigit((char)text[at])) number = number * 10 + text[at++] - '0';
            if (at == start || number > 255 || (at - start > 1 && text[start] == (byte)'0')) return false;
            address = (address << 8) | number;
        }
        return at == text.Length;
    }

    static bool TryParse6(ReadOnlySpan<byte> text, out UInt128 bits)
    {
        bits = UInt128.Zero;
        if (text.Length is < 2 or > 45) return false;
        Span<ushort> groups = stackalloc ushort[8];
        int count = 0;
        int gap = -1;
        int at = 0;
        if (text[0] == (byte)':')
        {
            if (text[1] != (byte)':') return false;
            gap = 0;
            at = 2;
        }
        while (at < text.Length)
        {
            if (count == 8) return false;
            int colon = text[at..].IndexOf((byte)':');
            ReadOnlySpan<byte> group = colon < 0 ? text[at..] : text.Slice(at, colon);
            if (colon < 0 && group.IndexOf((byte)'.') >= 0)
            {
                if (count > 6 || !TryParse4(group, out uint four)) return false;
                groups[count++] = (ushort)(four >> 16);
                groups[count++] = (ushort)four;
                break;
            }
            if (group.Length is < 1 or > 4 || !Utf8Parser.TryParse(group, out ushort number, out int used, 'X') || used != group.Length) return false;
            groups[count++] = number;
            if (colon < 0) break;
            at += colon + 1;
            if (at == text.Length) return false;
            if (text[at] == (byte)':')
            {
                if (gap >= 0) return false;
                gap = count;
                at++;
            }
        }
        if (gap < 0 ? count != 8 : count > 7) return false;
        int zeros = 8 - count;
        for (int i = 0; i < 8; i++)
        {
            ushort group = gap < 0 || i < gap ? groups[i] : i < gap + zeros ? (ushort)0 : groups[i - zeros];
            bits = (bits << 16) | group;
        }
        return true;
    }
}
