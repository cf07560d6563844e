using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Intake.Files;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Sources;

/// <summary>Follows syslog files. The waiting around <see cref="FileFollower"/>.</summary>
sealed partial class FileSource : SingleSource
{
    /// <summary>Its <see cref="Name"/>: the key of its position in the state.</summary>
    public const string Kind = "files";

    /// <summary>How often files are looked at although nothing rang, for file systems without events (network) and for events that were lost: 15 s.</summary>
    public static readonly TimeSpan PollInterval = SharedTimer.Longest;

    readonly Func<FileFollower> _makeFollower;
    FileFollower _follower;
    readonly IDoorbell _doorbell;
    readonly PollingFallback _pollingFallback = new();
    readonly IDisposable _polling;
    readonly ILogger _log;
    readonly HashSet<WatchedFile> _grown = [];
    int _watched = -1;
    bool _thorough = true;
    string? _trouble;

    /// <param name="paths">Absolute paths, with *, ? and […] in any part.</param>
    /// <param name="startAt">Where to start in files that are there already and have no saved position.</param>
    /// <param name="mostFiles">The most files followed at a time.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where operators are told.</param>
    /// <param name="counters">What is counted.</param>
    /// <param name="timer">Times the slow poll.</param>
    /// <param name="doorbell">What rings; null for inotify.</param>
    public FileSource(
        IReadOnlyList<string> paths, StartAt startAt, int mostFiles, TimeProvider time, ILogger log, IntakeCounters counters, SharedTimer timer, IDoorbell? doorbell = null)
    {
        _log = log;
        Counters = counters;
        _doorbell = doorbell ?? new InotifyDoorbell();
        _makeFollower = () => new FileFollower(paths, startAt, mostFiles, time, Report);
        _follower = _makeFollower();
        _polling = timer.Every(PollInterval, () =>
        {
            if (_pollingFallback.HasChanged()) _doorbell.Ring();
        });
    }

    /// <inheritdoc/>
    public override string Name => Kind;

    /// <summary>What is counted.</summary>
    public IntakeCounters Counters { get; }

    /// <inheritdoc/>
    public override string Status => string.Join(", ", _follower.Watched.Select(p => p.IsFollowed ? p.Path : $"{p.Path} ({p.Trouble})"));

    /// <inheritdoc/>
    public override long Behind => _follower.Behind;

    /// <inheritdoc/>
    public override void Restore(ReadOnlySpan<byte> position) => _follower.Restore(position);

    /// <summary>Goes back to an earlier position, between two reads.</summary>
    public void GoBack(ReadOnlySpan<byte> position)
    {
        _follower.Dispose();
        _follower = _makeFollower();
        _follower.Restore(position);
        _thorough = true;
        _watched = -1;
    }

    /// <inheritdoc/>
    public override byte[] Position() => _follower.Position();

    /// <inheritdoc/>
    public override async ValueTask<bool> ReadAsync(RecordBatch into, CancellationToken stop)
    {
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            into.Clear();
            bool moved = _follower.Step(into, _thorough);
            // At every thorough look again: a directory may be another one than the one that is watched.
            if (_thorough || _watched != _follower.WatchVersion) Watch();
            _thorough = false;
            if (moved)
            {
                Counters.Take(into);
                return true;
            }
            bool settling = _follower.HasUnsettledLines;
            _pollingFallback.IsRestless = _follower.IsRestless;
            _grown.Clear();
            _thorough = await _doorbell.WaitAsync(_grown, settling ? LogFile.Settle : Timeout.InfiniteTimeSpan, stop);
            foreach (WatchedFile file in _grown) _follower.MarkDue(file);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        // First: it rings.
        _polling.Dispose();
        await _doorbell.DisposeAsync();
        _follower.Dispose();
    }

    void Watch()
    {
        string[] directories = [.. _follower.Directories];
        _doorbell.Watch(directories, _follower.Watched.SelectMany(watched => watched.Growing.Select(file => (file, watched))));
        _pollingFallback.Use(directories.Concat(_follower.Watched.Select(watched => watched.Path)));
        // What grew before it was watched rings for nobody.
        if (_watched != _follower.WatchVersion) _follower.MarkAllDue();
        _watched = _follower.WatchVersion;
        if (_doorbell.Trouble is { } trouble && trouble != _trouble) LogNoDoorbell(trouble, PollInterval);
        _trouble = _doorbell.Trouble;
    }

    void Report(IntakeNotice notice)
    {
        Counters.Count(notice);
        switch (notice)
        {
            case IntakeNotice.Missing missing:
                LogMissing(missing.Input);
                break;
            case IntakeNotice.Unreadable unreadable:
                LogUnreadable(unreadable.Input, unreadable.Reason, unreadable.Fix);
                break;
            case IntakeNotice.Following following:
                LogFollowing(following.Input, following.FromByte);
                break;
            case IntakeNotice.Rotated { Between: > 0 } rotated:
                LogRotated(rotated.Input, rotated.Between);
                break;
            case IntakeNotice.Truncated { CopyFound: false } truncated:
                LogTruncated(truncated.Input, truncated.ReadTo);
                break;
            case IntakeNotice.Lost lost:
                LogLost(lost.Input, lost.ReadTo, lost.Reason);
                break;
            case IntakeNotice.SameFile same:
                LogSameFile(same.Input, same.Other);
                break;
            case IntakeNotice.TooMany many:
                LogTooMany(many.Input, many.Most);
                break;
            case IntakeNotice.PositionUnusable unusable:
                LogPosition(unusable.Reason);
                break;
            default:
                break;
        }
    }

    [LoggerMessage(1001, LogLevel.Warning, "{Path} is not there. SysmonWatch waits for it, and reads it from its beginning when it appears.")]
    partial void LogMissing(string path);

    [LoggerMessage(1002, LogLevel.Error, "{Path} cannot be read: {Reason}. To fix it, {Fix}. SysmonWatch tries again until then.")]
    partial void LogUnreadable(string path, string reason, string fix);

    [LoggerMessage(1003, LogLevel.Information, "{Path} is followed from byte {From}.")]
    partial void LogFollowing(string path, long from);

    [LoggerMessage(1004, LogLevel.Information, "{Path} was rotated more than once since the last look at it; {Count} files in between are read first.")]
    partial void LogRotated(string path, int count);

    [LoggerMessage(1005, LogLevel.Warning, "{Path} was truncated after byte {ReadTo} had been read, and no copy of it was found beside it. What was written between the last look and the truncation is lost, if anything was.")]
    partial void LogTruncated(string path, long readTo);

    [LoggerMessage(1006, LogLevel.Error, "{Path}, read up to byte {ReadTo}: {Reason}.")]
    partial void LogLost(string path, long readTo, string reason);

    [LoggerMessage(1007, LogLevel.Information, "{Path} is the same file as {Other}, which is followed already.")]
    partial void LogSameFile(string path, string other);

    [LoggerMessage(1008, LogLevel.Error, "More than {Most} files match {Pattern}; the others are not followed. Raise limits.files, or name fewer files.")]
    partial void LogTooMany(string pattern, int most);

    [LoggerMessage(1009, LogLevel.Error, "The saved position in the files cannot be used: {Reason}. Reading starts as it does the first time.")]
    partial void LogPosition(string reason);

    [LoggerMessage(1010, LogLevel.Warning, "Notifications about files do not work: {Reason} ({Interval}).")]
    partial void LogNoDoorbell(string reason, TimeSpan interval);
}
