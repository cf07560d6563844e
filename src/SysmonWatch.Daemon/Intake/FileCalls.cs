using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SysmonWatch.Daemon.Intake;

/// <summary>
/// The few file calls that following a log needs and .NET does not have: device and inode, and errors as numbers instead of exceptions
/// (a missing file is asked for at every look).
/// </summary>
static partial class FileCalls
{
    public const int ENOENT = 2, EINTR = 4, EACCES = 13, ENOTDIR = 20, EPERM = 1, ELOOP = 40, ESTALE = 116;

    const int AT_FDCWD = -100, AT_EMPTY_PATH = 0x1000;
    const int O_RDONLY = 0, O_NOCTTY = 0x100, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    const uint STATX_BASIC_STATS = 0x7ff, STATX_BTIME = 0x800;
    /// <remarks>S_IFMT and S_IFREG of inode(7).</remarks>
    const int TypeMask = 0xF000, RegularFile = 0x8000;

    /// <summary>What the file system says about the file at a path, symbolic links followed.</summary>
    /// <returns>0, or an errno.</returns>
    public static int Look(string path, out FileFacts facts) => Convert(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS | STATX_BTIME, out Statx raw), raw, out facts);

    /// <summary>What the file system says about an open file.</summary>
    /// <returns>0, or an errno.</returns>
    public static int Look(SafeFileHandle file, out FileFacts facts) =>
        Convert(statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, out Statx raw), raw, out facts);

    /// <summary>Opens a file for reading; never waits, not even for the other end of a pipe.</summary>
    /// <returns>0, or an errno.</returns>
    public static int Open(string path, out SafeFileHandle file)
    {
        int fd;
        int error;
        do
        {
            fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
            error = fd < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (error == EINTR);
        file = new SafeFileHandle(fd, ownsHandle: fd >= 0);
        return error;
    }

    /// <summary>Reads at an offset.</summary>
    /// <param name="file">The file.</param>
    /// <param name="into">Where to.</param>
    /// <param name="offset">Bytes from the beginning.</param>
    /// <param name="read">How many bytes were read; 0 at the end.</param>
    /// <returns>0, or an errno.</returns>
    public static int Read(SafeFileHandle file, Span<byte> into, long offset, out int read)
    {
        nint got;
        int error;
        do
        {
            got = pread(file, into, (nuint)into.Length, offset);
            error = got < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (error == EINTR);
        read = error == 0 ? (int)got : 0;
        return error;
    }

    /// <summary>What an errno means, in the C library's words.</summary>
    public static string Explain(int error) => Marshal.GetPInvokeErrorMessage(error);

    static int Convert(int result, in Statx raw, out FileFacts facts)
    {
        facts = default;
        if (result != 0) return Marshal.GetLastPInvokeError();
        facts = new FileFacts(
            ((ulong)raw.DeviceMajor << 32) | raw.DeviceMinor,
            raw.Inode,
            (long)raw.Size,
            Nanoseconds(raw.Modified),
            (raw.Mask & STATX_BTIME) != 0 ? Nanoseconds(raw.Born) : 0,
            (raw.Mode & TypeMask) == RegularFile,
            raw.Mode & 0xFFF,
            raw.Group);
        return 0;
    }

    static long Nanoseconds(in StatxTime time) => (time.Seconds * 1_000_000_000L) + time.Nanoseconds;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, out Statx facts);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(SafeFileHandle directory, string path, int flags, uint mask, out Statx facts);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(SafeFileHandle file, Span<byte> into, nuint count, long offset);

    [StructLayout(LayoutKind.Sequential)]
    struct StatxTime
    {
        public long Seconds;
        public uint Nanoseconds;
        public int Reserved;
    }

    /// <remarks>Source: struct statx in statx(2); the same on every architecture, which struct stat is not.</remarks>
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    struct Statx
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint Links;
        public uint User;
        public uint Group;
        public ushort Mode;
        public ushort Spare;
        public ulong Inode;
        public ulong Size;
        public ulong Blocks;
        public ulong AttributesMask;
        public StatxTime Accessed;
        public StatxTime Born;
        public StatxTime Changed;
        public StatxTime Modified;
        public uint RealDeviceMajor;
        public uint RealDeviceMinor;
        public uint DeviceMajor;
        public uint DeviceMinor;
    }
}
