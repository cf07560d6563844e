namespace SysmonWatch.Detection.Processes;

/// <summary>Frees a path of the ways to spell it: <c>//</c>, <c>/./</c>, <c>/../</c>. By its text alone; symbolic links are not followed.</summary>
/// <remarks>Sysmon makes the path of a deleted or created file absolute but does not normalise it: <c>/tmp/./.kw3f</c>.</remarks>
static class PathNormalizer
{
    /// <summary>The normalised path, or null where the path is normal already or not absolute.</summary>
    public static byte[]? Normalize(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty || path[0] != '/') return null;
        if (path.IndexOf("//"u8) < 0 && path.IndexOf("/."u8) < 0) return null;

        byte[] normal = new byte[path.Length];
        int length = 0;
        foreach (Range range in path.Split((byte)'/'))
        {
            ReadOnlySpan<byte> part = path[range];
            if (part.IsEmpty || part.SequenceEqual("."u8)) continue;
            if (part.SequenceEqual(".."u8))
            {
                int parent = normal.AsSpan(0, length).LastIndexOf((byte)'/');
                length = Math.Max(parent, 0);
                continue;
            }
            normal[length++] = (byte)'/';
            part.CopyTo(normal.AsSpan(length));
            length += part.Length;
        }
        if (length == 0) normal[length++] = (byte)'/';
        return path.SequenceEqual(normal.AsSpan(0, length)) ? null : normal[..length];
    }
}
