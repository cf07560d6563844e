using System.IO.Compression;

namespace SysmonWatch.Detection.Records;

/// <summary>
/// Reads records from a stream, whatever it is made of, in bounded memory. Blocks as the stream does. Not thread-safe.
/// </summary>
public abstract class RecordReader : IDisposable
{
    readonly Stream _stream;
    readonly bool _fill;
    byte[] _ahead;
    int _aheadAt;
    readonly long _start;

    /// <param name="stream">What to read.</param>
    /// <param name="ahead">Bytes that were read from it already, to recognise it.</param>
    /// <param name="fill">True where a read that gives less than asked for is worth another before a batch is handed on (files, not pipes).</param>
    private protected RecordReader(Stream stream, byte[] ahead, bool fill)
    {
        _stream = stream;
        _ahead = ahead;
        _fill = fill;
        if (stream.CanSeek) _start = stream.Position - ahead.Length;
    }

    /// <summary>How many bytes <see cref="Read"/> has given out.</summary>
    private protected long GivenOut { get; private set; }

    /// <summary>True where a batch is filled before it is handed on; false where whatever is there is handed on (pipes).</summary>
    private protected bool FillsBatches => _fill;

    /// <summary>What the input is made of.</summary>
    public abstract InputFormat Format { get; }

    /// <summary>
    /// Reads the next records; waits for at least one. The batch is cleared first.
    /// </summary>
    /// <returns>False at the end of the input, and then the batch has no records (its counters may still say something).</returns>
    public abstract bool TryRead(RecordBatch into);

    /// <summary>
    /// Why it ended before its end: the compressed data is damaged or cut off there. Null where it did not. What stands before that is read, as far
    /// as the host's runtime option System.IO.Compression.UseStrictValidation lets it be noticed.
    /// </summary>
    public InvalidDataException? Damage { get; private set; }

    /// <summary>Opens an input and recognises what it is made of; a gzip around it is undone.</summary>
    /// <param name="stream">Stays open until the reader is disposed.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static RecordReader Open(Stream stream)
    {
        bool fill = stream.CanSeek;
        byte[] first = ReadFirst(stream, out InputFormat format, out bool isDamaged);
        if (format == InputFormat.Gzip)
        {
            stream = new GZipStream(new PrefixedStream(first, stream), CompressionMode.Decompress);
            first = ReadFirst(stream, out format, out isDamaged);
        }
        return format switch
        {
            InputFormat.JournalExport => new JournalExportReader(stream, first, fill, isDamaged),
            InputFormat.JournalJson => new JournalJsonReader(stream, first, fill),
            _ => new SyslogTextReader(stream, first, fill),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stream.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Reads on. 0 at the end.</summary>
    private protected int Read(Span<byte> into)
    {
        int got = ReadOn(into);
        GivenOut += got;
        return got;
    }

    /// <summary>Whether a newline, or the end, stands at a place that has not been read yet. Null where that cannot be told without reading up to it.</summary>
    private protected bool? EndsAt(long offset)
    {
        if (!_stream.CanSeek) return null;
        long here = _stream.Position;
        long there = _start + offset;
        bool ends = there == _stream.Length;
        if (there < _stream.Length)
        {
            _stream.Position = there;
            ends = _stream.ReadByte() == '\n';
            _stream.Position = here;
        }
        return ends;
    }

    int ReadOn(Span<byte> into)
    {
        int got = 0;
        if (_aheadAt < _ahead.Length)
        {
            got = Math.Min(into.Length, _ahead.Length - _aheadAt);
            _ahead.AsSpan(_aheadAt, got).CopyTo(into);
            _aheadAt += got;
            if (_aheadAt == _ahead.Length) (_ahead, _aheadAt) = ([], 0);
            if (!_fill) return got;
        }
        do
        {
            int more = got < into.Length ? ReadStream(into[got..]) : 0;
            if (more == 0) break;
            got += more;
        }
        while (_fill);
        return got;
    }

    int ReadStream(Span<byte> into)
    {
        if (Damage is not null) return 0;
        try
        {
            return _stream.Read(into);
        }
        catch (InvalidDataException damage)
        {
            Damage = damage;
            return 0;
        }
    }

    static byte[] ReadFirst(Stream stream, out InputFormat format, out bool isDamaged)
    {
        byte[] first = new byte[stream.CanSeek ? InputFormats.Needed : 4096];
        int got = 0;
        while (true)
        {
            int more = stream.Read(first, got, first.Length - got);
            got += more;
            // Of a pipe only what is needed to tell is waited for: the first line may be all there is for hours.
            if (InputFormats.Decide(first.AsSpan(0, got), more == 0 || got >= InputFormats.Needed, out isDamaged) is { } decided)
            {
                format = decided;
                return first[..got];
            }
            if (got == first.Length) Array.Resize(ref first, first.Length * 2);
        }
    }

    /// <summary>What was read ahead, and then the rest.</summary>
    sealed class PrefixedStream(byte[] first, Stream rest) : Stream
    {
        int _at;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            if (_at >= first.Length) return rest.Read(buffer);
            int got = Math.Min(buffer.Length, first.Length - _at);
            first.AsSpan(_at, got).CopyTo(buffer);
            _at += got;
            return got;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) rest.Dispose();
            base.Dispose(disposing);
        }
    }
}
