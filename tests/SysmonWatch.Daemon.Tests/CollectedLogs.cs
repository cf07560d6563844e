using Microsoft.Extensions.Logging;

namespace SysmonWatch.Daemon.Tests;

/// <summary>Keeps every message, with the text of its exception.</summary>
sealed class CollectedLogs : ILogger
{
    readonly List<string> _messages = [];

    public IReadOnlyList<string> Messages
    {
        get
        {
            lock (_messages) return [.. _messages];
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_messages) _messages.Add($"{eventId.Id} {logLevel}: {formatter(state, exception)}{(exception is null ? "" : $" {exception}")}");
    }
}
