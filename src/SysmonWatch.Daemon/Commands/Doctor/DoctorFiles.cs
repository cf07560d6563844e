using System.Text.RegularExpressions;

namespace SysmonWatch.Daemon.Commands.Doctor;

/// <summary>What doctor reads: this host's files below a directory, which is / but for tests. What cannot be read is as if it were not there.</summary>
/// <param name="root">The directory.</param>
sealed class DoctorFiles(string root = "/")
{
    /// <summary>Where a path of the host is.</summary>
    public string At(string path) => root == "/" ? path : root + path;

    /// <summary>True where there is a file or directory.</summary>
    public bool Exists(string path) => Path.Exists(At(path));

    /// <summary>
    /// The lines of configuration files, in the order in which they count: the file, then those of its drop-in directories by name. Comments and
    /// blank lines are left out.
    /// </summary>
    /// <param name="file">The main file.</param>
    /// <param name="dropIns">Directories of *.conf files.</param>
    public IEnumerable<string> Lines(string file, params IEnumerable<string> dropIns)
    {
        IEnumerable<string> files = [At(file), .. dropIns.Select(At).Where(Directory.Exists).SelectMany(d => Read(() => Directory.GetFiles(d, "*.conf"))).OrderBy(f => Path.GetFileName(f), StringComparer.Ordinal)];
        return files.Where(File.Exists).SelectMany(f => Read(() => File.ReadAllLines(f))).Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] is not ('#' or ';'));
    }

    /// <summary>The last value of a key in lines of <c>Key=value</c>; null where it is not among them.</summary>
    public static string? Value(IEnumerable<string> lines, string key) =>
        lines.Select(l => l.Split('=', 2)).LastOrDefault(p => p.Length == 2 && p[0].Trim() == key)?[1].Trim();

    /// <summary>The first group of the last line that matches; null where none does.</summary>
    public static string? Match(IEnumerable<string> lines, Regex pattern) =>
        lines.Select(l => pattern.Match(l)).LastOrDefault(m => m.Success)?.Groups[1].Value;

    /// <summary>Ids of the processes with a name, as the kernel has it (/proc/PID/comm).</summary>
    public IEnumerable<string> Processes(string name) => Read(() => Directory.GetDirectories(At("/proc"))).Where(d => char.IsAsciiDigit(Path.GetFileName(d)[0]))
        .Where(d => Read(() => File.ReadAllLines(Path.Combine(d, "comm"))) is [var comm] && comm == name).Select(d => Path.GetFileName(d));

    static string[] Read(Func<string[]> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
