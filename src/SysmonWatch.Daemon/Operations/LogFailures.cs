using Serilog.Core;
using Serilog.Debugging;
using Serilog.Events;

namespace SysmonWatch.Daemon.Operations;

/// <summary>Counts the log messages a sink could not write, and passes them on to SelfLog. Thread-safe.</summary>
sealed class LogFailures(Counters counters) : ILoggingFailureListener
{
    readonly Counter _lost = counters.Loss("log messages", "the log could not be written");

    /// <inheritdoc />
    public void OnLoggingFailed(object sender, LoggingFailureKind kind, string message, IReadOnlyCollection<LogEvent>? events, Exception? exception)
    {
        if (kind != LoggingFailureKind.Temporary) _lost.Add(Math.Max(1, events?.Count ?? 1), message);
        SelfLog.FailureListener.OnLoggingFailed(sender, kind, message, events, exception);
    }
}
