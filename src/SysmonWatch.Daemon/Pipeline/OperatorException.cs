namespace SysmonWatch.Daemon.Pipeline;

/// <summary>The daemon cannot start because of something that an operator can set right; the message says what and how.</summary>
sealed class OperatorException(string message) : Exception(message);
