namespace SysmonWatch.Daemon.Tests.Pipeline;

/// <summary>This machine's clock, put forward.</summary>
sealed class ShiftedTime(TimeSpan by) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
}
