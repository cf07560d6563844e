namespace SysmonWatch.Daemon.Intake;

/// <summary>Where reading starts in an input that no position is saved for.</summary>
/// <param name="Back">
/// How much of what is there already is read: zero is nothing of it (the default), <see cref="TimeSpan.MaxValue"/> all of it; in between, files that
/// were written to within that time are read whole, so up to a file's span more than asked for.
/// </param>
readonly record struct StartAt(TimeSpan Back)
{
    /// <summary>From now on.</summary>
    public static StartAt End => new(TimeSpan.Zero);

    /// <summary>From the beginning of the file, or of the journal.</summary>
    public static StartAt Beginning => new(TimeSpan.MaxValue);
}
