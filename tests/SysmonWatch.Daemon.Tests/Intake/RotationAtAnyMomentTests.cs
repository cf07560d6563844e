using System.IO.Compression;
using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Files;

namespace SysmonWatch.Daemon.Tests.Intake;

/// <summary>
/// logrotate's steps between any two calls that go by a file's name: what <see cref="QuickRotationTests"/> meets by chance, by seeds that say it again.
/// </summary>
public sealed class RotationAtAnyMomentTests : IDisposable
{
    /// <summary>How many rotations one sequence has: none is deleted before it is read.</summary>
    const int Rotations = 12;

    readonly string _root = Directory.CreateTempSubdirectory("any-moment-").FullName;

    static int Seeds => int.TryParse(Environment.GetEnvironmentVariable("SYSMONWATCH_ROTATION_SEEDS"), out int asked) ? asked : 60;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <param name="compress">True for delaycompress.</param>
    /// <param name="create">True for a new file that is there at once; false for one that its writer makes later.</param>
    /// <param name="restart">True where the follower starts from its saved position now and then.</param>
    [Theory]
    [InlineData(false, false, false)]
    [InlineData(false, false, true)]
    [InlineData(false, true, false)]
    [InlineData(false, true, true)]
    [InlineData(true, false, false)]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    [InlineData(true, true, true)]
    public void Every_line_comes_once_and_in_order(bool compress, bool create, bool restart)
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            using var log = new Log(Path.Combine(_root, $"{seed}"), compress, create);
            Play(log, restart, seed);
        }
    }

    static void Play(Log log, bool restart, int seed)
    {
        var random = new Random(seed);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using IEnumerator<int> steps = log.Rotate().GetEnumerator();
        bool more = true;
        // From one step at a time to several rotations at once.
        int often = random.Next(1, 30), most = 1 << random.Next(0, 8);
        var files = new CallingFileSystem();
        using var follow = new Follow(time, StartAt.Beginning, files, 1, log.Live);
        follow.Drain();
        files.Called = () =>
        {
            if (random.Next(often) > 0) return;
            for (int i = random.Next(most); i >= 0 && more; i--) more = steps.MoveNext();
        };
        for (int step = 1; more; step++)
        {
            time.SetUtcNow(TimeProvider.System.GetUtcNow());
            follow.Step(thorough: true);
            if (!restart || random.Next(4) > 0) continue;
            follow.Stop();
            follow.Start();
        }
        follow.Settle();

        Assert.True(log.Written.SequenceEqual(follow.Seen), $"""
            seed {seed}: every {often} calls up to {most} steps
            missing: {string.Join(' ', log.Written.Except(follow.Seen))}
            order: {string.Join(' ', follow.Seen)}
            {string.Join('\n', follow.Notices)}
            """);
    }

    /// <summary>A log and its rotated files.</summary>
    sealed class Log(string directory, bool compress, bool create) : IDisposable
    {
        // Kept open: a new file with the inode number of a deleted one, born within the same tick of the file system's clock, is the same file to
        // everybody who looks. It takes rotations a few milliseconds apart.
        readonly List<FileStream> _deleted = [];

        public string Live { get; } = Path.Combine(Directory.CreateDirectory(directory).FullName, "syslog");

        public List<string> Written { get; } = [];

        /// <summary>Writes and rotates, one call of logrotate's or of the writer's after the other.</summary>
        public IEnumerable<int> Rotate()
        {
            for (int rotation = 1; rotation <= Rotations; rotation++)
            {
                for (int line = 0; line < 2; line++)
                {
                    Written.Add($"{rotation}.{line}");
                    File.AppendAllText(Live, $"{rotation}.{line}\n");
                    yield return 0;
                }
                string ending = compress ? ".gz" : "";
                if (compress && File.Exists($"{Live}.1"))
                {
                    FileStream from = File.OpenRead($"{Live}.1");
                    _deleted.Add(from);
                    using (FileStream to = File.Create($"{Live}.1.gz"))
                    {
                        yield return 0;
                        using (var gzip = new GZipStream(to, CompressionLevel.Fastest)) from.CopyTo(gzip);
                        yield return 0;
                    }
                    File.SetLastWriteTimeUtc($"{Live}.1.gz", File.GetLastWriteTimeUtc($"{Live}.1"));
                    yield return 0;
                    File.Delete($"{Live}.1");
                    yield return 0;
                }
                for (int i = rotation; i >= 1; i--)
                {
                    if (!File.Exists($"{Live}.{i}{ending}")) continue;
                    File.Move($"{Live}.{i}{ending}", $"{Live}.{i + 1}{ending}");
                    yield return 0;
                }
                File.Move(Live, $"{Live}.1");
                yield return 0;
                if (!create) continue;
                File.Create(Live).Dispose();
                yield return 0;
            }
            Written.Add("the last");
            File.AppendAllText(Live, "the last\n");
        }

        public void Dispose()
        {
            foreach (FileStream file in _deleted) file.Dispose();
        }
    }

    sealed class CallingFileSystem : LogFileSystem
    {
        public Action? Called { get; set; }

        public override int Look(string path, out FileFacts facts)
        {
            Called?.Invoke();
            return base.Look(path, out facts);
        }

        public override int Open(string path, out LogContent? content, out FileFacts facts)
        {
            Called?.Invoke();
            return base.Open(path, out content, out facts);
        }

        public override string[] List(string directory)
        {
            Called?.Invoke();
            return base.List(directory);
        }
    }
}
