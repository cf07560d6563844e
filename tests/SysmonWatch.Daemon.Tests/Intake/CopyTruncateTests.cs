using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Sources;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Detection.Records;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Intake;

/// <summary>
/// The real logrotate with copytruncate on a file that never stops growing. What is written after its last read and before its truncate is in no file any
/// more: logrotate loses it, whoever follows. Whatever is in a file comes once and in order.
/// </summary>
public sealed partial class CopyTruncateTests(ITestOutputHelper output) : IDisposable
{
    const int Rotations = 36;
    const int O_WRONLY = 1, O_CREAT = 0x40, O_APPEND = 0x400;
    const string Rotator = "/usr/sbin/logrotate";

    /// <summary>How many lines are written for each rotation, which begins when a tenth of them is: it copies and truncates in the middle of the stream.</summary>
    const int LinesARotation = 5_000;

    readonly string _directory = Directory.CreateTempSubdirectory("copytruncate-").FullName;
    readonly CancellationTokenSource _soon = new(TimeSpan.FromMinutes(2));

    // Ticks only when it is told to: whatever is found was rung for.
    readonly SharedTimer _timer = new(TimeSpan.FromDays(1), NullLogger.Instance);

    string Log => Path.Combine(_directory, "app.log");

    public void Dispose()
    {
        _timer.Dispose();
        _soon.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("", true)]
    [InlineData("compress delaycompress", false)]
    [InlineData("compress", false)]
    [InlineData("compress", true)]
    public async Task Every_line_that_logrotate_leaves_in_any_file_comes_once_and_in_order(string options, bool restarts)
    {
        NeedLogrotate();
        string config = Path.Combine(_directory, "logrotate.conf");
        File.WriteAllText(config, $"{Log} {{\n rotate 1000\n missingok\n copytruncate\n {options.Replace(' ', '\n')}\n}}\n");
        File.SetUnixFileMode(config, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var log = new CollectedLogs();
        var seen = new List<string>();
        var batch = new RecordBatch();
        FileSource source = Follow(log, []);
        await source.ReadAsync(batch, _soon.Token);

        Task writing = Task.Run(() => WriteAndRotateAsync(config), _soon.Token);
        try
        {
            for (int reads = 1; seen.Count == 0 || seen[^1] != "the last"; reads++)
            {
                if (writing.IsFaulted) await writing;
                await source.ReadAsync(batch, _soon.Token);
                foreach (LogRecord record in batch.Records) seen.Add(Encoding.UTF8.GetString(batch.Buffer, record.Text.Start, record.Text.Length));
                if (!restarts || reads % 20 > 0) continue;
                byte[] position = source.Position();
                await source.DisposeAsync();
                source = Follow(log, position);
            }
        }
        catch (OperationCanceledException) when (_soon.IsCancellationRequested)
        {
            Assert.Fail($"{seen.Count} lines after two minutes, the last of them {seen.LastOrDefault()}\n{string.Join('\n', log.Messages)}");
        }
        finally
        {
            await source.DisposeAsync();
        }
        await writing;

        int[] got = [.. Numbers(seen)], left = [.. Files().SelectMany(file => Numbers(WholeLines(file)))];
        int[] lostByLogrotate = [.. Enumerable.Range(1, Rotations * LinesARotation).Except(left)];
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Rotations} rotations, {Rotations * LinesARotation} lines written, {left.Length} left by logrotate, {lostByLogrotate.Length} lost by it; read {got.Length}, {lostByLogrotate.Intersect(got).Count()} of them before logrotate lost them"));
        Assert.Equal(Rotations, Files().Length - 1);
        Assert.Equal([], left.Except(got).Select(n => $"{n} was in a file and did not come"));
        Assert.Equal([], got.GroupBy(n => n).Where(g => g.Count() > 1).Select(g => $"{g.Key} came {g.Count()} times"));
        Assert.Equal([], got.Zip(got.Skip(1)).Where(p => p.Second <= p.First).Select(p => $"{p.Second} came after {p.First}"));
    }

    FileSource Follow(CollectedLogs log, byte[] position)
    {
        var source = new FileSource([Log], StartAt.Beginning, 4096, TimeProvider.System, log, new IntakeCounters(), _timer);
        source.Restore(position);
        return source;
    }

    async Task WriteAndRotateAsync(string config)
    {
        using SemaphoreSlim allowed = new(0), begun = new(0);
        Task writing = Task.Factory.StartNew(() => Write(allowed, begun), _soon.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        for (int i = 0; i < Rotations; i++)
        {
            allowed.Release(LinesARotation);
            await begun.WaitAsync(_soon.Token);
            using Process logrotate = Process.Start(Rotator, ["--force", "--state", Path.Combine(_directory, "logrotate.state"), config]);
            await logrotate.WaitForExitAsync(_soon.Token);
            Assert.Equal(0, logrotate.ExitCode);
        }
        await writing;
        await File.AppendAllTextAsync(Log, "the last\n", _soon.Token);
    }

    /// <summary>Appends line after line, each with one write(2), as syslog daemons do.</summary>
    void Write(SemaphoreSlim allowed, SemaphoreSlim begun)
    {
        int file = open(Log, O_WRONLY | O_CREAT | O_APPEND, Convert.ToInt32("600", 8));
        Assert.True(file >= 0);
        for (int number = 1; number <= Rotations * LinesARotation; number++)
        {
            allowed.Wait(_soon.Token);
            Append(file, $"number {number} {new string((char)('a' + (number % 26)), number % 300)} end {number}\n");
            if (number % LinesARotation == LinesARotation / 10) begun.Release();
        }
        Assert.Equal(0, close(file));
    }

    static void Append(int file, string line)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(line);
        Assert.Equal(bytes.Length, write(file, bytes, bytes.Length));
    }

    /// <summary>All that logrotate left, oldest first.</summary>
    string[] Files() => [.. Directory.GetFiles(_directory, "app.log*").OrderByDescending(path => int.TryParse(Path.GetFileName(path).Split('.').ElementAtOrDefault(2), out int number) ? number : 0)];

    /// <summary>A copy may end within a line: its end was truncated away.</summary>
    static string[] WholeLines(string path)
    {
        using Stream file = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(File.OpenRead(path), CompressionMode.Decompress) : File.OpenRead(path);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd().Split('\n')[..^1];
    }

    /// <summary>Of what is a whole line; a piece of one may come where nobody will complete it.</summary>
    static IEnumerable<int> Numbers(IEnumerable<string> lines) =>
        lines.Select(line => Line.Match(line)).Where(match => match.Success).Select(match => int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture));

    static void NeedLogrotate()
    {
        if (File.Exists(Rotator)) return;
        if (Places.MustNotSkip) throw new InvalidOperationException($"{Rotator} is required (SYSMONWATCH_REQUIRE_ALL=1).");
        Assert.Skip($"needs {Rotator}: apt-get install logrotate");
    }

    [GeneratedRegex(@"^number (\d+) [a-z]* end \1$", RegexOptions.CultureInvariant)]
    static partial Regex Line { get; }

    [DllImport("libc")]
    static extern int open(string path, int flags, int mode);

    [DllImport("libc")]
    static extern nint write(int file, byte[] bytes, nint length);

    [DllImport("libc")]
    static extern int close(int file);
}
