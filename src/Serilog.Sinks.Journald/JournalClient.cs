using Serilog.Sinks.Journald.Native;

namespace Serilog.Sinks.Journald;

/// <summary>
/// Hands entries to journald over its native protocol. Thread-safe. Connects at the first entry and again whenever journald was restarted;
/// never throws for anything journald or the kernel does.
/// </summary>
public sealed class JournalClient : IDisposable
{
    readonly JournalClientOptions _options;
    readonly Lock _connecting = new();
    volatile JournalSocket? _socket;
    bool _hadOne;                // guarded by _connecting
    volatile bool _disposed;

    /// <summary>A client for the journald that <paramref name="options"/> names. Nothing is connected yet.</summary>
    /// <param name="options">Default: journald's usual socket, one second of waiting.</param>
    public JournalClient(JournalClientOptions? options = null) => _options = options ?? new();

    /// <summary>Sends one entry, waiting at most as long as the options say where journald does not keep up.</summary>
    public JournalSendResult TrySend(JournalEntry entry) => TrySend(entry, _options.Wait);

    /// <summary>Sends one entry, waiting at most <paramref name="wait"/> where journald does not keep up.</summary>
    /// <param name="entry">The entry; it stays the caller's.</param>
    /// <param name="wait">Zero does not wait.</param>
    public JournalSendResult TrySend(JournalEntry entry, TimeSpan wait)
    {
        if (entry.IsTooLarge) return new(JournalSendStatus.TooLarge);
        if (entry.FieldCount == 0) return new(JournalSendStatus.Empty);

        long began = _options.Time.GetTimestamp();
        bool reconnected = false;

        // Twice: a connection may be dead from before, and the kernel says so only when something is sent.
        for (int attempt = 1; ; attempt++)
        {
            if (_disposed) return new(JournalSendStatus.Disposed);
            int error = Connect(out JournalSocket? socket, ref reconnected);
            if (socket is null) return new(_disposed ? JournalSendStatus.Disposed : WhyNotConnected(error), error, reconnected);

            JournalSendResult result = socket.TrySend(entry.Serialized, wait, began, _options.Time);
            if (result.Status != JournalSendStatus.NoJournal) return result with { Reconnected = reconnected };
            Forget(socket);
            if (attempt == 2) return result with { Reconnected = reconnected };
        }
    }

    /// <summary>Closes the connection once no entry is being sent any more. Entries after that are <see cref="JournalSendStatus.Disposed"/>.</summary>
    public void Dispose()
    {
        lock (_connecting)
        {
            _disposed = true;
            _socket?.Dispose();
            _socket = null;
        }
    }

    int Connect(out JournalSocket? socket, ref bool reconnected)
    {
        socket = _socket;
        if (socket is not null) return 0;
        lock (_connecting)
        {
            socket = _socket;
            if (socket is not null || _disposed) return 0;
            int error = JournalSocket.Connect(_options.SocketPath, out socket);
            if (error != 0) return error;
            reconnected = _hadOne;
            _hadOne = true;
            _socket = socket;
            return 0;
        }
    }

    void Forget(JournalSocket dead)
    {
        lock (_connecting)
        {
            // Another thread may have replaced it already; the new one is not ours to close.
            if (ReferenceEquals(_socket, dead)) _socket = null;
        }
        dead.Dispose();
    }

    static JournalSendStatus WhyNotConnected(int error) => error switch
    {
        ENOENT or UnixSocket.ECONNREFUSED => JournalSendStatus.NoJournal,
        _ => JournalSendStatus.Failed,
    };

    const int ENOENT = 2;
}
