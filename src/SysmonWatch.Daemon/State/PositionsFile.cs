using System.Security.Cryptography;
using System.Text;

namespace SysmonWatch.Daemon.State;

/// <summary>
/// A second copy of the positions beside the database, so that input goes on where it was when the database is lost. Tiny; replaced as a whole, and
/// only when something moved. Not thread-safe.
/// </summary>
/// <remarks>Format: a line that names it, a line <c>BASE64(source) BASE64(position)</c> for each source, and the SHA-256 of all that in hex.</remarks>
sealed class PositionsFile(string path)
{
    const string Head = "sysmonwatch positions 1\n";

    string _written = "";

    /// <summary>Where it is.</summary>
    public string Path => path;

    /// <summary>What was written last; null where there is none that is intact.</summary>
    public Dictionary<string, byte[]>? TryRead()
    {
        try
        {
            string text = File.ReadAllText(path, Encoding.ASCII);
            int end = text.Length - Hash("").Length;
            if (end < Head.Length || !text.StartsWith(Head, StringComparison.Ordinal) || text[end..] != Hash(text[..end])) return null;
            return text[Head.Length..end].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
                .ToDictionary(pair => Encoding.UTF8.GetString(Convert.FromBase64String(pair[0])), pair => Convert.FromBase64String(pair[1]));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Writes these, unless they are what was written last. The file is the old one or the new one, whenever the machine stops.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Write(IReadOnlyDictionary<string, byte[]> positions)
    {
        string text = Head + string.Concat(positions.OrderBy(p => p.Key, StringComparer.Ordinal)
            .Select(p => $"{Convert.ToBase64String(Encoding.UTF8.GetBytes(p.Key))} {Convert.ToBase64String(p.Value)}\n"));
        if (text == _written) return;
        string next = path + ".new";
        using (var file = new FileStream(next, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            file.Write(Encoding.ASCII.GetBytes(text + Hash(text)));
            file.Flush(flushToDisk: true);
        }
        File.Move(next, path, overwrite: true);
        _written = text;
    }

    static string Hash(string text) => Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(text)));
}
