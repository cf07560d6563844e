using System.Globalization;

namespace SysmonWatch.Daemon.Operations;

/// <summary>Whether and how often the service manager wants a message.</summary>
/// <remarks>Source: sd_watchdog_enabled(3).</remarks>
/// <param name="Timeout">After so long without a message the service is killed; null where there is no watchdog.</param>
sealed record WatchdogSettings(TimeSpan? Timeout)
{
    /// <summary>Half the timeout, as sd_watchdog_enabled(3) recommends; null where there is no watchdog.</summary>
    public TimeSpan? Interval => Timeout / 2;

    /// <summary>The settings the environment gives.</summary>
    public static WatchdogSettings FromEnvironment() =>
        Parse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), Environment.GetEnvironmentVariable("WATCHDOG_PID"), Environment.ProcessId);

    /// <summary>Reads WATCHDOG_USEC and WATCHDOG_PID; the latter, where it is set, says which process is meant.</summary>
    public static WatchdogSettings Parse(string? microseconds, string? processId, int ownProcessId)
    {
        bool isMeant = string.IsNullOrEmpty(processId)
            || (int.TryParse(processId, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id == ownProcessId);
        bool isSet = long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            && value is > 0 and < long.MaxValue / TimeSpan.TicksPerMicrosecond;
        return new(isMeant && isSet ? TimeSpan.FromMicroseconds(value) : null);
    }
}
