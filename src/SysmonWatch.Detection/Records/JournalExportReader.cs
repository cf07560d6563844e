using System.Buffers.Binary;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Records;

/// <summary>Records from <c>journalctl -o export</c>. Fields that are not needed (core dumps among them) are never held in memory.</summary>
/// <remarks>
/// <para>Source: systemd.io/JOURNAL_EXPORT_FORMATS: NAME=text, or NAME, newline, little-endian 64-bit length, bytes, newline; a blank line ends a record.</para>
/// <para>
/// Nothing in it is taken at its word: a line that is no field is told, or read as a line of syslog where it is one; a length is checked against what
/// stands where the value would end. Where it is false reading goes on right behind it.
/// </para>
/// </remarks>
sealed class JournalExportReader : RecordReader
{
    /// <summary>The longest field that journald takes. Source: DATA_SIZE_MAX in systemd's journal-importer.h.</summary>
    public const ulong LongestField = 768 * 1024 * 1024;

    /// <summary>The longest field name journald takes is 64 bytes.</summary>
    const int LongestName = 64;

    /// <summary>A value up to this long is read before it is believed; a longer one only where the input can be looked at elsewhere.</summary>
    const int LongestPeek = 1024 * 1024;

    const int LongestHeader = 1024;

    readonly JournalEntry _entry = new();
    byte[] _buffer = new byte[RecordBatch.Target];
    int _at;
    int _length;
    bool _ended;
    long _entryAt;
    long _doubtfulUntil;
    bool _recovering;
    bool _startsWithin;

    /// <param name="stream">What to read.</param>
    /// <param name="ahead">What was read of it already.</param>
    /// <param name="fill">See <see cref="RecordReader"/>.</param>
    /// <param name="isDamaged">True where it starts within an entry: nobody knows how much of it is that entry's text.</param>
    public JournalExportReader(Stream stream, byte[] ahead, bool fill, bool isDamaged)
        : base(stream, ahead, fill)
    {
        _recovering = isDamaged;
        if (isDamaged) _doubtfulUntil = LongestPeek;
        _startsWithin = isDamaged;
    }

    /// <summary>Where what is read next stands in the input.</summary>
    long Offset => GivenOut - (_length - _at);

    public override InputFormat Format => InputFormat.JournalExport;

    public override bool TryRead(RecordBatch into)
    {
        into.Clear();
        if (_startsWithin) into.LeaveOut(new InputDamage(0, InputDamageReason.NoField));
        _startsWithin = false;
        while (true)
        {
            if (_entry is { HasFields: false } && into.Records.Count > 0 && (into.Length >= RecordBatch.Target || (_at == _length && !FillsBatches))) return true;
            if (_at == _length && !Fill())
            {
                Finish(into);
                return into.Records.Count > 0;
            }
            if (_buffer[_at] == '\n')
            {
                _at++;
                Finish(into);
                continue;
            }
            if (_recovering)
            {
                Recover(into);
                continue;
            }
            if (!_entry.HasFields) _entryAt = Offset;
            ReadField(into);
        }
    }

    void ReadField(RecordBatch into)
    {
        long offset = Offset;
        int length = NameLength();
        if (length == 0)
        {
            if (TryTakeSyslog(into)) return;
            into.LeaveOut(new InputDamage(offset, InputDamageReason.NoField));
            SkipLine();
            return;
        }
        _entry.HasFields = true;
        ReadOnlySpan<byte> name = _buffer.AsSpan(_at, length);
        bool isMessage = name.SequenceEqual("MESSAGE"u8) && _entry.MessageStart < 0 && !_entry.MessageTooLong;
        bool wanted = JournalEntry.Wants(name);
        bool binary = _buffer[_at + length] == '\n';

        // The name is needed until the value has been read, and reading the value may move it.
        Span<byte> kept = stackalloc byte[LongestName];
        name.CopyTo(kept);
        ReadOnlySpan<byte> keptName = kept[..length];
        _at += length + 1;
        ulong bytes = 0;
        if (binary)
        {
            if (Length() is not { } claimed)
            {
                into.LeaveOut(new InputDamage(offset, InputDamageReason.EndsWithin));
                return;
            }
            bytes = claimed;
            if (!IsTrue(bytes, out bool endsWithin))
            {
                Distrust(into, offset, bytes, endsWithin, isMessage);
                return;
            }
        }
        if (!isMessage && !wanted)
        {
            if (binary) SkipBinary(into, offset, bytes);
            else SkipLine();
            return;
        }

        int start = into.Length;
        bool whole = binary ? CopyBinary(into, offset, bytes) : CopyLine(into);
        if (isMessage)
        {
            if (whole)
            {
                _entry.MessageStart = start;
                return;
            }
            _entry.MessageTooLong = true;
        }
        else
        {
            _entry.Set(keptName, into.Buffer.AsSpan(start, into.Length - start));
        }
        into.Length = start;
    }

    /// <summary>
    /// True where a value of that length ends as values do. Looked at before the value is read, because what stands in for it otherwise is lost.
    /// </summary>
    bool IsTrue(ulong bytes, out bool endsWithin)
    {
        endsWithin = false;
        if (bytes > LongestField) return false;
        if (bytes >= LongestPeek) return EndsAt(Offset + (long)bytes) ?? true;
        int there = Peek((int)bytes + 1);
        endsWithin = (ulong)there < bytes;
        return (ulong)there == bytes || (!endsWithin && _buffer[_at + (int)bytes] == '\n');
    }

    /// <summary>
    /// A length was found to be false. Its entry ends here; what the value would have been is read line by line, for lines of syslog and the
    /// next entry. What is found there may also be that value's text, and is marked.
    /// </summary>
    void Distrust(RecordBatch into, long offset, ulong bytes, bool endsWithin, bool isMessage)
    {
        into.LeaveOut(new InputDamage(offset, endsWithin ? InputDamageReason.EndsWithin : InputDamageReason.FalseLength, bytes));
        if (isMessage && endsWithin)
        {
            // The last message of an input that was cut: as far as it goes.
            _entry.MessageStart = into.Length;
            int there = Math.Min(_length - _at, into.LongestRecord);
            _buffer.AsSpan(_at, there).CopyTo(into.Room(there));
            into.Length += there;
        }
        Finish(into);
        _doubtfulUntil = Math.Max(_doubtfulUntil, bytes > long.MaxValue / 2 ? long.MaxValue : Offset + (long)bytes);
        _recovering = true;
    }

    /// <summary>One line where entries cannot be told: taken if it is one of syslog's, and the next entry's first line ends this.</summary>
    void Recover(RecordBatch into)
    {
        if (LineStart().StartsWith("__CURSOR="u8)) _recovering = false;
        else if (!TryTakeSyslog(into)) SkipLine();
    }

    /// <summary>Takes a line of a syslog file, which ends the entry before it. False where it is none, and then it is still to be read.</summary>
    bool TryTakeSyslog(RecordBatch into)
    {
        if (SyslogHeader.Read(LineStart()).Program == LineProgram.None) return false;
        Finish(into);
        bool recovered = Offset < _doubtfulUntil;
        int start = into.Length;
        if (CopyLine(into))
        {
            into.Records.Add(new LogRecord(new Slice(start, into.Length - start), RecordOrigin.File, 0, Recovered: recovered));
            return true;
        }
        into.Length = start;
        into.SkippedTooLong++;
        return true;
    }

    void Finish(RecordBatch into)
    {
        if (_entry.HasFields) _entry.Finish(into, recovered: _entryAt < _doubtfulUntil);
    }

    /// <summary>What there is of the line at hand, up to the longest header.</summary>
    ReadOnlySpan<byte> LineStart()
    {
        while (true)
        {
            ReadOnlySpan<byte> rest = _buffer.AsSpan(_at, _length - _at);
            int newline = rest.IndexOf((byte)'\n');
            if (newline >= 0) return rest[..newline];
            if (rest.Length >= LongestHeader || !Fill()) return _buffer.AsSpan(_at, _length - _at);
        }
    }

    /// <summary>Length of the field name at hand; 0 where it is none.</summary>
    int NameLength()
    {
        while (true)
        {
            ReadOnlySpan<byte> rest = _buffer.AsSpan(_at, _length - _at);
            int length = InputFormats.NameLength(rest);
            if (length == 0) return 0;
            if (length < rest.Length) return rest[length] is (byte)'=' or (byte)'\n' ? length : 0;
            if (!Fill()) return 0;
        }
    }

    /// <summary>The 64-bit length of a binary value; null at the end of the input.</summary>
    ulong? Length()
    {
        while (_length - _at < 8)
        {
            if (!Fill())
            {
                _at = _length;
                return null;
            }
        }
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(_buffer.AsSpan(_at));
        _at += 8;
        return length;
    }

    bool CopyBinary(RecordBatch into, long offset, ulong bytes)
    {
        if (bytes > (ulong)into.LongestRecord)
        {
            SkipBinary(into, offset, bytes);
            return false;
        }
        int left = (int)bytes;
        while (left > 0)
        {
            if (_at == _length && !Fill()) break;
            int piece = Math.Min(left, _length - _at);
            Append(into, piece);
            left -= piece;
        }
        SkipLine();
        return true;
    }

    /// <summary>Passes over a value and the newline behind it. Where that is not there, it could not be told before (a pipe) that its length is false.</summary>
    void SkipBinary(RecordBatch into, long offset, ulong bytes)
    {
        ulong skipped = Skip(bytes);
        if (skipped == bytes && (_at < _length || Fill()) && _buffer[_at] == '\n')
        {
            _at++;
            return;
        }
        if (skipped == bytes && _at == _length) return;
        into.LeaveOut(new InputDamage(offset, skipped < bytes ? InputDamageReason.EndsWithin : InputDamageReason.FalseLength, bytes, skipped));
        Finish(into);
        _recovering = true;
    }

    bool CopyLine(RecordBatch into)
    {
        int copied = 0;
        while (true)
        {
            int newline = _buffer.AsSpan(_at, _length - _at).IndexOf((byte)'\n');
            int piece = newline < 0 ? _length - _at : newline;
            copied += piece;
            if (copied > into.LongestRecord)
            {
                SkipLine();
                return false;
            }
            Append(into, piece);
            if (newline >= 0)
            {
                _at++;
                return true;
            }
            if (!Fill()) return true;
        }
    }

    void Append(RecordBatch into, int bytes)
    {
        _buffer.AsSpan(_at, bytes).CopyTo(into.Room(bytes));
        into.Length += bytes;
        _at += bytes;
    }

    /// <returns>How many bytes there were.</returns>
    ulong Skip(ulong bytes)
    {
        ulong left = bytes;
        while (left > 0)
        {
            if (_at == _length && !Fill()) break;
            int piece = (int)Math.Min(left, (ulong)(_length - _at));
            _at += piece;
            left -= (ulong)piece;
        }
        return bytes - left;
    }

    /// <summary>Waits for that many bytes to be in the buffer.</summary>
    /// <returns>How many there are; fewer only at the end of the input.</returns>
    int Peek(int bytes)
    {
        if (_buffer.Length <= bytes)
        {
            byte[] larger = new byte[Math.Max(bytes + 1, _buffer.Length * 2)];
            _buffer.AsSpan(_at, _length - _at).CopyTo(larger);
            (_buffer, _length, _at) = (larger, _length - _at, 0);
        }
        while (_length - _at < bytes && Fill())
        {
        }
        return _length - _at;
    }

    void SkipLine()
    {
        while (true)
        {
            int newline = _buffer.AsSpan(_at, _length - _at).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                _at += newline + 1;
                return;
            }
            _at = _length;
            if (!Fill()) return;
        }
    }

    /// <summary>Reads on behind what has not been taken yet, which moves to the front. False at the end.</summary>
    bool Fill()
    {
        if (_ended) return false;
        _buffer.AsSpan(_at, _length - _at).CopyTo(_buffer);
        _length -= _at;
        _at = 0;
        int got = Read(_buffer.AsSpan(_length));
        _length += got;
        _ended = got == 0;
        return got > 0;
    }
}
