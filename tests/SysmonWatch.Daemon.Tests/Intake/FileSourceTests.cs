using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Microsoft.Win32.SafeHandles;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Files;
using SysmonWatch.Daemon.Intake.Sources;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Daemon.Tests.Pipeline;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Tests.Intake;

public sealed class FileSourceTests : IDisposable
{
    readonly ToyLog _log = new(new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(1_790_000_000)));
    readonly CancellationTokenSource _soon = new(TimeSpan.FromMinutes(2));
    // Ticks only when it is told to: every other wake-up is inotify's.
    readonly SharedTimer _timer = new(TimeSpan.FromDays(1), NullLogger.Instance);

    public void Dispose()
    {
        _timer.Dispose();
        _log.Dispose();
        _soon.Dispose();
    }

    [Fact]
    public async Task Wakes_up_when_lines_are_written_and_when_files_are_rotated()
    {
        await using FileSource source = Open(new InotifyDoorbell());
        var seen = new List<string>();
        for (int round = 0; round < 5; round++)
        {
            Task reading = ReadAsync(source, seen, 10 * (round + 1));
            _log.Write(10);
            await reading;
            _log.Rename(create: round % 2 == 0);
            _log.Reopen();
        }

        Assert.Equal(_log.Written, seen);
    }

    [Fact]
    public async Task Loses_nothing_when_the_kernels_queue_of_events_overflows()
    {
        InotifyDoorbell doorbell = SmallQueue.Make(events: 2);
        await using FileSource source = Open(doorbell);
        var seen = new List<string>();
        _log.Write(1);
        await ReadAsync(source, seen, 1);
        for (int round = 0; round < 20; round++)
        {
            Task reading = ReadAsync(source, seen, _log.Written.Count + 13);
            // Names that come and go fill the queue before the rotation's own events would be in it.
            _log.Write(3);
            for (int i = 0; i < 50; i++) File.WriteAllText(Path.Combine(_log.Root, $"other {i}"), "");
            _log.Rename(create: false);
            for (int i = 0; i < 50; i++) File.Delete(Path.Combine(_log.Root, $"other {i}"));
            _log.Reopen();
            _log.Write(10);
            await reading;
        }

        Assert.Equal(_log.Written, seen);
        Assert.NotEqual(0, doorbell.Overflows);
    }

    [Fact]
    public async Task Loses_nothing_over_a_hundred_rotations_under_load()
    {
        string directory = Directory.CreateTempSubdirectory("rotations-").FullName;
        try
        {
            await using RealSyslog syslog = RealSyslog.Run(directory);
            var log = new CollectedLogs();
            await using var source = new FileSource([syslog.Log], StartAt.Beginning, 4096, TimeProvider.System, log, new IntakeCounters(), _timer);
            var seen = new List<string>();
            using var enough = new CancellationTokenSource();
            // So much is written in one rotation's time that the next one has something to rotate, and no more than gzip keeps up with.
            using var load = new SemaphoreSlim(200);
            int sent = 0;
            syslog.Send($"number {++sent}");
            await ReadAsync(source, seen, 1);
            var batch = new RecordBatch();
            Task sending = Task.Run(
                () =>
                {
                    while (!enough.IsCancellationRequested)
                    {
                        load.Wait(_soon.Token);
                        syslog.Send($"number {++sent} {new string('x', 900)}");
                    }
                    syslog.Send("the last");
                },
                _soon.Token);
            Task rotating = Task.Run(
                async () =>
                {
                    for (int i = 0; i < 100; i++)
                    {
                        await syslog.RotateAsync();
                        load.Release(200);
                    }
                    await enough.CancelAsync();
                    load.Release();
                },
                _soon.Token);
            while (seen.Count == 0 || !seen[^1].EndsWith("the last", StringComparison.Ordinal))
            {
                await source.ReadAsync(batch, _soon.Token);
                foreach (LogRecord record in batch.Records) seen.Add(Encoding.UTF8.GetString(batch.Buffer, record.Text.Start, record.Text.Length));
            }
            await rotating;
            await sending;

            int[] numbers = [.. seen[..^1].Select(line => int.Parse(line.Split("number ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture))];
            Assert.True(numbers.SequenceEqual(Enumerable.Range(1, sent)), $"{sent} sent, {numbers.Length} seen, at {numbers.Zip(Enumerable.Range(1, sent)).TakeWhile(p => p.First == p.Second).Count()}\n{string.Join('\n', log.Messages)}");
            Assert.Equal(100, syslog.Rotations);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task Wakes_up_when_a_directory_is_made_that_was_not_there()
    {
        string path = Path.Combine(_log.Root, "a", "b", "app.log");
        await using var source = new FileSource([path], StartAt.End, 4096, TimeProvider.System, NullLogger.Instance, new IntakeCounters(), _timer);
        var seen = new List<string>();
        Task reading = ReadAsync(source, seen, 1);

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "there\n");
        await reading;

        Assert.Equal(["there"], seen);
    }

    [Fact]
    public async Task Loses_nothing_with_a_doorbell_that_never_rings()
    {
        await using FileSource source = Open(new SilentDoorbell());
        var seen = new List<string>();
        for (int round = 0; round < 5; round++)
        {
            _log.Write(10);
            await ReadAsync(source, seen, _log.Written.Count);
            _log.Write(3);
            _log.Rename(create: true);
            _log.Reopen();
            _log.Write(4);
            _log.Rename(create: true);
            _log.Reopen();
        }
        await ReadAsync(source, seen, _log.Written.Count);

        Assert.Equal(_log.Written, seen);
    }

    [Fact]
    public async Task The_slow_poll_finds_what_no_doorbell_told_and_wakes_nobody_where_nothing_happened()
    {
        var doorbell = new DeafDoorbell();
        await using FileSource source = Open(doorbell);
        var seen = new List<string>();
        _log.Write(1);
        await ReadAsync(source, seen, 1);
        Task reading = ReadAsync(source, seen, 4);
        // The first looks have nothing to compare with; then it is quiet, and one more changes nothing.
        _timer.TickNow();
        _timer.TickNow();
        int rings = doorbell.Rings;
        for (int i = 0; i < 5; i++) _timer.TickNow();
        Assert.Equal(rings, doorbell.Rings);

        _log.Write(1);
        _timer.TickNow();
        Assert.Equal(rings + 1, doorbell.Rings);
        // Its writer has not been told yet: what it writes is found although no look at the path shows it.
        _log.Rename(create: false);
        await TickUntilAsync(() => source.Status.Contains("missing", StringComparison.Ordinal) || doorbell.Rings > rings + 2);
        _log.Write(1);
        await TickUntilAsync(() => seen.Count == 3);
        _log.Reopen();
        _log.Write(1);
        await TickUntilAsync(() => reading.IsCompleted);
        await reading;

        Assert.Equal(_log.Written, seen);
    }

    [Fact]
    public async Task Says_once_that_notifications_do_not_work_and_reads_all_the_same()
    {
        var log = new CollectedLogs();
        await using var source = new FileSource([_log.Live], StartAt.Beginning, 4096, TimeProvider.System, log, new IntakeCounters(), _timer, new SilentDoorbell("all inotify watches are in use"));
        var seen = new List<string>();
        for (int round = 0; round < 3; round++)
        {
            _log.Write(2);
            await ReadAsync(source, seen, _log.Written.Count);
        }

        Assert.Equal(_log.Written, seen);
        Assert.Equal(["1010 Warning: Notifications about files do not work: all inotify watches are in use (00:00:15)."], log.Messages.Where(m => m.StartsWith("1010", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Ends_its_waiting_when_it_is_stopped()
    {
        await using FileSource source = Open(new InotifyDoorbell());
        var batch = new RecordBatch();
        await source.ReadAsync(batch, _soon.Token);
        using var stop = new CancellationTokenSource();
        Task<bool> reading = source.ReadAsync(batch, stop.Token).AsTask();

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Fact]
    public async Task Counts_what_it_gives_out()
    {
        var counters = new IntakeCounters();
        await using var source = new FileSource([_log.Live], StartAt.Beginning, 4096, TimeProvider.System, NullLogger.Instance, counters, _timer, new SilentDoorbell());
        _log.Write(7);

        await ReadAsync(source, [], 7);

        Assert.Equal(7, counters.Records);
        Assert.Equal(new FileInfo(_log.Live).Length, counters.Bytes);
        Assert.Equal(_log.Live, source.Status);
        Assert.Equal(0, source.Behind);
    }

    [Fact]
    public async Task Takes_lines_as_long_as_the_batch_allows_and_counts_longer_ones()
    {
        var counters = new IntakeCounters();
        await using var source = new FileSource([_log.Live], StartAt.Beginning, 4096, TimeProvider.System, NullLogger.Instance, counters, _timer, new SilentDoorbell());
        string megabyte = new('x', 1 << 20);
        await File.WriteAllTextAsync(_log.Live, $"{megabyte}\n{megabyte}{megabyte}\nlast\n", _soon.Token);

        var batch = new RecordBatch(1 << 20);
        List<int> lengths = [];
        while (lengths.Count < 2)
        {
            Assert.True(await source.ReadAsync(batch, _soon.Token));
            lengths.AddRange(batch.Records.Select(record => record.Text.Length));
        }

        Assert.Equal([1 << 20, 4], lengths);
        Assert.Equal(1, counters.TooLong);
    }

    FileSource Open(IDoorbell doorbell) =>
        new([_log.Live], StartAt.Beginning, 4096, TimeProvider.System, NullLogger.Instance, new IntakeCounters(), _timer, doorbell);

    /// <summary>Looks by the clock until something is so, whatever the source waited for.</summary>
    async Task TickUntilAsync(Func<bool> isSo)
    {
        while (!isSo())
        {
            _soon.Token.ThrowIfCancellationRequested();
            _timer.TickNow();
            await Task.Yield();
        }
    }

    async Task ReadAsync(FileSource source, List<string> seen, int until)
    {
        var batch = new RecordBatch();
        while (seen.Count < until)
        {
            Assert.True(await source.ReadAsync(batch, _soon.Token));
            foreach (LogRecord record in batch.Records) seen.Add(Encoding.UTF8.GetString(batch.Buffer, record.Text.Start, record.Text.Length));
        }
    }

    /// <summary>An inotify whose watches have died: only the slow poll rings.</summary>
    sealed class DeafDoorbell : IDoorbell
    {
        readonly WaitingThread _thread = new("deaf", -1, _ => true);
        int _rings;

        public int Rings => Volatile.Read(ref _rings);

        public string? Trouble => null;

        public void Watch(IEnumerable<string> directories, IEnumerable<(SafeFileHandle File, WatchedFile Of)> files)
        {
        }

        public void Ring()
        {
            Interlocked.Increment(ref _rings);
            _thread.Ring();
        }

        public ValueTask<bool> WaitAsync(HashSet<WatchedFile> grown, TimeSpan longest, CancellationToken stop) => _thread.WaitAsync(longest, stop);

        public ValueTask DisposeAsync() => _thread.DisposeAsync();
    }

    /// <summary>A doorbell that rings all the time: every wait is over at once.</summary>
    sealed class SilentDoorbell(string? trouble = null) : IDoorbell
    {
        public string? Trouble => trouble;

        public void Watch(IEnumerable<string> directories, IEnumerable<(SafeFileHandle File, WatchedFile Of)> files)
        {
        }

        public void Ring()
        {
        }

        public async ValueTask<bool> WaitAsync(HashSet<WatchedFile> grown, TimeSpan longest, CancellationToken stop)
        {
            stop.ThrowIfCancellationRequested();
            await Task.Yield();
            return true;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
