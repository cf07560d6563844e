using System.Buffers.Binary;

namespace SysmonWatch.Detection.Decoding;

/// <summary>Records from <c>journalctl -o export</c>. Fields that are not needed (core dumps among them) are never held in memory.</summary>
/// <remarks>Source: systemd.io/JOURNAL_EXPORT_FORMATS: NAME=text, or NAME, newline, little-endian 64-bit length, bytes, newline; a blank line ends a record.</remarks>
sealed class JournalExportReader(Stream stream, byte[] ahead, bool fill) : RecordReader(stream, ahead, fill)
{
    /// <summary>The longest field name journald takes is 64 bytes; __CURSOR and the like are shorter.</summary>
    const int LongestName = 256;

    readonly JournalEntry _entry = new();
    readonly byte[] _buffer = new byte[RecordBatch.Target];
    int _at;
    int _length;
    bool _ended;

    public override InputFormat Format => InputFormat.JournalExport;

    public override bool TryRead(RecordBatch into)
    {
        into.Clear();
        while (true)
        {
            if (_entry is { HasFields: false } && into.Records.Count > 0 && (into.Length >= RecordBatch.Target || (_at == _length && !FillsBatches))) return true;
            if (_at == _length && !Fill())
            {
                if (_entry.HasFields) _entry.Finish(into);
                return into.Records.Count > 0;
            }
            if (_buffer[_at] == '\n')
            {
                _at++;
                if (_entry.HasFields) _entry.Finish(into);
                continue;
            }
            ReadField(into);
        }
    }

    void ReadField(RecordBatch into)
    {
        int length = NameLength();
        if (length < 0)
        {
            into.SkippedMalformed++;
            SkipLine();
            return;
        }
        _entry.HasFields = true;
        ReadOnlySpan<byte> name = _buffer.AsSpan(_at, length);
        bool isMessage = name.SequenceEqual("MESSAGE"u8) && _entry.MessageStart < 0 && !_entry.MessageTooLong;
        bool wanted = JournalEntry.Wants(name);
        bool binary = _buffer[_at + length] == '\n';

        if (!isMessage && !wanted)
        {
            _at += length + 1;
            if (!binary)
            {
                SkipLine();
            }
            else if (Length() is { } bytes)
            {
                Skip(bytes);
                SkipLine();
            }
            return;
        }

        // The name is needed until the value has been read, and reading the value may move it.
        Span<byte> kept = stackalloc byte[LongestName];
        name.CopyTo(kept);
        ReadOnlySpan<byte> keptName = kept[..length];
        _at += length + 1;
        int start = into.Length;
        bool whole = binary ? CopyBinary(into) : CopyLine(into);
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

    /// <summary>Length of the field name at hand; -1 where it is none.</summary>
    int NameLength()
    {
        int scanned = 0;
        while (true)
        {
            ReadOnlySpan<byte> rest = _buffer.AsSpan(_at, _length - _at);
            int found = rest[scanned..Math.Min(rest.Length, LongestName)].IndexOfAny((byte)'=', (byte)'\n');
            if (found >= 0) return scanned + found == 0 ? -1 : scanned + found;
            if (rest.Length >= LongestName) return -1;
            scanned = rest.Length;
            if (!Fill()) return -1;
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

    bool CopyBinary(RecordBatch into)
    {
        if (Length() is not { } bytes) return false;
        if (bytes > (ulong)into.LongestRecord)
        {
            Skip(bytes);
            SkipLine();
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

    void Skip(ulong bytes)
    {
        while (bytes > 0)
        {
            if (_at == _length && !Fill()) return;
            int piece = (int)Math.Min(bytes, (ulong)(_length - _at));
            _at += piece;
            bytes -= (ulong)piece;
        }
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
