using System.Globalization;

namespace SysmonWatch.Benchmarks.Live;

/// <summary>A directory for one run, beside what the runs keep; on a real disk, as a write to memory takes a tenth of the time.</summary>
sealed class Workplace : IDisposable
{
    /// <param name="name">Tells it from others of this run.</param>
    public Workplace(string name = "all")
    {
        if (FileSystem is "tmpfs" or "ramfs") throw new NotPossibleException($"{Kept} is in memory ({FileSystem}); the state has to be on a disk.");
        Path = Directory.CreateDirectory(System.IO.Path.Combine(Kept, string.Create(CultureInfo.InvariantCulture, $"live-{Environment.ProcessId}-{name}"))).FullName;
    }

    /// <summary>What is made once and kept: artifacts/benchmarks of the repository.</summary>
    public static string Kept { get; } = Directory.CreateDirectory(System.IO.Path.Combine(Repository(), "artifacts/benchmarks")).FullName;

    /// <summary>The kind of file system it is on.</summary>
    public static string FileSystem => new DriveInfo(Kept).DriveFormat;

    /// <summary>This run's.</summary>
    public string Path { get; }

    /// <summary>A path in it.</summary>
    public string At(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a small file.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    static string Repository()
    {
        for (string? at = AppContext.BaseDirectory; at is not null; at = System.IO.Path.GetDirectoryName(at))
        {
            if (File.Exists(System.IO.Path.Combine(at, "SysmonWatch.sln"))) return at;
        }
        throw new NotPossibleException("SysmonWatch.sln is in no directory above this program.");
    }
}

/// <summary>Something that the measurement needs is not there; the message says what.</summary>
sealed class NotPossibleException(string message) : Exception(message);
