namespace SysmonWatch.Daemon.Configuration;

/// <summary><c>input</c>: where lines come from.</summary>
sealed record InputOptions
{
    /// <summary>
    /// Absolute paths or globs (<c>*</c>, <c>?</c>, <c>[…]</c>) of syslog files. Default none: /var/log/syslog, or /var/log/messages where
    /// only that is there.
    /// </summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Whether the journal is read. Default: where it can be and no files are named.</summary>
    public JournalInput Journal { get; init; } = JournalInput.Auto;

    /// <summary>Where an input that has no saved position starts. Default: at its end.</summary>
    public StartFrom Start { get; init; } = StartFrom.End;
}

/// <summary><c>input.journal</c></summary>
enum JournalInput
{
    /// <summary>Where it can be read and no files are named.</summary>
    Auto,

    /// <summary>Always, beside the files that are named: each event is taken once.</summary>
    Yes,

    /// <summary>Never.</summary>
    No,
}

/// <summary>Where an input that has no saved position starts.</summary>
/// <param name="Back">How far back in time; zero is the end, <see cref="TimeSpan.MaxValue"/> the beginning.</param>
readonly record struct StartFrom(TimeSpan Back)
{
    /// <summary>Only what is written from now on.</summary>
    public static StartFrom End { get; } = new(TimeSpan.Zero);

    /// <summary>Everything that is there.</summary>
    public static StartFrom Beginning { get; } = new(TimeSpan.MaxValue);
}
