using SysmonWatch.Daemon.Intake.Journal;

namespace SysmonWatch.Daemon.Intake.Sources;

/// <summary>What is read where the configuration does not say.</summary>
/// <param name="UsesJournal">True for the journal; otherwise <paramref name="Path"/>.</param>
/// <param name="Path">The syslog file; empty for the journal.</param>
/// <param name="Reason">Why, for the status line and doctor.</param>
sealed record InputChoice(bool UsesJournal, string Path, string Reason)
{
    /// <summary>The syslog files that are looked for: Debian's and its descendants', and everybody else's.</summary>
    public static IReadOnlyList<string> SyslogFiles { get; } = ["/var/log/syslog", "/var/log/messages"];

    /// <summary>
    /// The journal where it can be read and is written to (its fields say who wrote an entry, and messages are whole); else the first syslog file
    /// that can be read; else the first syslog file, which is waited for. What was read before is read on where it can be: the other would start at
    /// its end, and what came while the daemon was stopped would be lost.
    /// </summary>
    /// <param name="journal">What is known about the journal.</param>
    /// <param name="tryFile">0 where a file can be read, otherwise the errno.</param>
    /// <param name="read">Names of the sources that have a saved position.</param>
    public static InputChoice Choose(JournalAccess journal, Func<string, int> tryFile, params IReadOnlyCollection<string> read)
    {
        bool onlyFiles = read.Contains(FileSource.Kind) && !read.Contains(JournalSource.Kind);
        bool onlyJournal = read.Contains(JournalSource.Kind) && !read.Contains(FileSource.Kind);
        if (onlyJournal && journal.IsReadable) return new(true, "", "the journal is what was read before");
        if (onlyFiles && SyslogFiles.FirstOrDefault(path => tryFile(path) == 0) is { } before) return new(false, before, "it is what was read before");

        if (journal.IsReadable) return new(true, "", "the journal can be read and says who wrote an entry" + (journal.HasSysmon ? "" : "; Sysmon's first one is waited for"));
        var refused = new List<string>();
        foreach (string path in SyslogFiles)
        {
            int error = tryFile(path);
            if (error == 0) return new(false, path, journal.Problem);
            if (error is FileCalls.EACCES or FileCalls.EPERM) refused.Add(path);
        }
        string notFile = refused.Count > 0 ? $"no right to read {string.Join(", ", refused)}" : $"neither {string.Join(" nor ", SyslogFiles)} is there";
        return new(false, refused.Count > 0 ? refused[0] : SyslogFiles[0], $"{journal.Problem} ({journal.Fix}), and {notFile}; it is waited for");
    }

    /// <summary>The choice for this host.</summary>
    /// <param name="read">Names of the sources that have a saved position.</param>
    /// <param name="journal">The journal; null for this host's.</param>
    public static InputChoice ForThisHost(IReadOnlyCollection<string> read, IJournalPlace? journal = null) => Choose((journal ?? new SystemJournal()).Check(), path =>
    {
        int error = FileCalls.Open(path, out Microsoft.Win32.SafeHandles.SafeFileHandle file);
        file.Dispose();
        return error;
    }, read);
}
