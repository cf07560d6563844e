using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace SysmonWatch.Daemon.State;

/// <summary>Which file is at a path: its device and inode.</summary>
static partial class FileIdentity
{
    const int AT_FDCWD = -100;
    const uint STATX_INO = 0x100, STATX_SIZE = 0x200;

    /// <summary>Null where there is none, or an empty one.</summary>
    /// <remarks>Offsets of struct statx: statx(2), linux/stat.h.</remarks>
    public static (ulong Device, ulong Inode)? Of(string path)
    {
        Span<byte> buffer = stackalloc byte[256];
        if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_SIZE, buffer) != 0 || BinaryPrimitives.ReadUInt64LittleEndian(buffer[40..]) == 0) return null;
        return (BinaryPrimitives.ReadUInt64LittleEndian(buffer[136..]), BinaryPrimitives.ReadUInt64LittleEndian(buffer[32..]));
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, Span<byte> buffer);
}
