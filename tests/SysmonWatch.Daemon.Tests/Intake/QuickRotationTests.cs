using System.IO.Compression;
using System.Text;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Files;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Tests.Intake;

/// <summary>Files that are renamed and compressed between any two looks at them: what was listed under a name is another file when it is opened.</summary>
public sealed class QuickRotationTests : IDisposable
{
    /// <summary>How many rotated files are kept, and how many rotations may not be read yet: none is deleted before.</summary>
    const int Kept = 12, Ahead = 8;

    readonly string _root = Directory.CreateTempSubdirectory("quick-rotation-").FullName;
    readonly List<FileStream> _deleted = [];
    readonly CancellationTokenSource _soon = new(TimeSpan.FromMinutes(1));

    static int Rotations => int.TryParse(Environment.GetEnvironmentVariable("SYSMONWATCH_QUICK_ROTATIONS"), out int asked) ? asked : 400;

    string Live => Path.Combine(_root, "syslog");

    public void Dispose()
    {
        foreach (FileStream file in _deleted) file.Dispose();
        Directory.Delete(_root, recursive: true);
        _soon.Dispose();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task Takes_every_line_once_and_in_order(bool compress, bool restart)
    {
        using var ahead = new SemaphoreSlim(Ahead);
        // It is waited for, so that all that comes is new.
        var batch = new RecordBatch();
        var notices = new List<IntakeNotice>();
        FileFollower follower = Follow([], notices);
        follower.Step(batch, thorough: true);
        Task writing = Task.Run(() => Write(ahead, compress), _soon.Token);
        var seen = new List<string>();
        try
        {
            for (int step = 0; seen.Count == 0 || seen[^1] != "the last"; step++)
            {
                Assert.False(_soon.IsCancellationRequested, $"{seen.Count} lines after a minute: {string.Join('\n', notices)}");
                if (writing.IsFaulted) await writing;
                batch.Clear();
                follower.Step(batch, thorough: true);
                foreach (LogRecord record in batch.Records)
                {
                    seen.Add(Encoding.UTF8.GetString(batch.Buffer, record.Text.Start, record.Text.Length));
                    if (seen[^1].EndsWith("rotates", StringComparison.Ordinal)) ahead.Release();
                }
                if (!restart || step % 7 != 6) continue;
                byte[] position = follower.Position();
                follower.Dispose();
                follower = Follow(position, notices);
            }
        }
        finally
        {
            follower.Dispose();
        }
        List<string> written = await (Task<List<string>>)writing;

        int same = seen.Zip(written).TakeWhile(p => p.First == p.Second).Count();
        Assert.True(seen.SequenceEqual(written), $"{written.Count} written, {seen.Count} seen, never {string.Join(", ", written.Except(seen))}; twice {string.Join(", ", seen.GroupBy(l => l).Where(g => g.Count() > 1).Select(g => g.Key))}; the same until {same}: {string.Join(", ", seen.Skip(same - 2).Take(8))}\n{string.Join('\n', notices.TakeLast(20))}");
    }

    FileFollower Follow(byte[] position, List<IntakeNotice> notices)
    {
        var follower = new FileFollower([Live], StartAt.Beginning, 1, TimeProvider.System, notices.Add);
        follower.Restore(position);
        return follower;
    }

    List<string> Write(SemaphoreSlim ahead, bool compress)
    {
        var written = new List<string>();
        var random = new Random(7);
        for (int rotation = 0; rotation < Rotations; rotation++)
        {
            ahead.Wait(_soon.Token);
            using (var file = new FileStream(Live, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 0))
            {
                for (int piece = random.Next(3); piece >= 0; piece--)
                {
                    var text = new StringBuilder();
                    for (int line = random.Next(4); line >= 0; line--) Add(text, written, $"number {written.Count}{(piece + line == 0 ? " rotates" : "")}");
                    file.Write(Encoding.UTF8.GetBytes(text.ToString()));
                }
            }
            Rotate(compress, late: random.Next(2) == 0);
        }
        File.AppendAllText(Live, "the last\n");
        written.Add("the last");
        return written;
    }

    static void Add(StringBuilder text, List<string> written, string line)
    {
        text.Append(line).Append('\n');
        written.Add(line);
    }

    /// <summary>logrotate's order: with delaycompress the former .1 is compressed, the oldest goes, every other one moves by one, the live one becomes .1.</summary>
    void Rotate(bool compress, bool late)
    {
        if (compress && File.Exists($"{Live}.1")) Compress($"{Live}.1");
        string ending = compress ? ".gz" : "";
        File.Delete($"{Live}.{Kept}{ending}");
        for (int i = Kept - 1; i >= 1; i--)
        {
            if (File.Exists($"{Live}.{i}{ending}")) File.Move($"{Live}.{i}{ending}", $"{Live}.{i + 1}{ending}");
        }
        File.Move(Live, $"{Live}.1");
        if (!late) File.Create(Live).Dispose();
    }

    void Compress(string path)
    {
        FileStream from = File.OpenRead(path);
        // Kept open: a new file with the inode number of a deleted one, born within the same tick of the file system's clock, is the same file to
        // everybody who looks. It takes rotations a few milliseconds apart.
        _deleted.Add(from);
        using (FileStream to = File.Create(path + ".gz"))
        using (var gzip = new GZipStream(to, CompressionLevel.Fastest)) from.CopyTo(gzip);
        File.SetLastWriteTimeUtc(path + ".gz", File.GetLastWriteTimeUtc(path));
        File.Delete(path);
    }
}
