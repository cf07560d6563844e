using System.Globalization;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Commands;

/// <summary>The FILEs of a command as one stream of records, in the order given. "-" is standard input.</summary>
/// <param name="files">The files.</param>
/// <param name="errors">Where damage is reported; what comes before it is read all the same, and so is the next file.</param>
sealed class InputFiles(IReadOnlyList<string> files, TextWriter errors) : IDisposable
{
    /// <summary>How many places of one file are reported; the others are counted.</summary>
    const int MostSaid = 10;

    readonly Queue<string> _waiting = new(files);
    RecordReader? _reader;
    long _leftOut;

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
            bool more = _reader.TryRead(into);
            Report(_waiting.Peek(), into);
            if (more) return true;
            InvalidDataException? damaged = _reader.Damage;
            _reader.Dispose();
            _reader = null;
            string ended = _waiting.Dequeue();
            if (_leftOut > MostSaid) errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{ended}: {_leftOut - MostSaid:N0} more pieces were left out."));
            _leftOut = 0;
            if (damaged is not null) Report(ended, damaged);
            // What the last read skipped is still to be counted.
            if (into.SkippedTooLong + into.SkippedWithoutMessage + into.SkippedMalformed > 0) return true;
        }
    }

    public void Dispose() => _reader?.Dispose();

    /// <summary>Says what was left out of a file, where and why.</summary>
    void Report(string file, RecordBatch batch)
    {
        foreach (InputDamage damage in batch.Damage.Take((int)Math.Max(0, MostSaid - _leftOut)))
        {
            string what = damage.Reason switch
            {
                InputDamageReason.NoField => "this line is no field of a journal entry and no line of syslog; it was left out",
                InputDamageReason.NoObject => "this line is no JSON object of the journal and no line of syslog; it was left out",
                InputDamageReason.EndsWithin => $"the input ends within this field of {damage.Claimed:N0} bytes",
                _ => $"this field does not end after the {damage.Claimed:N0} bytes that it says it has; it was left out",
            };
            string after = damage.Skipped > 0 ? $"; {damage.Skipped:N0} bytes were passed over" : "";
            errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{file}: byte {damage.Offset:N0}: {what}{after}."));
        }
        _leftOut += batch.SkippedMalformed;
    }

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
