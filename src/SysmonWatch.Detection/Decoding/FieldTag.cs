using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Decoding;

/// <summary>The text between one value and the next, <c>&lt;/Data&gt;&lt;Data Name="Image"&gt;</c>, ready to be compared in two or three steps.</summary>
readonly struct FieldTag
{
    /// <summary>Length of <c>&lt;/Data&gt;</c>, which it starts with.</summary>
    public const int EndTag = 7;

    /// <summary>Where the name starts.</summary>
    public const int NameAt = EndTag + 12;

    readonly Vector128<byte> _first;
    readonly Vector128<byte> _middle;
    readonly Vector128<byte> _last;
    readonly byte[] _text;

    /// <param name="id">The field that follows.</param>
    /// <exception cref="ArgumentException">Its name has more than 27 bytes; those of the schema have 23 at most.</exception>
    public FieldTag(FieldId id)
    {
        Id = id;
        byte[] text = [.. "</Data><Data Name=\""u8, .. id.Utf8Name, .. "\">"u8];
        if (text.Length > 3 * Vector128<byte>.Count) throw new ArgumentException($"'{id}' is longer than any name of the schema.");
        Length = text.Length;
        _text = text;
        _first = Vector128.Create<byte>(text.AsSpan(0, 16));
        _middle = Vector128.Create<byte>(text.AsSpan(Math.Min(16, Length - 16), 16));
        _last = Vector128.Create<byte>(text.AsSpan(Length - 16, 16));
    }

    /// <summary>The field that follows.</summary>
    public FieldId Id { get; }

    /// <summary>Bytes of all of it.</summary>
    public int Length { get; }

    /// <summary>The start tag alone, without the end of the value before.</summary>
    public ReadOnlySpan<byte> StartTag => _text.AsSpan(EndTag);

    /// <summary>True where it stands at a place of a text.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsAt(ReadOnlySpan<byte> text, int at)
    {
        // Without a name it has 21 bytes, so the pieces overlap or meet.
        if (text.Length - at < Length) return false;
        ref byte start = ref Unsafe.Add(ref MemoryMarshal.GetReference(text), at);
        Vector128<byte> different = (Vector128.LoadUnsafe(ref start) ^ _first) | (Vector128.LoadUnsafe(ref start, (nuint)(Length - 16)) ^ _last);
        if (Length > 32) different |= Vector128.LoadUnsafe(ref start, 16) ^ _middle;
        return different == Vector128<byte>.Zero;
    }
}
