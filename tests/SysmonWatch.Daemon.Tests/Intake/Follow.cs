using System.Text;
using Microsoft.Extensions.Time.Testing;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Files;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Tests.Intake;

/// <summary>A follower with what it has given out so far; can be killed and started again from its saved position.</summary>
sealed class Follow : IDisposable
{
    readonly FakeTimeProvider _time;
    readonly string[] _paths;
    readonly StartAt _startAt;
    readonly RecordBatch _batch = new();
    FileFollower? _follower;
    byte[] _saved = [];
    int _savedCount;
    readonly LogFileSystem? _files;
    readonly int _mostFiles;

    public Follow(FakeTimeProvider time, StartAt startAt, params string[] paths)
        : this(time, startAt, null, 4096, paths)
    {
    }

    public Follow(FakeTimeProvider time, StartAt startAt, LogFileSystem? files, int mostFiles, params string[] paths)
    {
        _files = files;
        _mostFiles = mostFiles;
        _time = time;
        _startAt = startAt;
        _paths = paths;
        Start();
    }

    /// <summary>What was given out, and what would be given out again after a crash is not in it twice.</summary>
    public List<string> Seen { get; } = [];

    public List<IntakeNotice> Notices { get; } = [];

    public FileFollower Follower => _follower!;

    public void Start()
    {
        _follower = new FileFollower(_paths, _startAt, _mostFiles, _time, Notices.Add, _files);
        _follower.Restore(_saved);
    }

    /// <summary>Ends it as a service is stopped: with its position saved.</summary>
    public void Stop()
    {
        if (_follower is null) return;
        Save();
        Kill();
    }

    public void Save()
    {
        _saved = Follower.Position();
        _savedCount = Seen.Count;
    }

    /// <summary>Ends it without saving; what it gave out since the last save did not happen.</summary>
    public void Kill()
    {
        _follower?.Dispose();
        _follower = null;
        Seen.RemoveRange(_savedCount, Seen.Count - _savedCount);
    }

    /// <summary>True for what is given out and cannot be asked for again.</summary>
    public bool SafelySeen(string line) => Seen.IndexOf(line) is var at && at >= 0 && at < _savedCount;

    public bool IsRunning => _follower is not null;

    /// <summary>One step.</summary>
    public bool Step(bool thorough = false)
    {
        _batch.Clear();
        Follower.MarkAllDue();
        bool moved = Follower.Step(_batch, thorough);
        foreach (LogRecord record in _batch.Records) Seen.Add(Encoding.UTF8.GetString(_batch.Buffer, record.Text.Start, record.Text.Length));
        return moved;
    }

    /// <summary>Steps until nothing is left.</summary>
    public Follow Drain(bool thorough = true)
    {
        for (int i = 0; Step(thorough); i++) Assert.True(i < 10_000, "it does not come to an end");
        return this;
    }

    /// <summary>Lets so much time go by that everything that waits for time is done.</summary>
    public Follow Settle()
    {
        Drain();
        _time.Advance(WatchedFile.Linger + TimeSpan.FromSeconds(1));
        return Drain();
    }

    public void Dispose() => _follower?.Dispose();
}
