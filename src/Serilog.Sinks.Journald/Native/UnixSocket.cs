using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Serilog.Sinks.Journald.Native;

/// <summary>A file descriptor that is closed once nobody uses it, so that a number is never reused under a call that is still running.</summary>
sealed class Descriptor : SafeHandleMinusOneIsInvalid
{
    public Descriptor() : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle() => UnixSocket.Close((int)handle) == 0;
}

/// <summary>Datagram sockets of the AF_UNIX family: as much of them as journald's protocol needs. Errors are errno values; 0 is success.</summary>
/// <remarks>Source: unix(7), sendmsg(2), cmsg(3). Layouts and numbers are those of 64-bit Linux, the same on x86-64 and arm64.</remarks>
static unsafe partial class UnixSocket
{
    public const int EINTR = 4, EAGAIN = 11, EPIPE = 32, EMSGSIZE = 90, ENOBUFS = 105, ECONNRESET = 104, ENOTCONN = 107, ECONNREFUSED = 111;
    public const int ENAMETOOLONG = 36;

    const int AF_UNIX = 1, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0x80000, SOL_SOCKET = 1, SO_SNDBUF = 7, SCM_RIGHTS = 1;
    const int MSG_NOSIGNAL = 0x4000, MSG_DONTWAIT = 0x40;
    const short POLLOUT = 4;

    /// <summary>sizeof(sun_path); the path needs one byte of it for its end.</summary>
    const int PathLength = 108;

    /// <summary>What sd_journal_sendv asks for. The kernel silently gives less (net.core.wmem_max) to who may not have it.</summary>
    const int SendBufferLength = 8 * 1024 * 1024;

    /// <summary>Makes a datagram socket that sends to <paramref name="path"/>.</summary>
    /// <returns>0, or errno: ENOENT and ECONNREFUSED where nobody listens.</returns>
    public static int Connect(string path, out Descriptor? connected)
    {
        connected = null;
        int length = Encoding.UTF8.GetByteCount(path);
        if (length >= PathLength) return ENAMETOOLONG;

        Descriptor socket = Socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int error = Marshal.GetLastPInvokeError();
        if (socket.IsInvalid) return error;

        byte* address = stackalloc byte[2 + PathLength];
        new Span<byte>(address, 2 + PathLength).Clear();
        *(ushort*)address = AF_UNIX;
        Encoding.UTF8.GetBytes(path, new Span<byte>(address + 2, length));

        int size = SendBufferLength;
        _ = SetSocketOption(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof(int));
        if (Connect(socket, address, (uint)(2 + length + 1)) != 0)
        {
            error = Marshal.GetLastPInvokeError();
            socket.Dispose();
            return error;
        }
        connected = socket;
        return 0;
    }

    /// <summary>Sends one datagram without waiting.</summary>
    public static int Send(Descriptor socket, ReadOnlySpan<byte> datagram)
    {
        fixed (byte* bytes = datagram)
        {
            IoVector part = new() { Base = bytes, Length = (nuint)datagram.Length };
            MessageHeader message = new() { Parts = &part, PartCount = 1 };
            return Send(socket, &message);
        }
    }

    /// <summary>Sends a descriptor and no bytes, without waiting. The receiver gets a duplicate; the caller keeps its own.</summary>
    public static int SendDescriptor(Descriptor socket, Descriptor passed)
    {
        // CMSG_SPACE(sizeof(int)) is 24: a header of 16, the descriptor, and padding to 8.
        ulong* control = stackalloc ulong[3];
        ((ControlHeader*)control)->Length = 16 + sizeof(int);
        ((ControlHeader*)control)->Level = SOL_SOCKET;
        ((ControlHeader*)control)->Type = SCM_RIGHTS;
        control[2] = 0;
        bool held = false;
        try
        {
            passed.DangerousAddRef(ref held);
            *(int*)(control + 2) = (int)passed.DangerousGetHandle();
            MessageHeader message = new() { Control = control, ControlLength = 24 };
            return Send(socket, &message);
        }
        finally
        {
            if (held) passed.DangerousRelease();
        }
    }

    /// <summary>Waits until a datagram may fit. Returns at once where the receiver is gone: the next send tells.</summary>
    /// <returns>False where the time is over first.</returns>
    public static bool WaitWritable(Descriptor socket, TimeSpan atMost)
    {
        bool held = false;
        try
        {
            socket.DangerousAddRef(ref held);
            PollDescriptor wanted = new() { Descriptor = (int)socket.DangerousGetHandle(), Events = POLLOUT };
            int milliseconds = (int)Math.Clamp(Math.Ceiling(atMost.TotalMilliseconds), 0, int.MaxValue);
            int ready = Poll(&wanted, 1, milliseconds);

            // A signal looks like readiness: the caller tries, and waits again for what is left of its time.
            return ready > 0 || (ready < 0 && Marshal.GetLastPInvokeError() == EINTR);
        }
        finally
        {
            if (held) socket.DangerousRelease();
        }
    }

    static int Send(Descriptor socket, MessageHeader* message)
    {
        while (true)
        {
            if (SendMessage(socket, message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return 0;
            int error = Marshal.GetLastPInvokeError();
            if (error != EINTR) return error;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    struct IoVector
    {
        public void* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Parts;
        public nuint PartCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct ControlHeader
    {
        public nuint Length;
        public int Level;
        public int Type;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial Descriptor Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(Descriptor socket, byte* address, uint length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetSocketOption(Descriptor socket, int level, int name, void* value, uint length);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(Descriptor socket, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int descriptor);
}
