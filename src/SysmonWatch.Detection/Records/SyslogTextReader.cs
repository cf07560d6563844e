namespace SysmonWatch.Detection.Records;

/// <summary>Records from the lines of a syslog file.</summary>
sealed class SyslogTextReader(Stream stream, byte[] ahead, bool fill) : RecordReader(stream, ahead, fill)
{
    readonly LineFramer _framer = new();
    byte[] _rest = [];
    int _restLength;
    bool _ended;

    public override InputFormat Format => InputFormat.SyslogText;

    public override bool TryRead(RecordBatch into)
    {
        into.Clear();
        long tooLong = _framer.TooLong;
        _rest.AsSpan(0, _restLength).CopyTo(into.Room(Math.Max(_restLength, RecordBatch.Target)));
        into.Length = _restLength;
        _restLength = 0;
        int position = 0;
        do
        {
            if (into.Length >= RecordBatch.Target) into.Room(RecordBatch.Target);
            int got = Read(into.Buffer.AsSpan(into.Length, Math.Max(RecordBatch.Target - into.Length, into.Buffer.Length - into.Length)));
            _ended = got == 0;
            into.Length += got;
            position = _framer.Split(into.Buffer, position, into.Length, _ended, into.Records, into.LongestRecord);
            if (into.Records.Count == 0 && position == into.Length) into.Length = position = 0;
        }
        while (into.Records.Count == 0 && !_ended);

        int left = into.Length - position;
        if (_rest.Length < left) _rest = new byte[Math.Max(left, 4096)];
        into.Buffer.AsSpan(position, left).CopyTo(_rest);
        _restLength = left;
        into.Length = position;
        into.SkippedTooLong = _framer.TooLong - tooLong;
        return into.Records.Count > 0;
    }
}
