using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SysmonWatch.Tests.Shared;

/// <summary>
/// Something that listens like journald, in a directory of its own: takes datagrams and sealed files, and says which it was. It waits at most ten
/// seconds for one, so that a test that is wrong ends.
/// </summary>
sealed class FakeJournal : IDisposable
{
    const int F_GET_SEALS = 1034;

    readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("journal-");
    Socket _socket;
    int _number;

    public FakeJournal()
    {
        SocketPath = Path.Combine(_directory.FullName, "socket");
        _socket = Bind();
    }

    /// <summary>Where it listens.</summary>
    public string SocketPath { get; }

    /// <summary>True where something waits to be received.</summary>
    public bool HasMore => _socket.Poll(0, SelectMode.SelectRead);

    /// <summary>Waits a little for something to receive.</summary>
    public bool MayHaveMore() => _socket.Poll(TimeSpan.FromMilliseconds(10), SelectMode.SelectRead);

    /// <summary>Takes the next entry.</summary>
    public ReceivedEntry Receive() => Receive(_socket) ?? throw new IOException("the socket was shut down");

    static ReceivedEntry? Receive(Socket socket)
    {
        byte[] bytes = new byte[1 << 20];
        byte[] control = new byte[24];
        (int length, int descriptor) = ReceiveMessage(socket, bytes, control);
        if (length == 0 && descriptor < 0) return null;
        if (descriptor < 0) return new(bytes[..length], Seals: null);

        int seals = fcntl(descriptor, F_GET_SEALS, 0);
        using SafeFileHandle file = new(descriptor, ownsHandle: true);
        byte[] content = new byte[RandomAccess.GetLength(file)];
        Assert.Equal(content.Length, RandomAccess.Read(file, content, 0));
        Assert.Equal(0, length);
        return new(content, seals);
    }

    /// <summary>Ends and begins anew at the same path, with nobody able to see it absent; what was not received is lost.</summary>
    public void Restart()
    {
        Socket later = Bind();
        _socket.Dispose();
        _socket = later;
    }

    /// <summary>Ends and begins anew at the same path, and takes out what was queued until the very end.</summary>
    public IReadOnlyList<ReceivedEntry> RestartWithoutLoss()
    {
        Socket later = Bind();
        _socket.Shutdown(SocketShutdown.Receive);
        List<ReceivedEntry> queued = [];
        while (Receive(_socket) is { } entry) queued.Add(entry);
        _socket.Dispose();
        _socket = later;
        return queued;
    }

    /// <summary>Ends; the path is gone.</summary>
    public void Stop() => _socket.Dispose();

    /// <summary>Begins anew after <see cref="Stop"/>.</summary>
    public void Start() => _socket = Bind();

    public void Dispose()
    {
        _socket.Dispose();
        _directory.Delete(recursive: true);
    }

    /// <summary>Each time another file behind a link, as .NET deletes a socket's file with the socket.</summary>
    Socket Bind()
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        string name = $"socket.{++_number}";
        socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(_directory.FullName, name)));
        File.CreateSymbolicLink(SocketPath + ".next", name);
        File.Move(SocketPath + ".next", SocketPath, overwrite: true);
        return socket;
    }

    /// <summary>recvmsg(2) by hand: .NET's sockets take no descriptors.</summary>
    static (int Length, int Descriptor) ReceiveMessage(Socket socket, byte[] bytes, byte[] control)
    {
        if (!socket.Poll(TimeSpan.FromSeconds(10), SelectMode.SelectRead)) throw new TimeoutException("nothing came to the journal in ten seconds");
        GCHandle pinnedBytes = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        GCHandle pinnedControl = GCHandle.Alloc(control, GCHandleType.Pinned);
        nint[] part = [pinnedBytes.AddrOfPinnedObject(), bytes.Length];
        GCHandle pinnedPart = GCHandle.Alloc(part, GCHandleType.Pinned);
        try
        {
            // struct msghdr: name, its length, parts, their number, control, its length, flags.
            nint[] header = [0, 0, pinnedPart.AddrOfPinnedObject(), 1, pinnedControl.AddrOfPinnedObject(), control.Length, 0];
            nint received = recvmsg(socket.Handle, header, 0);
            if (received < 0) throw new IOException(Marshal.GetLastPInvokeErrorMessage());
            int descriptor = header[5] == 0 ? -1 : BitConverter.ToInt32(control, 16);
            return ((int)received, descriptor);
        }
        finally
        {
            pinnedPart.Free();
            pinnedControl.Free();
            pinnedBytes.Free();
        }
    }

    [DllImport("libc", SetLastError = true)]
    static extern nint recvmsg(nint socket, [In, Out] nint[] message, int flags);

    [DllImport("libc", SetLastError = true)]
    static extern int fcntl(int descriptor, int command, int argument);
}

/// <summary>One entry as it came.</summary>
/// <param name="Bytes">The entry.</param>
/// <param name="Seals">The seals of the file it came in; null where it came as a datagram.</param>
sealed record ReceivedEntry(byte[] Bytes, int? Seals)
{
    public IReadOnlyList<JournalField> Fields => field ??= JournalProtocol.Parse(Bytes);

    /// <summary>The values of one field.</summary>
    public string[] this[string name] => [.. Fields.Where(found => found.Name == name).Select(found => found.Text)];
}
