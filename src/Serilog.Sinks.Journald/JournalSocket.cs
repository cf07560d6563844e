using Serilog.Sinks.Journald.Native;

namespace Serilog.Sinks.Journald;

/// <summary>One connection to journald. Thread-safe; a connection that is closed under a call ends with that call.</summary>
sealed class JournalSocket(Descriptor descriptor) : IDisposable
{
    const int ENOMEM = 12, EBADF = 9, ETOOMANYREFS = 109;

    /// <returns>0, or errno.</returns>
    public static int Connect(string path, out JournalSocket? socket)
    {
        int error = UnixSocket.Connect(path, out Descriptor? descriptor);
        socket = descriptor is null ? null : new JournalSocket(descriptor);
        return error;
    }

    /// <summary>
    /// Sends one entry as a datagram, or, where it is too long for one, as a sealed file in memory; waits at most until <paramref name="wait"/>
    /// after <paramref name="began"/> where journald's queue is full.
    /// </summary>
    public JournalSendResult TrySend(ReadOnlySpan<byte> entry, TimeSpan wait, long began, TimeProvider time)
    {
        Descriptor? memory = null;
        try
        {
            while (true)
            {
                int error = memory is null ? UnixSocket.Send(descriptor, entry) : UnixSocket.SendDescriptor(descriptor, memory);
                switch (error)
                {
                    case 0:
                        return new(JournalSendStatus.Sent, ThroughMemory: memory is not null);

                    // ENOBUFS is the kernel's way to say that it found no memory in one piece for so long a datagram.
                    case UnixSocket.EMSGSIZE or UnixSocket.ENOBUFS when memory is null:
                        error = MemoryFile.Create(entry, out memory);
                        if (error != 0) return new(error == ENOMEM ? JournalSendStatus.TooLarge : JournalSendStatus.Failed, error);
                        continue;

                    case UnixSocket.EAGAIN:
                        TimeSpan left = wait - time.GetElapsedTime(began);
                        if (left > TimeSpan.Zero && UnixSocket.WaitWritable(descriptor, left)) continue;
                        return new(JournalSendStatus.Busy, error, ThroughMemory: memory is not null);

                    // Waiting for room would not help and would spin: the socket says it has room.
                    case UnixSocket.ENOBUFS or ETOOMANYREFS:
                        return new(JournalSendStatus.Busy, error, ThroughMemory: memory is not null);

                    case UnixSocket.ECONNREFUSED or UnixSocket.ENOTCONN or UnixSocket.ECONNRESET or UnixSocket.EPIPE or EBADF:
                        return new(JournalSendStatus.NoJournal, error);

                    default:
                        return new(JournalSendStatus.Failed, error);
                }
            }
        }
        catch (ObjectDisposedException)
        {
            // Another thread saw the connection die and closed it between two of our calls.
            return new(JournalSendStatus.NoJournal, UnixSocket.ENOTCONN);
        }
        finally
        {
            memory?.Dispose();
        }
    }

    public void Dispose() => descriptor.Dispose();
}
