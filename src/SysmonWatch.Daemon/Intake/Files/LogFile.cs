using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>What a read of a file came to.</summary>
enum ReadOutcome
{
    /// <summary>Something was taken.</summary>
    Progress,

    /// <summary>Nothing more is there now, or only the beginning of a line.</summary>
    AtEnd,

    /// <summary>What is there now is not the continuation of what was read.</summary>
    Truncated,

    /// <summary>It was empty and has been written to: nothing proves yet that it is the first content since. <see cref="LogFile.Accept"/>.</summary>
    Unproven,

    /// <summary>The file cannot be read (any more).</summary>
    Failed,
}

/// <summary>
/// One file that was, at some time, the log at the followed path: the present one, or one that was renamed, copied or compressed since.
/// </summary>
/// <remarks>Used by one thread.</remarks>
sealed class LogFile : IDisposable
{
    readonly byte[] _head = new byte[Fingerprint.HeadMost];
    readonly byte[] _tail = new byte[Fingerprint.TailMost];
    int _headLength;
    int _tailLength;
    Fingerprint _savedHead;
    Fingerprint _savedTail;
    readonly LineFramer _framer = new();
    long _checkedAt = long.MinValue;
    long _unsettled = -1;
    long _unsettledSince;

    /// <summary>How long nothing must have followed a line that may go on, before it counts as complete. A syslog daemon writes an event at once.</summary>
    public static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(300);

    /// <summary>A file that has just been found.</summary>
    public LogFile(LogContent content, in FileFacts facts)
    {
        Content = content;
        Facts = facts;
        ExtendHead();
    }

    /// <summary>A file that is known from a saved position and has to be found again.</summary>
    public LogFile(SavedLogFile saved)
    {
        Facts = new FileFacts(saved.Device, saved.Inode, saved.Offset, saved.ModifiedAt, saved.BornAt, true, 0, 0);
        Offset = saved.Offset;
        _framer.IsSkipping = saved.Skipping;
        WasDrained = saved.Drained;
        _savedHead = new Fingerprint(saved.HeadLength, saved.Head);
        _savedTail = new Fingerprint(saved.TailLength, saved.Tail);
        _headLength = saved.Beginning.Length;
        saved.Beginning.CopyTo(_head.AsSpan());
    }

    /// <summary>Its bytes; null while it has to be found again.</summary>
    public LogContent? Content { get; private set; }

    /// <summary>What was last seen of it.</summary>
    public FileFacts Facts { get; private set; }

    /// <summary>The first byte that is not dealt with: the beginning of a record, or within a line that is left out.</summary>
    public long Offset { get; private set; }

    /// <summary>True within a line that is longer than the longest.</summary>
    public bool Skipping => _framer.IsSkipping;

    /// <summary>True where it had been read to its end, and followed by another, when its position was saved.</summary>
    public bool WasDrained { get; set; }

    /// <summary>When it was last seen to grow, or another one to come in its place, by the monotonic clock.</summary>
    public long QuietSince { get; set; }

    /// <summary>The last errno.</summary>
    public int Error { get; private set; }

    /// <summary>The fingerprint of its beginning.</summary>
    public Fingerprint Head => Content is null ? _savedHead : Fingerprint.Of(_head.AsSpan(0, _headLength));

    /// <summary>True where it cannot grow: a copy that was compressed.</summary>
    public bool IsFinal => Content is { Growing: null };

    /// <summary>Bytes that are there and not dealt with; 0 where that is not known.</summary>
    public long Behind => Content is null || Facts.Size == long.MaxValue ? 0 : Math.Max(0, Facts.Size - Offset);

    /// <summary>True where all of it is read, as far as is known.</summary>
    public bool IsReadToEnd => Content is not null && Facts.Size != long.MaxValue && Behind == 0;

    /// <summary>
    /// True while whole lines are there that may be the beginning of an event of several lines, which <see cref="Settle"/> decides.
    /// </summary>
    public bool HasUnsettledLines => _unsettled >= 0;

    /// <summary>Reads the next piece and makes it into records.</summary>
    /// <param name="batch">Gets the records.</param>
    /// <param name="time">The clock, for the records' arrival.</param>
    /// <param name="ended">True to take an unfinished last line too.</param>
    public ReadOutcome Read(RecordBatch batch, TimeProvider time, bool ended = false)
    {
        ReadOutcome outcome = Read(batch, RecordBatch.Target, time, ended, out bool full);
        return outcome == ReadOutcome.AtEnd && full ? Read(batch, batch.LongestRecord + RecordBatch.Target, time, ended, out _) : outcome;
    }

    /// <summary>Looks whether it is still the same, without reading on.</summary>
    public ReadOutcome Check(RecordBatch batch, TimeProvider time) => Read(batch, 0, time, ended: false, out _);

    ReadOutcome Read(RecordBatch batch, int most, TimeProvider time, bool ended, out bool full)
    {
        full = false;
        int start = batch.Length;
        int records = batch.Records.Count;
        Error = Content!.Read(batch.Room(most)[..most], Offset, out int read);
        if (Error != 0) return ReadOutcome.Failed;
        // Looked at after the read: what was read is the continuation only if the file is still the same one then.
        Error = Content.Look(out FileFacts now);
        if (Error != 0) return ReadOutcome.Failed;
        if (now.Size < Offset + read) return ReadOutcome.Truncated;
        // An empty file has nothing to be known by: it may have been filled, copied and emptied again meanwhile.
        if (_headLength == 0 && (read > 0 || now.ModifiedAt != Facts.ModifiedAt)) return ReadOutcome.Unproven;
        if (!IsFinal && (read > 0 || now.ModifiedAt != _checkedAt))
        {
            if (!StillTheSame()) return ReadOutcome.Truncated;
            _checkedAt = now.ModifiedAt;
            ExtendHead();
        }
        Facts = now;
        full = read == most;
        if (read == 0) return ReadOutcome.AtEnd;

        int end = start + read;
        long arrival = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / 10;
        long tooLong = _framer.TooLong;
        int position = _framer.Split(batch.Buffer, start, end, ended, batch.Records, batch.LongestRecord, arrival);
        if (!ended && !full) position = SettleLines(batch, position, end, arrival, time);
        batch.Length = batch.Records.Count > records ? position : start;
        batch.SkippedTooLong += _framer.TooLong - tooLong;
        if (position == start) return ReadOutcome.AtEnd;
        KeepTail(batch.Buffer.AsSpan(start, position - start));
        Offset += position - start;
        QuietSince = time.GetTimestamp();
        return ReadOutcome.Progress;
    }

    /// <summary>Whole lines that were left because they may go on are complete once nothing has followed for a while.</summary>
    int SettleLines(RecordBatch batch, int position, int end, long arrival, TimeProvider time)
    {
        int newline = batch.Buffer.AsSpan(position, end - position).LastIndexOf((byte)'\n');
        if (newline < 0)
        {
            _unsettled = -1;
            return position;
        }
        if (_unsettled != Facts.Size)
        {
            _unsettled = Facts.Size;
            _unsettledSince = time.GetTimestamp();
            return position;
        }
        if (time.GetElapsedTime(_unsettledSince) < Settle) return position;
        _unsettled = -1;
        return _framer.Split(batch.Buffer, position, position + newline + 1, atEnd: true, batch.Records, batch.LongestRecord, arrival);
    }

    /// <summary>Starts after the last whole line that is there now: the rest of an unfinished one comes with its end.</summary>
    /// <param name="limit">Not after this byte.</param>
    public void StartAtEnd(long limit = long.MaxValue)
    {
        if (Content!.Look(out FileFacts now) != 0) return;
        long end = Math.Min(now.Size, limit);
        var piece = new byte[4096];
        long at = end;
        long newest = -1;
        while (at > 0 && newest < 0 && end - at < 1 << 20)
        {
            int want = (int)Math.Min(piece.Length, at);
            if (Content.Read(piece.AsSpan(0, want), at - want, out int read) != 0 || read != want) return;
            int found = piece.AsSpan(0, want).LastIndexOf((byte)'\n');
            if (found >= 0) newest = at - want + found + 1;
            at -= want;
        }
        MoveTo(newest >= 0 ? newest : at == 0 ? 0 : end);
    }

    /// <summary>True where some other file has the same beginning. An empty beginning says nothing.</summary>
    public bool BeginsLike(LogContent other)
    {
        Fingerprint head = Head;
        Span<byte> bytes = stackalloc byte[Fingerprint.HeadMost];
        if (head.Length == 0 && Content is not null && Content.Read(bytes, 0, out int now) == 0)
        {
            // Written to since it was empty, and not accepted yet.
            head = Fingerprint.Of(bytes[..now]);
        }
        if (head.Length == 0) return false;
        return other.Read(bytes[..head.Length], 0, out int read) == 0 && read == head.Length && Fingerprint.Of(bytes[..read]) == head;
    }

    /// <summary>
    /// True where some other file is a copy of this one that was made, or is being made, before it had grown to what it is now: shorter than the beginning
    /// that is known, and the same as far as it goes. Less than a line says nothing.
    /// </summary>
    /// <param name="other">The file.</param>
    /// <param name="facts">What is known of it: what was born before this one is no copy of it.</param>
    public bool MayBeCopiedBy(LogContent other, in FileFacts facts)
    {
        if (_headLength == 0 || (facts.BornAt != 0 && facts.BornAt < Facts.BornAt)) return false;
        Span<byte> bytes = stackalloc byte[Fingerprint.HeadMost];
        if (other.Read(bytes[.._headLength], 0, out int read) != 0 || read == _headLength) return false;
        return bytes[..read].Contains((byte)'\n') && bytes[..read].SequenceEqual(_head.AsSpan(0, read));
    }

    /// <summary>
    /// Takes an open file as this one if it is that: the same beginning, and the same bytes before the position.
    /// </summary>
    /// <param name="content">The file; belongs to this one afterwards if it is taken.</param>
    /// <param name="facts">What is known of it.</param>
    /// <returns>False where it is another file.</returns>
    public bool TryAttach(LogContent content, in FileFacts facts)
    {
        bool sameNumber = facts.SameFileAs(Facts);
        if (_savedHead.Length == 0 && !sameNumber) return false;
        if (_savedHead.Length > 0 && !BeginsLike(content) && !MayBeCopiedBy(content, facts)) return false;
        if (Offset > 0)
        {
            Span<byte> tail = _tail.AsSpan(0, _savedTail.Length);
            if (content.Read(tail, Offset - tail.Length, out int read) != 0 || read != tail.Length || Fingerprint.Of(tail) != _savedTail) return false;
            _tailLength = tail.Length;
        }
        Content = content;
        _headLength = 0;
        // What was empty has yet to be accepted, with the time it was last seen at.
        Facts = _savedHead.Length == 0 ? facts with { ModifiedAt = Facts.ModifiedAt } : facts;
        if (_savedHead.Length > 0) ExtendHead();
        return true;
    }

    /// <summary>Takes what is in it now as the beginning of a file that was empty.</summary>
    public void Accept()
    {
        ExtendHead();
        if (Content!.Look(out FileFacts now) == 0) Facts = now;
    }

    /// <summary>What has to be saved to find it again.</summary>
    public SavedLogFile Save(bool drained)
    {
        Fingerprint head = Head;
        Fingerprint tail = Content is null ? _savedTail : Fingerprint.Of(_tail.AsSpan(0, _tailLength));
        return new SavedLogFile(
            Facts.Device, Facts.Inode, head.Length, head.Hash, Offset, tail.Length, tail.Hash, Skipping, drained, Facts.ModifiedAt, Facts.BornAt)
        {
            Beginning = _head[.._headLength],
        };
    }

    /// <summary>Hands the open file over.</summary>
    public LogContent? Detach()
    {
        LogContent? content = Content;
        if (content is not null)
        {
            _savedHead = Head;
            _savedTail = Fingerprint.Of(_tail.AsSpan(0, _tailLength));
        }
        Content = null;
        return content;
    }

    /// <inheritdoc/>
    public void Dispose() => Detach()?.Dispose();

    bool StillTheSame()
    {
        if (!HeadIsTheSame()) return false;
        if (_tailLength == 0) return true;
        Span<byte> bytes = stackalloc byte[Fingerprint.TailMost];
        bytes = bytes[.._tailLength];
        return Content!.Read(bytes, Offset - _tailLength, out int read) == 0 && bytes[..read].SequenceEqual(_tail.AsSpan(0, _tailLength));
    }

    bool HeadIsTheSame()
    {
        Span<byte> bytes = stackalloc byte[Fingerprint.HeadMost];
        bytes = bytes[.._headLength];
        return Content!.Read(bytes, 0, out int read) == 0 && bytes[..read].SequenceEqual(_head.AsSpan(0, _headLength));
    }

    void ExtendHead()
    {
        if (_headLength == _head.Length) return;
        if (Content!.Read(_head.AsSpan(_headLength), _headLength, out int read) == 0) _headLength += read;
    }

    void KeepTail(ReadOnlySpan<byte> taken)
    {
        if (taken.Length >= _tail.Length)
        {
            taken[^_tail.Length..].CopyTo(_tail);
            _tailLength = _tail.Length;
            return;
        }
        int keep = Math.Min(_tailLength, _tail.Length - taken.Length);
        _tail.AsSpan(_tailLength - keep, keep).CopyTo(_tail);
        taken.CopyTo(_tail.AsSpan(keep));
        _tailLength = keep + taken.Length;
    }

    void MoveTo(long offset)
    {
        Span<byte> tail = _tail.AsSpan(0, (int)Math.Min(Fingerprint.TailMost, offset));
        Offset = offset;
        _framer.Reset();
        _tailLength = Content!.Read(tail, offset - tail.Length, out int read) == 0 && read == tail.Length ? read : 0;
    }
}
