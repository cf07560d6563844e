using SysmonWatch.Detection.Decoding;

namespace SysmonWatch.Daemon.Commands;

/// <summary>The FILEs of a command as one stream of records, in the order given. "-" is standard input.</summary>
/// <param name="files">The files.</param>
/// <param name="errors">Is told which of them is damaged; what stands before the damage is read all the same, and so is the next file.</param>
sealed class InputFiles(IReadOnlyList<string> files, TextWriter errors) : IDisposable
{
    readonly Queue<string> _waiting = new(files);
    RecordReader? _reader;

    /// <summary>True where a file could not be read to its end.</summary>
    public bool WasDamaged { get; private set; }

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
    public bool TryRead(RecordBatch into)
    {
        while (true)
        {
            if (_reader is null)
            {
                into.Clear();
                if (!_waiting.TryPeek(out string? file)) return false;
                try
                {
                    _reader = RecordReader.Open(file == "-" ? Console.OpenStandardInput() : Open(file));
                }
                catch (InvalidDataException damage)
                {
                    Report(_waiting.Dequeue(), damage);
                    continue;
                }
            }
            if (_reader.TryRead(into)) return true;
            InvalidDataException? damaged = _reader.Damage;
            _reader.Dispose();
            _reader = null;
            string ended = _waiting.Dequeue();
            if (damaged is not null) Report(ended, damaged);
            // What the last read skipped is still to be counted.
            if (into.SkippedTooLong + into.SkippedWithoutMessage + into.SkippedMalformed > 0) return true;
        }
    }

    public void Dispose() => _reader?.Dispose();

    void Report(string file, InvalidDataException why)
    {
        WasDamaged = true;
        errors.WriteLine($"{file}: the compressed data is damaged or cut off ({why.Message.TrimEnd('.')}). What stands before that was read.");
    }

    static FileStream Open(string file) => new(file, new FileStreamOptions
    {
        Mode = FileMode.Open,
        Access = FileAccess.Read,
        Share = FileShare.ReadWrite | FileShare.Delete,
        Options = FileOptions.SequentialScan,
        BufferSize = 0,
    });
}
