namespace SysmonWatch.Daemon.Configuration;

/// <summary>A text of the configuration, and where it stands.</summary>
/// <param name="Text">The text.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
sealed record PlacedText(string Text, int Line, int Column);
