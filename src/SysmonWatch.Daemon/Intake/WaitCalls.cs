using System.Runtime.InteropServices;

namespace SysmonWatch.Daemon.Intake;

/// <summary>Waiting for the kernel without waking up: poll(2), eventfd(2), inotify(7).</summary>
static partial class WaitCalls
{
    public const short POLLIN = 1;
    public const int EINTR = 4, EMFILE = 24, ENOSPC = 28;

    public const uint IN_MODIFY = 0x2, IN_ATTRIB = 0x4, IN_MOVED_FROM = 0x40, IN_MOVED_TO = 0x80, IN_CREATE = 0x100, IN_DELETE = 0x200,
        IN_DELETE_SELF = 0x400, IN_MOVE_SELF = 0x800, IN_Q_OVERFLOW = 0x4000, IN_ONLYDIR = 0x1000000;

    const int EFD_CLOEXEC = 0x80000, EFD_NONBLOCK = 0x800;
    const int IN_CLOEXEC = 0x80000, IN_NONBLOCK = 0x800;

    /// <summary>A number in the kernel that wakes a poll when it is not zero.</summary>
    public static int CreateEvent() => eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    /// <summary>Makes an event ring.</summary>
    public static unsafe void Ring(int fd)
    {
        ulong one = 1;
        _ = write(fd, &one, sizeof(ulong));
    }

    /// <summary>Empties an event or an inotify queue.</summary>
    /// <returns>Bytes read into <paramref name="buffer"/>; 0 where there were none.</returns>
    public static unsafe int Drain(int fd, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return (int)Math.Max(0, read(fd, start, (nuint)buffer.Length));
        }
    }

    /// <summary>Waits until one of them can be read.</summary>
    /// <param name="descriptors">Which; <see cref="PollDescriptor.Happened"/> says what came.</param>
    /// <param name="timeout">The longest wait in milliseconds; -1 for ever.</param>
    /// <returns>How many; 0 after the time, or a signal.</returns>
    public static unsafe int Wait(Span<PollDescriptor> descriptors, int timeout)
    {
        fixed (PollDescriptor* start = descriptors)
        {
            return Math.Max(0, poll(start, (nuint)descriptors.Length, timeout));
        }
    }

    /// <summary>A new inotify instance.</summary>
    /// <returns>Its descriptor, or -1 with <paramref name="error"/>.</returns>
    public static int CreateInotify(out int error)
    {
        int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        error = fd < 0 ? Marshal.GetLastPInvokeError() : 0;
        return fd;
    }

    /// <summary>Watches a path; again for the same inode gives the same number.</summary>
    /// <returns>The watch, or -1 with <paramref name="error"/>.</returns>
    public static int Watch(int inotify, string path, uint mask, out int error)
    {
        int watch = inotify_add_watch(inotify, path, mask);
        error = watch < 0 ? Marshal.GetLastPInvokeError() : 0;
        return watch;
    }

    /// <summary>Ends a watch.</summary>
    public static void Unwatch(int inotify, int watch) => _ = inotify_rm_watch(inotify, watch);

    /// <summary>Closes a descriptor.</summary>
    public static void Close(int fd) => _ = close(fd);

    /// <remarks>Source: struct pollfd in poll(2).</remarks>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollDescriptor
    {
        public int Descriptor;
        public short Wanted;
        public short Happened;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint value, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint read(int fd, void* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint write(int fd, void* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int poll(PollDescriptor* descriptors, nuint count, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_init1(int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int inotify_add_watch(int fd, string path, uint mask);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_rm_watch(int fd, int watch);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);
}
