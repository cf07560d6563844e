using SysmonWatch.Daemon.Configuration.Reading;

namespace SysmonWatch.Daemon.Tests.Configuration;

/// <summary>A configuration in a directory of its own, and its problems with the directory taken out of them.</summary>
sealed class ConfigurationFile : IDisposable
{
    readonly Dictionary<string, string> _environment = [];

    public ConfigurationFile(string text)
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("sysmonwatch-test-").FullName;
        Path = Put("sysmonwatch.yaml", text);
    }

    public string Directory { get; }

    public string Path { get; }

    public string Put(string name, string text, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        string path = System.IO.Path.Combine(Directory, name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, mode);
        return path;
    }

    public ConfigurationFile With(string variable, string value)
    {
        _environment[variable] = value;
        return this;
    }

    public LoadedConfiguration Load(bool onlyChecking = false) => ConfigurationLoader.Load(Path, _environment.GetValueOrDefault, onlyChecking);

    public IEnumerable<string> Problems(bool onlyChecking = false) =>
        Load(onlyChecking).Problems.Select(p => p.ToString().Replace(Directory + "/", "", StringComparison.Ordinal));

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
