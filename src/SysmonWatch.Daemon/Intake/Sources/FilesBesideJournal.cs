using Microsoft.Extensions.Logging;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Sources;

/// <summary>
/// Files and the journal at once, each event once. While the journal is read without trouble, it is the one that counts for this host, and what the
/// files say about this host is covered by it; other hosts' events come from the files. When the journal fails, the files are read again from where
/// it was certain to have everything, and take its place until it works again.
/// </summary>
/// <remarks>
/// Both are read ahead, each into a batch of its own, so each one's position is kept as it was before that. A read ahead goes on when the waiting is
/// stopped, and what it brings is given out next.
/// </remarks>
sealed partial class FilesBesideJournal : RecordSource
{
    readonly FileSource _files;
    readonly JournalSource _journal;
    readonly ILogger _log;
    readonly TimeProvider _time;
    readonly int _longestRecord;
    readonly ReadAhead _fromJournal;
    ReadAhead _fromFiles;
    CoveredPosition _covered;
    Task? _either;
    bool _covering;
    bool _filesLast = true;

    /// <param name="files">The files.</param>
    /// <param name="journal">The journal. Both belong to this source.</param>
    /// <param name="longestRecord">The longest record taken, in bytes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where operators are told.</param>
    public FilesBesideJournal(FileSource files, JournalSource journal, int longestRecord, TimeProvider time, ILogger log)
    {
        (_files, _journal, _longestRecord, _time, _log) = (files, journal, longestRecord, time, log);
        (_fromFiles, _fromJournal) = (new ReadAhead(files, longestRecord), new ReadAhead(journal, longestRecord));
        _covered = new CoveredPosition([], time);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Names { get; } = [FileSource.Kind, JournalSource.Kind];

    /// <inheritdoc/>
    public override string Status => $"{_journal.Status} and {_files.Status}";

    /// <inheritdoc/>
    public override long Behind => _files.Behind;

    /// <inheritdoc/>
    public override void Restore(IReadOnlyDictionary<string, byte[]> positions)
    {
        _files.Restore(positions);
        _journal.Restore(positions);
        // Not what they say now: before its first read a source that starts at the end does not know yet where that is.
        _fromFiles.Given = positions.GetValueOrDefault(FileSource.Kind) ?? [];
        _fromJournal.Given = positions.GetValueOrDefault(JournalSource.Kind) ?? [];
        _covered = new CoveredPosition(_fromFiles.Given, _time);
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, byte[]> Positions() => new Dictionary<string, byte[]>
    {
        // What the journal may not have had yet is read again after a crash; where it has it by then, that costs nothing.
        [FileSource.Kind] = _covering ? _covered.Certain : _fromFiles.Given,
        [JournalSource.Kind] = _fromJournal.Given,
    };

    /// <inheritdoc/>
    public override async ValueTask<bool> ReadAsync(RecordBatch into, CancellationToken stop)
    {
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            // The journal first: at the first read it is known then what of the files it covers.
            _fromJournal.Begin();
            _fromFiles.Begin();
            _either ??= Task.WhenAny(_fromJournal.Reading, _fromFiles.Reading);
            await _either.WaitAsync(stop);
            _either = null;
            // In turns where both have something.
            bool files = _fromFiles.Reading.IsCompleted && !(_filesLast && _fromJournal.Reading.IsCompleted);
            _filesLast = files;
            into.Clear();
            if (files) await GiveFromFilesAsync(into);
            else await GiveFromJournalAsync(into);
            return true;
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _fromFiles.DisposeAsync();
        await _fromJournal.DisposeAsync();
        await _files.DisposeAsync();
        await _journal.DisposeAsync();
    }

    async ValueTask GiveFromFilesAsync(RecordBatch into)
    {
        await _fromFiles.GiveAsync(into);
        // Where the files start at a first start is as certain as what they had read.
        if (_covered.Certain.Length == 0 && into.Records.Count == 0) _covered.Reset(_fromFiles.Given);
        long since = _journal.CoversSince;
        if (_covering) into.CoveredSince = since;
        if (_covering && since != long.MaxValue) _covered.Read(_fromFiles.Given);
        _covered.Drained(_journal.DrainedAt);
    }

    async ValueTask GiveFromJournalAsync(RecordBatch into)
    {
        await _fromJournal.GiveAsync(into);
        bool covers = _journal.CoversSince != long.MaxValue;
        if (covers == _covering)
        {
            if (covers) _covered.Drained(_journal.DrainedAt);
            return;
        }
        _covering = covers;
        if (covers)
        {
            _covered.Reset(_fromFiles.Given);
            LogCovered();
            return;
        }
        LogUncovered();
        await _fromFiles.DisposeAsync();
        _files.GoBack(_covered.Certain);
        _fromFiles = new ReadAhead(_files, _longestRecord) { Given = _covered.Certain };
    }

    [LoggerMessage(1201, LogLevel.Information, "What the files say about this host is taken from the journal, which says who wrote it.")]
    partial void LogCovered();

    [LoggerMessage(1202, LogLevel.Warning, "The journal cannot be relied on at present; this host's events are taken from the files until it can.")]
    partial void LogUncovered();

    /// <summary>One of the two, and the batch that it reads into before anybody asks.</summary>
    sealed class ReadAhead(SingleSource source, int longestRecord) : IAsyncDisposable
    {
        readonly RecordBatch _batch = new(longestRecord);
        readonly CancellationTokenSource _ending = new();
        Task<bool>? _reading;

        /// <summary>The read that goes on.</summary>
        public Task<bool> Reading => _reading!;

        /// <summary>Its position after what was given out last.</summary>
        public byte[] Given { get; set; } = [];

        /// <summary>Reads, if it does not yet.</summary>
        public void Begin() => _reading ??= source.ReadAsync(_batch, _ending.Token).AsTask();

        /// <summary>Gives out what has been read.</summary>
        public async ValueTask GiveAsync(RecordBatch into)
        {
            await Reading;
            _reading = null;
            Given = source.Position();
            _batch.Buffer.AsSpan(0, _batch.Length).CopyTo(into.Room(_batch.Length));
            into.Length = _batch.Length;
            into.Records.AddRange(_batch.Records);
            into.SkippedTooLong = _batch.SkippedTooLong;
            into.SkippedWithoutMessage = _batch.SkippedWithoutMessage;
            into.SkippedMalformed = _batch.SkippedMalformed;
        }

        /// <summary>Ends the read that goes on; what it brought is forgotten.</summary>
        public async ValueTask DisposeAsync()
        {
            await _ending.CancelAsync();
            try
            {
                if (_reading is not null) await _reading;
            }
            catch (OperationCanceledException)
            {
                // As asked.
            }
            _ending.Dispose();
        }
    }
}
