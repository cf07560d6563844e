namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>What is wrong with a watched file: reported when it begins, not at every look.</summary>
/// <param name="time">The clock.</param>
/// <param name="report">Takes what an operator should know.</param>
sealed class TroubleReport(TimeProvider time, Action<IntakeNotice> report)
{
    /// <summary>
    /// How long the right to read a file that has just come must be missing before that is reported: logrotate makes the new file first and sets its
    /// owner and mode then.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    long? _deniedSince;

    /// <summary>In a word; empty where nothing is wrong.</summary>
    public string Current { get; private set; } = "";

    /// <summary>True where something is wrong, or may turn out to be.</summary>
    public bool IsOpen => Current.Length > 0 || _deniedSince is not null;

    /// <summary>Reports something, unless it is what was reported last.</summary>
    public void Report(string trouble, IntakeNotice notice)
    {
        if (Current == trouble) return;
        Current = trouble;
        report(notice);
    }

    /// <summary>The right to read the file is missing: true once that has lasted.</summary>
    public bool DeniedForLong()
    {
        _deniedSince ??= time.GetTimestamp();
        return time.GetElapsedTime(_deniedSince.Value) >= Patience;
    }

    /// <summary>The right to read the file is not what is wrong.</summary>
    public void NotDenied() => _deniedSince = null;
}
