using SysmonWatch.Detection.Decoding;

namespace SysmonWatch.Daemon.Commands;

/// <summary>The FILEs of a command as one stream of records, in the order given. "-" is standard input.</summary>
sealed class InputFiles(IReadOnlyList<string> files) : IDisposable
{
    readonly Queue<string> _waiting = new(files);
    RecordReader? _reader;

    /// <summary>The first file that cannot be opened, with the reason and the fix; null where all can.</summary>
    public static string? FindProblem(IReadOnlyList<string> files)
    {
        foreach (string file in files)
        {
            if (file == "-") continue;
            if (Directory.Exists(file)) return $"{file}: is a directory; give the files in it.";
            if (!File.Exists(file)) return $"{file}: there is no such file.";
            try
            {
                Open(file).Dispose();
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return $"{file}: cannot be read by this user ({failure.Message.TrimEnd('.')}); try sudo, or join the group that may (adm on Debian).";
            }
        }
        return null;
    }

    /// <summary>Reads the next records of whichever file is next; false when all files have ended.</summary>
    /// <exception cref="IOException">A file could not be read to its end; the message names it.</exception>
    public bool TryRead(RecordBatch into)
    {
        while (true)
        {
            if (_reader is null)
            {
                into.Clear();
                if (!_waiting.TryPeek(out string? file)) return false;
                _reader = RecordReader.Open(file == "-" ? Console.OpenStandardInput() : Open(file));
            }
            try
            {
                if (_reader.TryRead(into)) return true;
            }
            catch (InvalidDataException damaged)
            {
                throw new IOException($"{_waiting.Peek()}: the compressed data is damaged ({damaged.Message.TrimEnd('.')}).", damaged);
            }
            _reader.Dispose();
            _reader = null;
            _waiting.Dequeue();
            // What the last read skipped is still to be counted.
            if (into.SkippedTooLong + into.SkippedWithoutMessage + into.SkippedMalformed > 0) return true;
        }
    }

    public void Dispose() => _reader?.Dispose();

    static FileStream Open(string file) => new(file, new FileStreamOptions
    {
        Mode = FileMode.Open,
        Access = FileAccess.Read,
        Share = FileShare.ReadWrite | FileShare.Delete,
        Options = FileOptions.SequentialScan,
        BufferSize = 0,
    });
}
