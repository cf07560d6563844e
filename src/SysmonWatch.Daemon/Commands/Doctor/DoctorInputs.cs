using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Files;
using SysmonWatch.Daemon.Intake.Journal;
using SysmonWatch.Daemon.Intake.Sources;

namespace SysmonWatch.Daemon.Commands.Doctor;

/// <summary>Which inputs are read and why, and whether the service may read them.</summary>
/// <param name="options">The configuration.</param>
/// <param name="journal">The journal.</param>
/// <param name="saved">Names of the inputs that have a saved position.</param>
/// <param name="look">What the file system says about a path: 0, or an errno.</param>
sealed class DoctorInputs(InputOptions options, JournalAccess journal, IReadOnlyCollection<string> saved, DoctorInputs.Look look)
{
    /// <summary>Groups that the service's unit gives it.</summary>
    static readonly string[] ServiceGroups = ["adm", "systemd-journal"];

    /// <summary>As <see cref="FileCalls.Look(string, out FileFacts)"/>.</summary>
    public delegate int Look(string path, out FileFacts facts);

    /// <summary>True where files are read.</summary>
    public bool ReadsFiles { get; private set; }

    /// <summary>True where the journal is read.</summary>
    public bool ReadsJournal { get; private set; }

    /// <summary>What was found.</summary>
    public IEnumerable<DoctorFinding> Find()
    {
        IReadOnlyList<string> files = options.Files;
        ReadsJournal = options.Journal == JournalInput.Yes;
        if (files.Count > 0)
        {
            yield return DoctorFinding.Good("input", $"{string.Join(", ", files)}{(ReadsJournal ? " and the journal" : "")}, as the configuration says");
        }
        else if (ReadsJournal)
        {
            yield return DoctorFinding.Good("input", "the journal, as the configuration says");
        }
        else if (options.Journal == JournalInput.No)
        {
            files = [InputChoice.SyslogFiles.FirstOrDefault(path => look(path, out _) == 0) ?? InputChoice.SyslogFiles[0]];
            yield return DoctorFinding.Good("input", $"{files[0]}: the configuration says not to read the journal, and names no files");
        }
        else
        {
            InputChoice choice = InputChoice.Choose(journal, Try, saved);
            ReadsJournal = choice.UsesJournal;
            files = choice.UsesJournal ? [] : [choice.Path];
            yield return DoctorFinding.Good("input", $"{(choice.UsesJournal ? "the journal" : choice.Path)}, chosen because {choice.Reason}");
        }
        ReadsFiles = files.Count > 0;
        if (ReadsJournal)
        {
            yield return !journal.IsReadable ? new DoctorFinding(Health.Error, "journal", journal.Problem, journal.Fix)
                : journal.HasSysmon ? DoctorFinding.Good("journal", "it can be read and has entries of Sysmon's")
                : new DoctorFinding(Health.Warning, "journal", "it can be read and has no entry of Sysmon's yet", "see whether Sysmon runs: systemctl status sysmon");
        }
        foreach (DoctorFinding finding in files.SelectMany(Files)) yield return finding;
    }

    IEnumerable<DoctorFinding> Files(string pattern)
    {
        if (Globs.IsGlob(pattern))
        {
            IReadOnlyList<string> matches = Globs.Expand(pattern);
            if (matches.Count == 0) yield return new DoctorFinding(Health.Warning, pattern, "nothing matches it yet", "see that a syslog daemon writes there; it is followed once it appears");
            foreach (string match in matches) yield return File(match);
            yield break;
        }
        yield return File(pattern);
    }

    DoctorFinding File(string path)
    {
        int error = look(path, out FileFacts facts);
        if (error is FileCalls.ENOENT or FileCalls.ENOTDIR) return new(Health.Error, path, "it is not there", "install or start rsyslog, or take the journal as input (input: {journal: yes})");
        if (error != 0) return new(Health.Error, path, $"it cannot be looked at: {FileCalls.Explain(error)}", "run doctor as root");
        if (!facts.IsRegular) return new(Health.Error, path, "it is not a regular file", "name a file that a syslog daemon writes");
        string? group = GroupNames.Of(facts.Group);
        bool readable = (facts.Mode & 0b100) != 0 || ((facts.Mode & 0b100_000) != 0 && ServiceGroups.Contains(group));
        return readable
            ? DoctorFinding.Good(path, "the service may read it")
            : new(Health.Error, path, $"the service may not read it (mode {Convert.ToString(facts.Mode, 8).PadLeft(4, '0')}, group {group ?? "unknown"})", FileAdvice.For(facts));
    }

    /// <summary>Whoever runs doctor may read more than the service: what counts is that it is there.</summary>
    int Try(string path)
    {
        int error = look(path, out _);
        return error != 0 ? error : File(path).Health == Health.Error ? FileCalls.EACCES : 0;
    }
}
