namespace SysmonWatch.SystemTests.Containers;

/// <summary>How a program in the container ended and what it said.</summary>
sealed record CommandResult(int ExitCode, string Output, string Error);
