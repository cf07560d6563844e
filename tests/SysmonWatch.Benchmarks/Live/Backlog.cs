using System.Globalization;
using SysmonWatch.Benchmarks.Generation;

namespace SysmonWatch.Benchmarks.Live;

/// <summary>A generated log with a line that alerts after every tenth of it, the last of them at its very end.</summary>
/// <param name="Path">The file; kept for the next run.</param>
/// <param name="LastAlert">The record id of its last line.</param>
sealed record Backlog(string Path, ulong LastAlert)
{
    /// <summary>How many lines alert.</summary>
    public const int Alerts = 10;

    /// <summary>Its bytes.</summary>
    public long Length => new FileInfo(Path).Length;

    /// <summary>Makes it, where it is not there yet.</summary>
    /// <param name="lines">How many lines, those that alert left out.</param>
    public static Backlog Of(int lines)
    {
        string path = System.IO.Path.Combine(Workplace.Kept, string.Create(CultureInfo.InvariantCulture, $"backlog-{lines}.log")), last = path + ".last";
        if (!File.Exists(path))
        {
            ulong id = 0;
            // Under another name first, so that one that was interrupted is not taken for whole.
            using (FileStream file = File.Create(path + ".part"))
            {
                var generator = new LogGenerator(1);
                for (int part = 0; part < Alerts; part++)
                {
                    generator.Write(file, lines / Alerts);
                    id = generator.WriteAttack(file);
                }
            }
            File.WriteAllText(last, id.ToString(CultureInfo.InvariantCulture));
            File.Move(path + ".part", path);
        }
        return new Backlog(path, ulong.Parse(File.ReadAllText(last), CultureInfo.InvariantCulture));
    }

    /// <summary>Reads it once, so that it is in the page cache.</summary>
    public void Warm()
    {
        using FileStream file = File.OpenRead(Path);
        file.CopyTo(Stream.Null);
    }
}
