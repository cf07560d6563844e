namespace SysmonWatch.Daemon.Configuration;

/// <summary><c>alerts</c>: when events become an alert.</summary>
sealed record AlertsOptions
{
    /// <summary>Repeats within this time of event time are folded into one alert. Default 10 min; 0 (off) to 7 d.</summary>
    public TimeSpan SuppressionPeriod { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How far an event may be ahead of its arrival before it moves no window. Default 5 min; 0 to 1 d.</summary>
    public TimeSpan FutureTolerance { get; init; } = TimeSpan.FromMinutes(5);
}
