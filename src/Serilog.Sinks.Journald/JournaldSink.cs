using Serilog.Core;
using Serilog.Debugging;
using Serilog.Events;

namespace Serilog.Sinks.Journald;

/// <summary>
/// Writes each log event as one journal entry, on the thread that logs it. Thread-safe; never throws. What journald does not take is told to the
/// failure listener, SelfLog by default.
/// </summary>
public sealed class JournaldSink : ILogEventSink, ISetLoggingFailureListener, IDisposable
{
    readonly JournalClient _client;
    readonly LogEventMapping _mapping;
    readonly TimeSpan _wait;
    ILoggingFailureListener _failures = SelfLog.FailureListener;
    volatile bool _isBusy;

    /// <summary>A sink with a connection of its own.</summary>
    public JournaldSink(JournaldSinkOptions options)
    {
        _client = new JournalClient(options.Client);
        _mapping = new LogEventMapping(options);
        _wait = options.Client.Wait;
    }

    /// <inheritdoc />
    public void Emit(LogEvent logEvent)
    {
        try
        {
            using JournalEntry entry = new();
            _mapping.Fill(entry, logEvent);

            // A journald that stands still is waited for once, not once for each line of every thread.
            JournalSendResult result = _client.TrySend(entry, _isBusy ? TimeSpan.Zero : _wait);
            _isBusy = result.Status == JournalSendStatus.Busy;
            if (!result.IsSent) Report(logEvent, $"journal entry not written: {result}", null);
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            // A property's own ToString or an IFormatProvider may throw anything; logging must not.
            Report(logEvent, "log event could not be made into a journal entry", problem);
        }
    }

    /// <inheritdoc />
    public void SetFailureListener(ILoggingFailureListener failureListener) => _failures = failureListener;

    /// <summary>Closes the connection.</summary>
    public void Dispose() => _client.Dispose();

    void Report(LogEvent logEvent, string message, Exception? problem) =>
        _failures.OnLoggingFailed(this, LoggingFailureKind.Permanent, message, [logEvent], problem);
}
