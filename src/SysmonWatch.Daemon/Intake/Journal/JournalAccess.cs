using Microsoft.Win32.SafeHandles;

namespace SysmonWatch.Daemon.Intake.Journal;

/// <summary>Whether the journal can be read here, and if not, what to do.</summary>
/// <param name="Problem">What is wrong; empty where nothing is.</param>
/// <param name="Fix">What to do about it; empty where nothing is wrong.</param>
/// <param name="HasSysmon">True where it has entries of Sysmon's.</param>
sealed record JournalAccess(string Problem, string Fix, bool HasSysmon)
{
    /// <summary>The entries that Sysmon wrote: what syslog(3) and the service's output carry.</summary>
    public const string OfSysmon = "SYSLOG_IDENTIFIER=sysmon";

    /// <summary>Where journald takes what is sent to it: a journal without it is one that nobody writes to.</summary>
    const string JournaldSocket = "/run/systemd/journal/socket";

    /// <summary>True where it can be read.</summary>
    public bool IsReadable => Problem.Length == 0;

    /// <summary>
    /// Looks at this host's journal. Opening it succeeds without the right to read its files, and finds nothing then, so the files are tried.
    /// </summary>
    /// <param name="directory">Journal files of another place; null for this host's.</param>
    public static JournalAccess Check(string? directory = null)
    {
        if (!SdJournal.IsInstalled) return new("libsystemd.so.0 is not installed", "install libsystemd0 (or systemd-libs), or name a syslog file as input", false);
        if (directory is null && !Path.Exists(JournaldSocket)) return new("systemd-journald does not run here", "name a syslog file as input, or start systemd-journald", false);
        string[] files = [.. Places(directory).SelectMany(FilesIn)];
        if (files.Length == 0)
        {
            return new("journald keeps no journal here", "start systemd-journald without Storage=none, or name a syslog file as input", false);
        }
        int refused = 0;
        foreach (string file in files)
        {
            int error = FileCalls.Open(file, out SafeFileHandle opened);
            opened.Dispose();
            if (error is FileCalls.EACCES or FileCalls.EPERM) refused++;
        }
        if (refused == files.Length) return new("no right to read the journal's files", "add SupplementaryGroups=systemd-journal to the service, or the user to that group", false);

        int result = SdJournal.Open(directory, out SdJournal? journal);
        using (journal)
        {
            if (result < 0) return new($"the journal cannot be opened: {FileCalls.Explain(-result)}", "see journalctl --verify, or name a syslog file as input", false);
            bool found = journal!.AddAlternative(OfSysmon) >= 0 && journal.SeekTail() >= 0 && journal.Previous() > 0;
            return new("", "", found);
        }
    }

    /// <summary>Files and directories that change when an entry is added or files come and go.</summary>
    /// <param name="directory">As for <see cref="Check"/>.</param>
    public static IEnumerable<string> Growing(string? directory) =>
        Places(directory).Concat(Places(directory).SelectMany(FilesIn).Where(file => Path.GetFileName(file) == "system.journal").SelectMany(file => new[] { Path.GetDirectoryName(file)!, file })).Distinct();

    static string[] Places(string? directory) => directory is null ? ["/var/log/journal", "/run/log/journal"] : [directory];

    static IEnumerable<string> FilesIn(string directory)
    {
        try
        {
            return Directory.GetFiles(directory, "system*.journal", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 });
        }
        catch (IOException)
        {
            return [];
        }
        catch (UnauthorizedAccessException)
        {
            // It is there, and closed: what stands for its files makes the answer right.
            return [Path.Combine(directory, "system.journal")];
        }
    }
}
