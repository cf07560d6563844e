using System.IO.Compression;
using Microsoft.Win32.SafeHandles;

namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>The bytes of one file, plain or compressed, by offset. Used by one thread.</summary>
abstract class LogContent(string path) : IDisposable
{
    LogContent() : this("")
    {
    }

    /// <summary>Where it was found; it may have been renamed since.</summary>
    public string Path { get; } = path;

    /// <summary>The open file, to be watched; null where it does not change any more.</summary>
    public abstract SafeFileHandle? Growing { get; }

    /// <summary>True once it has turned out that it is damaged or cut off after what could be read.</summary>
    public virtual bool IsDamaged => false;

    /// <summary>Reads at an offset.</summary>
    /// <returns>0, or an errno.</returns>
    public abstract int Read(Span<byte> into, long offset, out int read);

    /// <summary>Its facts now; the size is that of its bytes where they are known, which for a compressed file they are at its end only.</summary>
    /// <returns>0, or an errno.</returns>
    public abstract int Look(out FileFacts facts);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Opens a file; one whose name ends in <c>.gz</c> is decompressed on the way.</summary>
    /// <returns>0, or an errno.</returns>
    public static int Open(string path, out LogContent? content, out FileFacts facts)
    {
        content = null;
        facts = default;
        int error = FileCalls.Open(path, out SafeFileHandle file);
        if (error == 0) error = FileCalls.Look(file, out facts);
        if (error != 0)
        {
            file.Dispose();
            return error;
        }
        content = path.EndsWith(".gz", StringComparison.Ordinal) ? new Compressed(path, file, facts) : new Plain(path, file);
        return 0;
    }

    sealed class Plain(string path, SafeFileHandle file) : LogContent(path)
    {
        public override SafeFileHandle? Growing => file;

        public override int Read(Span<byte> into, long offset, out int read) => FileCalls.Read(file, into, offset, out read);

        public override int Look(out FileFacts facts) => FileCalls.Look(file, out facts);

        public override void Dispose() => file.Dispose();
    }

    /// <summary>
    /// A compressed file is finished: it is only ever read forwards, once from the beginning for its fingerprint and once for what is in it. Going back
    /// starts it anew.
    /// </summary>
    sealed class Compressed(string path, SafeFileHandle file, FileFacts facts) : LogContent(path)
    {
        GZipStream? _stream;
        long _at;
        bool _ended;
        bool _damaged;

        public override bool IsDamaged => _damaged;

        public override SafeFileHandle? Growing => null;

        public override int Read(Span<byte> into, long offset, out int read)
        {
            read = 0;
            try
            {
                if (_stream is null || offset < _at) Restart();
                Span<byte> skipped = stackalloc byte[4096];
                while (_at < offset)
                {
                    int step = _stream!.Read(skipped[..(int)Math.Min(skipped.Length, offset - _at)]);
                    if (step == 0) return 0;
                    _at += step;
                }
                while (read < into.Length)
                {
                    int more = _stream!.Read(into[read..]);
                    _ended = more == 0;
                    if (_ended) break;
                    read += more;
                    _at += more;
                }
                return 0;
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                // What stands before the damage counts; the next read finds the stream at its end.
                _damaged = true;
                _ended = true;
                return 0;
            }
        }

        public override int Look(out FileFacts now)
        {
            now = facts with { Size = _ended ? _at : long.MaxValue };
            return 0;
        }

        public override void Dispose()
        {
            _stream?.Dispose();
            file.Dispose();
        }

        void Restart()
        {
            _stream?.Dispose();
            _stream = new GZipStream(new Window(file), CompressionMode.Decompress);
            _at = 0;
            _ended = false;
        }
    }

    /// <summary>A stream over an open file that leaves it open.</summary>
    sealed class Window(SafeFileHandle file) : Stream
    {
        long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            int error = FileCalls.Read(file, buffer, _position, out int read);
            if (error != 0) throw new IOException(FileCalls.Explain(error), error);
            _position += read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
