namespace SysmonWatch.Daemon.Configuration.Reading;

/// <summary>What came of reading a configuration.</summary>
/// <param name="File">The file that was read; null where there was none and the defaults are used.</param>
/// <param name="Options">The options; null where the file is wrong. What it only names, such as a secret that cannot be read, makes one webhook unusable.</param>
/// <param name="Problems">Everything that is wrong, in the order of the file.</param>
sealed record LoadedConfiguration(string? File, SysmonWatchOptions? Options, IReadOnlyList<ConfigurationProblem> Problems);
