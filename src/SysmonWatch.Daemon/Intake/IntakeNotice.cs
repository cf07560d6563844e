namespace SysmonWatch.Daemon.Intake;

/// <summary>
/// Something about an input that an operator should know or that is counted: said once when it begins, never per look.
/// </summary>
/// <param name="Input">Where: a path, "journal", "standard input".</param>
abstract record IntakeNotice(string Input)
{
    /// <summary>The file or its directory is not there; it is waited for.</summary>
    public sealed record Missing(string Input) : IntakeNotice(Input);

    /// <summary>The file cannot be read; it is tried again.</summary>
    /// <param name="Input">Its path.</param>
    /// <param name="Reason">In the system's words.</param>
    /// <param name="Fix">What to do.</param>
    public sealed record Unreadable(string Input, string Reason, string Fix) : IntakeNotice(Input);

    /// <summary>A file that was missing or unreadable is followed.</summary>
    public sealed record Following(string Input, long FromByte) : IntakeNotice(Input);

    /// <summary>Another file is at the path now; the one before is read to its end first.</summary>
    /// <param name="Input">The path.</param>
    /// <param name="Between">How many more generations came and went meanwhile; they are read as well.</param>
    public sealed record Rotated(string Input, int Between) : IntakeNotice(Input);

    /// <summary>The file was cut off; reading starts at its beginning.</summary>
    /// <param name="Input">The path.</param>
    /// <param name="ReadTo">Up to where the old content had been read.</param>
    /// <param name="CopyFound">True where the rest of the old content is in a copy, and read from there.</param>
    public sealed record Truncated(string Input, long ReadTo, bool CopyFound) : IntakeNotice(Input);

    /// <summary>A generation that was not known to be read to its end cannot be found or read any more.</summary>
    /// <param name="Input">The path.</param>
    /// <param name="ReadTo">Up to where it had been read.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Lost(string Input, long ReadTo, string Reason) : IntakeNotice(Input);

    /// <summary>The same file is followed under another path.</summary>
    public sealed record SameFile(string Input, string Other) : IntakeNotice(Input);

    /// <summary>More files match than are followed.</summary>
    public sealed record TooMany(string Input, int Most) : IntakeNotice(Input);

    /// <summary>The saved position is of no use.</summary>
    public sealed record PositionUnusable(string Input, string Reason) : IntakeNotice(Input);
}
