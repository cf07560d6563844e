namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>What a configuration file depends on outside itself.</summary>
/// <param name="Environment">Looks up an environment variable; null where it is not set.</param>
/// <param name="Directory">Where the relative path of a secret's file starts: the directory of the configuration.</param>
sealed record Surroundings(Func<string, string?> Environment, string Directory)
{
    /// <summary>True where every user can read the configuration.</summary>
    public bool ConfigurationIsReadableByAll { get; init; }

    /// <summary>True where nothing is going to be run: credentials, which only the service gets, may then be missing.</summary>
    public bool OnlyChecking { get; init; }

    /// <summary>The user of the service, where it is root who checks and may read everything; else null.</summary>
    public ServiceUser? Service { get; init; }

    /// <summary>True where it is the file that the service reads.</summary>
    public bool IsTheServices { get; init; }

    /// <summary>True where "others" have the right to read the file.</summary>
    public static bool IsReadableByAll(string path)
    {
        try
        {
            return File.GetUnixFileMode(path).HasFlag(UnixFileMode.OtherRead);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
