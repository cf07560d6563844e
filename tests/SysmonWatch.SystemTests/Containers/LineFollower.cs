using System.Diagnostics;
using System.Text;
using System.Threading.Channels;

namespace SysmonWatch.SystemTests.Containers;

/// <summary>The lines of a program that goes on writing, so that a test waits for the line it needs and not for a time.</summary>
sealed class LineFollower : IAsyncDisposable
{
    readonly Process _process;
    readonly TimeSpan _patience;
    readonly Task _reading;
    readonly Task<string> _errors;

    // A test's own output, read by that test: unbounded is what it needs.
    readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    public LineFollower(Process process, TimeSpan patience)
    {
        (_process, _patience) = (process, patience);
        _errors = process.StandardError.ReadToEndAsync();
        _reading = ReadAsync();
    }

    /// <summary>All lines that were waited through so far, in order.</summary>
    public List<string> Seen { get; } = [];

    /// <summary>Reads on until a line satisfies the predicate, and returns that line.</summary>
    /// <param name="what">What is waited for, for the message of the failure.</param>
    /// <param name="predicate">Sees every line once.</param>
    public async Task<string> WaitForAsync(string what, Func<string, bool> predicate)
    {
        using var patience = new CancellationTokenSource(_patience);
        try
        {
            while (true)
            {
                string line = await _lines.Reader.ReadAsync(patience.Token);
                Seen.Add(line);
                if (predicate(line)) return line;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            var message = new StringBuilder($"Waited in vain for {what}. The last lines were:");
            foreach (string line in Seen.TakeLast(30)) message.Append("\n  ").Append(Short(line));
            throw new TimeoutException(message.ToString(), e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading;
        await _errors;
        _process.Dispose();
    }

    // Of a journal entry its message says more than its first fields.
    static string Short(string line)
    {
        int at = line.IndexOf("\"MESSAGE\":", StringComparison.Ordinal);
        string told = at < 0 ? line : line[at..];
        return told.Length > 300 ? told[..300] + "…" : told;
    }

    async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line) _lines.Writer.TryWrite(line);
        _lines.Writer.TryComplete();
    }
}
