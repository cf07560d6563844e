using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Intake;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>Makes the source that the configuration asks for.</summary>
sealed class SourceFactory(TimeProvider time, ILoggerFactory loggers, IntakeCounters counters)
{
    /// <summary>A source, not opened yet.</summary>
    /// <param name="input">What the configuration says.</param>
    /// <param name="read">Names of the sources that have a saved position: they go before others where the configuration leaves it open.</param>
    public RecordSource Create(InputOptions input, IReadOnlyCollection<string> read)
    {
        if (input.Files.Count > 0) return Files(input, input.Files);
        if (input.Journal == JournalInput.Yes) return Journal(input);
        if (input.Journal == JournalInput.No) return Files(input, [InputChoice.SyslogFiles.FirstOrDefault(File.Exists) ?? InputChoice.SyslogFiles[0]]);
        InputChoice choice = InputChoice.ForThisHost(read);
        return choice.UsesJournal ? Journal(input) : Files(input, [choice.Path]);
    }

    FileSource Files(InputOptions input, IReadOnlyList<string> paths) => new(paths, new StartAt(input.Start.Back), time, loggers.CreateLogger<FileSource>(), counters);

    JournalSource Journal(InputOptions input) => new(new StartAt(input.Start.Back), time, loggers.CreateLogger<JournalSource>(), counters);
}
