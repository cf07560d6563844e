using System.IO.Compression;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Intake;

namespace SysmonWatch.Daemon.Tests.Intake;

/// <summary>
/// A syslog daemon and a logrotate to play with: real files in a directory of their own, times of modification by a clock that the test moves.
/// Knows which lines were written and which of them nobody can have read any more.
/// </summary>
sealed class ToyLog : IDisposable
{
    readonly FakeTimeProvider _time;
    readonly List<FileStream> _deleted = [];
    FileStream? _writer;
    int _number;
    string _unfinished = "";

    public ToyLog(FakeTimeProvider time, string name = "syslog")
    {
        _time = time;
        Root = Directory.CreateTempSubdirectory("sysmonwatch-intake-").FullName;
        Live = Path.Combine(Root, name);
    }

    public string Root { get; }

    public string Live { get; }

    /// <summary>Whole lines, in the order written.</summary>
    public List<string> Written { get; } = [];

    /// <summary>Beginnings of lines that nobody will complete.</summary>
    public List<string> Abandoned { get; } = [];

    /// <summary>Opens the live file as rsyslog does: creates it if it is not there.</summary>
    public void Open()
    {
        _writer?.Dispose();
        _writer = new FileStream(Live, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 0);
        Touch(Live);
    }

    /// <summary>What rsyslog does on SIGHUP.</summary>
    public void Reopen()
    {
        bool same = _writer is not null && FileCalls.Look(_writer.SafeFileHandle, out FileFacts mine) == 0
            && FileCalls.Look(Live, out FileFacts there) == 0 && mine.SameFileAs(there);
        if (!same) Abandon();
        Open();
    }

    void Abandon()
    {
        if (_unfinished.Length > 0) Abandoned.Add(_unfinished);
        _unfinished = "";
    }

    public void Write(int lines)
    {
        var text = new StringBuilder();
        for (int i = 0; i < lines; i++)
        {
            string rest = _unfinished.Length > 0 ? "the rest" : NextLine();
            Written.Add(_unfinished + rest);
            _unfinished = "";
            text.Append(rest).Append('\n');
        }
        Append(text.ToString());
    }

    /// <summary>Writes the beginning of a line; the next <see cref="Write"/> completes it.</summary>
    public void WritePartly()
    {
        string piece = (_unfinished.Length > 0 ? " more " : NextLine()) + "begun ";
        _unfinished += piece;
        Append(piece);
    }

    /// <summary>logrotate's shift of all generations by one, the live file included; nothing is written to the new one before <see cref="Reopen"/>.</summary>
    public void Rename(bool create)
    {
        Shift();
        if (File.Exists(Live)) File.Move(Live, Numbered(1));
        if (create) Create();
    }

    public void RenameByDate(int serial)
    {
        if (File.Exists(Live)) File.Move(Live, $"{Live}-{20261124 + serial}");
    }

    public void Create()
    {
        if (File.Exists(Live)) return;
        File.WriteAllBytes(Live, []);
        Touch(Live);
    }

    public void CopyTruncate()
    {
        if (!File.Exists(Live)) return;
        Shift();
        File.Copy(Live, Numbered(1));
        Touch(Numbered(1));
        Truncate();
    }

    /// <summary>Cuts the live file to nothing. The writer appends, as syslog daemons do.</summary>
    public void Truncate()
    {
        if (!File.Exists(Live)) return;
        using (var file = new FileStream(Live, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) file.SetLength(0);
        Abandon();
        Touch(Live);
    }

    public void Delete() => File.Delete(Live);

    /// <summary>Compresses the oldest generation that is not compressed, but for the newest (delaycompress).</summary>
    public void Compress(bool delay = true)
    {
        string? oldest = Directory.GetFiles(Root, Path.GetFileName(Live) + "*")
            .Where(p => p != Live && !p.EndsWith(".gz", StringComparison.Ordinal) && (!delay || p != Numbered(1)))
            .OrderByDescending(p => p.Length).ThenByDescending(p => p, StringComparer.Ordinal).FirstOrDefault();
        if (oldest is not null) Compress(oldest, oldest + ".gz");
    }

    /// <summary>Compresses the live file into another, as gzip does: the time of modification stays.</summary>
    public void CompressTo(string path) => Compress(Live, path);

    void Compress(string plain, string compressed)
    {
        // Kept open: a new file with the inode number of a deleted one, born within the same tick of the file system's clock, is the same file to
        // everybody who looks. It takes rotations a few milliseconds apart.
        FileStream from = File.OpenRead(plain);
        _deleted.Add(from);
        using (var to = new GZipStream(File.Create(compressed), CompressionLevel.Fastest))
        {
            from.CopyTo(to);
        }
        File.SetLastWriteTimeUtc(compressed, File.GetLastWriteTimeUtc(plain));
        File.Delete(plain);
    }

    public string Numbered(int number) => $"{Live}.{number}";

    public void Dispose()
    {
        _writer?.Dispose();
        foreach (FileStream file in _deleted) file.Dispose();
        Directory.Delete(Root, recursive: true);
    }

    public void Touch(string path) => File.SetLastWriteTimeUtc(path, _time.GetUtcNow().UtcDateTime);

    string NextLine() => $"Nov 24 02:09:22 lab sysmon: line {++_number:D6} {new string((char)('a' + (_number % 26)), _number % 90)}";

    void Append(string text)
    {
        if (_writer is null) Open();
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        _writer!.Seek(0, SeekOrigin.End);
        _writer.Write(bytes);
        _writer.Flush();
        File.SetLastWriteTimeUtc(_writer.SafeFileHandle, _time.GetUtcNow().UtcDateTime);
    }

    /// <summary>Renames all numbered generations by one.</summary>
    public void Shift()
    {
        for (int i = 60; i >= 1; i--)
        {
            if (File.Exists(Numbered(i))) File.Move(Numbered(i), Numbered(i + 1));
            if (File.Exists(Numbered(i) + ".gz")) File.Move(Numbered(i) + ".gz", Numbered(i + 1) + ".gz");
        }
    }
}
