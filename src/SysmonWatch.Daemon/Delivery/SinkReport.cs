namespace SysmonWatch.Daemon.Delivery;

/// <summary>
/// Decides what is said of a sink in the log: that it takes nothing or takes alerts again, each once, and at most one line a minute, with the
/// attempts there were meanwhile. Not thread-safe.
/// </summary>
sealed class SinkReport(TimeProvider time)
{
    static readonly TimeSpan Silence = TimeSpan.FromMinutes(1);

    string? _said;
    string? _now;
    long? _saidAt;
    int _refused;
    int _told;

    /// <summary>How long until something unsaid may be said; null where nothing is.</summary>
    public TimeSpan? Remaining => !IsUnsaid ? null : _saidAt is { } at && Silence > time.GetElapsedTime(at) ? Silence - time.GetElapsedTime(at) : TimeSpan.Zero;

    /// <summary>An attempt failed, and not for the alert's sake.</summary>
    public void Refused(string reason) => (_now, _refused) = (reason, _refused + 1);

    /// <summary>Alerts were taken.</summary>
    public void Took(int alerts) => (_now, _told) = (null, _told + (_said is null && _now is null && _refused == 0 ? 0 : alerts));

    /// <summary>What is to be said now.</summary>
    /// <returns>False where it is nothing.</returns>
    public bool TrySay(out SinkLine line)
    {
        line = new SinkLine(_now, _refused, _told, _saidAt is { } at ? time.GetElapsedTime(at) : TimeSpan.Zero);
        if (Remaining != TimeSpan.Zero) return false;
        (_said, _saidAt, _refused, _told) = (_now, time.GetTimestamp(), 0, 0);
        return true;
    }

    // Another reason is another state; and a minute in which it took some and refused others is worth a line although both ends are alike.
    bool IsUnsaid => _said != _now || (_refused > 0 && _told > 0);
}

/// <summary>One line about a sink.</summary>
/// <param name="Reason">Why it takes nothing; null where it takes alerts.</param>
/// <param name="Refused">Attempts that failed since the last line.</param>
/// <param name="Told">Alerts it took since the last line.</param>
/// <param name="Since">How long ago that was; zero where there was none.</param>
readonly record struct SinkLine(string? Reason, int Refused, int Told, TimeSpan Since);
