using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Journal;
using SysmonWatch.Daemon.Intake.Sources;
using SysmonWatch.Daemon.Operations;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>Makes the source that the configuration asks for.</summary>
/// <param name="limits">For the longest line and the most files.</param>
/// <param name="time">The clock.</param>
/// <param name="loggers">Where operators are told.</param>
/// <param name="counters">What is counted.</param>
/// <param name="timer">Times the slow polls.</param>
/// <param name="journal">Where the journal is; null for this host's.</param>
sealed class SourceFactory(LimitsOptions limits, TimeProvider time, ILoggerFactory loggers, IntakeCounters counters, SharedTimer timer, IJournalPlace? journal = null)
{
    /// <summary>A source, not opened yet.</summary>
    /// <param name="input">What the configuration says.</param>
    /// <param name="read">Names of the sources that have a saved position: they go before others where the configuration leaves it open.</param>
    public RecordSource Create(InputOptions input, IReadOnlyCollection<string> read)
    {
        if (input.Files.Count > 0 && input.Journal == JournalInput.Yes)
        {
            return new FilesBesideJournal(Files(input, input.Files), Journal(input), limits.LineLength, time, loggers.CreateLogger<FilesBesideJournal>());
        }
        if (input.Files.Count > 0) return Files(input, input.Files);
        if (input.Journal == JournalInput.Yes) return Journal(input);
        if (input.Journal == JournalInput.No) return Files(input, [InputChoice.SyslogFiles.FirstOrDefault(File.Exists) ?? InputChoice.SyslogFiles[0]]);
        InputChoice choice = InputChoice.ForThisHost(read, journal);
        return choice.UsesJournal ? Journal(input, choice.Reason) : Files(input, [choice.Path], choice.Reason);
    }

    FileSource Files(InputOptions input, IReadOnlyList<string> paths, string reason = "") =>
        new(paths, new StartAt(input.Start.Back), limits.Files, time, loggers.CreateLogger<FileSource>(), counters, timer) { Reason = reason };

    JournalSource Journal(InputOptions input, string reason = "") =>
        new(new StartAt(input.Start.Back), time, loggers.CreateLogger<JournalSource>(), counters, timer, journal) { Reason = reason };
}
