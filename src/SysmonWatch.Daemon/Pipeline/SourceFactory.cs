using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Intake;

namespace SysmonWatch.Daemon.Pipeline;

/// <summary>Makes the source that the configuration asks for.</summary>
sealed class SourceFactory(TimeProvider time, ILoggerFactory loggers, IntakeCounters counters)
{
    static readonly string[] UsualFiles = ["/var/log/syslog", "/var/log/messages"];

    /// <summary>A source, not opened yet.</summary>
    public RecordSource Create(InputOptions input)
    {
        IReadOnlyList<string> files = input.Files.Count > 0 ? input.Files : [UsualFiles.FirstOrDefault(File.Exists) ?? UsualFiles[0]];
        return new FileSource(files, StartOf(input.Start), time, loggers.CreateLogger<FileSource>(), counters);
    }

    static StartAt StartOf(StartFrom start) =>
        start == StartFrom.End ? StartAt.End : start == StartFrom.Beginning ? StartAt.Beginning : new StartAt(start.Back);
}
