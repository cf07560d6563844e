namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>What a configuration file depends on outside itself.</summary>
/// <param name="Environment">Looks up an environment variable; null where it is not set.</param>
/// <param name="Directory">Where relative paths in the file start: the file's own directory.</param>
/// <param name="ConfigurationIsReadableByAll">True where every user can read the file.</param>
/// <param name="OnlyChecking">True where nothing is going to be run: credentials, which only the service gets, may then be missing.</param>
sealed record Surroundings(Func<string, string?> Environment, string Directory, bool ConfigurationIsReadableByAll, bool OnlyChecking)
{
    /// <summary>Stands for a credential that was not looked at.</summary>
    public static Secret NotLookedAt { get; } = new("");

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
