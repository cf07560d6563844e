using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

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
    // In two halves: a UInt128 stands at multiples of 16 only, and with it what is remembered of a process would not fit into a cache line.
    readonly ulong _upper = (ulong)(Guid >> 64);
    readonly ulong _lower = (ulong)Guid;

    /// <summary>The GUID's first half.</summary>
    public ulong Upper => _upper;

    /// <summary>The GUID's second half.</summary>
    public ulong Lower => _lower;

    /// <summary>The 32 hexadecimal digits of its ProcessGuid.</summary>
    public UInt128 Guid => new(_upper, _lower);

    /// <summary>The second of its start, as the GUID has it: seconds since 1970, lower 32 bits.</summary>
    public uint StartSecond => (uint)((_upper << 16) & 0xFFFF_0000) | (uint)((_upper >> 16) & 0xFFFF);

    /// <summary>
    /// The address where its program's data ends, where only chance can have put it there: every execve of a position-independent program draws a
    /// new one out of 2^28, and a fork keeps it.
    /// </summary>
    /// <returns>False where the program has a fixed address, or one that it has without randomisation (setarch -R).</returns>
    /// <remarks>
    /// Source: ELF_ET_DYN_BASE and arch_mmap_rnd of Linux on x86-64, from 0x555555554000 in pages of 4 KiB. The first 4 GiB of it count as
    /// not random. Other architectures have other places and are told nothing about.
    /// </remarks>
    public bool TryRandomAddress(out ulong address)
    {
        address = BinaryPrimitives.ReverseEndianness(_lower);
        return address is >= 0x5556_5555_4000 and < 0x5656_5555_4000;
    }

    /// <summary>Reads a ProcessGuid as Sysmon writes it: <c>{8-4-4-4-12}</c>.</summary>
    /// <returns>False for anything else, and for the all-zero GUID, which means "unknown".</returns>
    public static bool TryParseGuid(ReadOnlySpan<byte> text, out UInt128 guid)
    {
        guid = default;
        if (text.Length != 38 || text[0] != '{' || text[37] != '}') return false;
        if (text[9] != '-' || text[14] != '-' || text[19] != '-' || text[24] != '-') return false;
        ref byte start = ref MemoryMarshal.GetReference(text);
        ulong second = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, 10)) | ((ulong)Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, 15)) << 32);
        ulong third = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, 20)) | ((ulong)Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, 25)) << 32);
        if (!TryHex(Vector128.Create(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, 1)), second).AsByte(), out ulong upper)
            || !TryHex(Vector128.Create(third, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, 29))).AsByte(), out ulong lower)) return false;
        guid = new UInt128(upper, lower);
        return (upper | lower) != 0;
    }

    /// <summary>Sixteen hexadecimal digits, of either case.</summary>
    static bool TryHex(Vector128<byte> text, out ulong value)
    {
        Vector128<byte> digits = text - Vector128.Create((byte)'0');
        Vector128<byte> letters = (text | Vector128.Create((byte)0x20)) - Vector128.Create((byte)'a');
        Vector128<byte> isDigit = Vector128.LessThan(digits, Vector128.Create((byte)10));
        Vector128<byte> isLetter = Vector128.LessThan(letters, Vector128.Create((byte)6));
        Vector128<byte> halves = Vector128.ConditionalSelect(isDigit, digits, letters + Vector128.Create((byte)10));
        // The first digit of each pair is the lower byte of a little-endian pair, and the upper half of the number.
        Vector128<ushort> pairs = halves.AsUInt16();
        Vector128<ushort> bytes = (pairs << 4) | (pairs >> 8);
        Vector128<byte> packed = Vector128.Narrow(bytes & Vector128.Create((ushort)0xFF), Vector128<ushort>.Zero);
        value = BinaryPrimitives.ReverseEndianness(packed.AsUInt64().ToScalar());
        return (isDigit | isLetter) == Vector128<byte>.AllBitsSet;
    }

    /// <summary>The same as ==, without the detour over comparers.</summary>
    public bool Is(in ProcessKey other) => ProcessId == other.ProcessId && HasGuidOf(other);

    /// <summary>True where both have the same GUID on the same computer.</summary>
    public bool HasGuidOf(in ProcessKey other) => _lower == other._lower && _upper == other._upper && Computer == other.Computer;

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
