namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>
/// The calls that go by name. A rotation may give a name to another file between any two of them, so what one says about a name is not true of the
/// next. Tests rotate there.
/// </summary>
class LogFileSystem
{
    /// <summary>The file system itself.</summary>
    public static LogFileSystem Real { get; } = new();

    /// <inheritdoc cref="FileCalls.Look(string, out FileFacts)"/>
    public virtual int Look(string path, out FileFacts facts) => FileCalls.Look(path, out facts);

    /// <inheritdoc cref="LogContent.Open"/>
    public virtual int Open(string path, out LogContent? content, out FileFacts facts) => LogContent.Open(path, out content, out facts);

    /// <summary>The paths of the files in a directory; none where it is not there or may not be read.</summary>
    public virtual string[] List(string directory)
    {
        try
        {
            return Directory.GetFiles(directory);
        }
        catch (IOException)
        {
            // Not there (any more): then nothing is.
            return [];
        }
        catch (UnauthorizedAccessException)
        {
            // Said where the live file cannot be read.
            return [];
        }
    }
}
