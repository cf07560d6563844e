using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SysmonWatch.Detection.Processes;

/// <summary>Frees a path of the ways to spell it: <c>//</c>, <c>/./</c>, <c>/../</c>. By its text alone; symbolic links are not followed.</summary>
/// <remarks>Sysmon makes the path of a deleted or created file absolute but does not normalise it: <c>/tmp/./.kw3f</c>.</remarks>
static class PathNormalizer
{
    /// <summary>False where a path is certain to be normal: nothing in it is <c>//</c> or begins with <c>/.</c>.</summary>
    public static bool Concerns(ReadOnlySpan<byte> path)
    {
        ref byte start = ref MemoryMarshal.GetReference(path);
        int at = 0;
        for (; at < path.Length - Vector128<byte>.Count; at += Vector128<byte>.Count)
        {
            Vector128<byte> slashes = Vector128.Equals(Vector128.LoadUnsafe(ref start, (nuint)at), Vector128.Create((byte)'/'));
            Vector128<byte> next = Vector128.LoadUnsafe(ref start, (nuint)at + 1);
            // '.' and '/' differ in one bit.
            if ((slashes & Vector128.Equals(next | Vector128.Create((byte)1), Vector128.Create((byte)'/'))) != Vector128<byte>.Zero) return true;
        }
        for (; at < path.Length - 1; at++)
        {
            if (path[at] == '/' && (path[at + 1] | 1) == '/') return true;
        }
        return false;
    }

    /// <summary>Normalises a path; false where it is normal already or not absolute.</summary>
    /// <param name="path">The path.</param>
    /// <param name="normal">Where to write it; must be at least as long as the path.</param>
    /// <param name="length">How long it is.</param>
    public static bool TryNormalize(ReadOnlySpan<byte> path, Span<byte> normal, out int length)
    {
        length = 0;
        if (path.IsEmpty || path[0] != '/' || !Concerns(path)) return false;
        length = Normalize(path, normal);
        // Most names that begin with a dot are in a normal path.
        return !path.SequenceEqual(normal[..length]);
    }

    static int Normalize(ReadOnlySpan<byte> path, Span<byte> normal)
    {
        int length = 0;
        foreach (Range range in path.Split((byte)'/'))
        {
            ReadOnlySpan<byte> part = path[range];
            if (part.IsEmpty || part.SequenceEqual("."u8)) continue;
            if (part.SequenceEqual(".."u8))
            {
                int parent = normal[..length].LastIndexOf((byte)'/');
                length = Math.Max(parent, 0);
                continue;
            }
            normal[length++] = (byte)'/';
            part.CopyTo(normal[length..]);
            length += part.Length;
        }
        if (length == 0) normal[length++] = (byte)'/';
        return length;
    }
}
