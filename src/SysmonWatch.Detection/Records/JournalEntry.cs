using System.Buffers.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Records;

/// <summary>The fields of one journal record that decide what becomes of it, while they are being read in whatever order they come.</summary>
sealed class JournalEntry
{
    readonly Field _identifier = new();
    readonly Field _transport = new();
    readonly Field _uid = new();
    readonly Field _executable = new();
    readonly Field _received = new();

    /// <summary>Where MESSAGE starts in the batch; -1 while there is none.</summary>
    public int MessageStart { get; set; } = -1;

    /// <summary>True where its MESSAGE was there and longer than what is taken.</summary>
    public bool MessageTooLong { get; set; }

    /// <summary>True once any field was read.</summary>
    public bool HasFields { get; set; }

    /// <summary>True for the names that <see cref="Set"/> keeps.</summary>
    public static bool Wants(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("SYSLOG_IDENTIFIER"u8) || name.SequenceEqual("_TRANSPORT"u8) || name.SequenceEqual("_UID"u8)
        || name.SequenceEqual("_EXE"u8) || name.SequenceEqual("__REALTIME_TIMESTAMP"u8);

    /// <summary>Keeps a field's value; the first one where it comes twice.</summary>
    public void Set(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Field? field = name.SequenceEqual("SYSLOG_IDENTIFIER"u8) ? _identifier
            : name.SequenceEqual("_TRANSPORT"u8) ? _transport
            : name.SequenceEqual("_UID"u8) ? _uid
            : name.SequenceEqual("_EXE"u8) ? _executable
            : name.SequenceEqual("__REALTIME_TIMESTAMP"u8) ? _received
            : null;
        field?.Set(value);
    }

    /// <summary>Ends the record: adds it to the batch, counts it, or lets it go. Then it is new again.</summary>
    /// <param name="into">Has MESSAGE from <see cref="MessageStart"/> on, behind everything else.</param>
    /// <param name="recovered">It stands where damage is, and may be a piece of a value's text: what it says of itself proves nothing.</param>
    public void Finish(RecordBatch into, bool recovered = false)
    {
        bool ofSysmon = _identifier.Value.SequenceEqual("sysmon"u8);
        bool ofJournald = !ofSysmon && _transport.Value.SequenceEqual("driver"u8);
        int start = MessageStart < 0 ? into.Length : MessageStart;
        ReadOnlySpan<byte> message = into.Buffer.AsSpan(start, into.Length - start);
        if (ofJournald && !message.StartsWith("Suppressed "u8)) ofJournald = false;
        if (ofSysmon && MessageTooLong) into.SkippedTooLong++;
        else if (ofSysmon && MessageStart < 0) into.SkippedWithoutMessage++;

        if (MessageStart >= 0)
        {
            if (ofSysmon || ofJournald)
            {
                long arrival = Utf8Parser.TryParse(_received.Value, out long micros, out _) ? micros : 0;
                // journald's own messages (_TRANSPORT=driver, which nobody else gets) are as good as Sysmon's.
                RecordOrigin origin = ofJournald ? RecordOrigin.JournalOfSysmon : JournalTrust.Judge(_transport.Value, _uid.Value, _executable.Value, message);
                if (recovered && origin == RecordOrigin.JournalOfSysmon) origin = RecordOrigin.JournalOfUnknown;
                into.Records.Add(new LogRecord(new Slice(start, message.Length), origin, arrival, Recovered: recovered));
            }
            else
            {
                into.Length = start;
            }
        }
        Abandon();
    }

    /// <summary>Makes it new again.</summary>
    public void Abandon()
    {
        MessageStart = -1;
        MessageTooLong = false;
        HasFields = false;
        _identifier.Clear();
        _transport.Clear();
        _uid.Clear();
        _executable.Clear();
        _received.Clear();
    }

    /// <summary>A value of at most a path's length.</summary>
    sealed class Field
    {
        readonly byte[] _bytes = new byte[4096 + 16];
        int _length;
        bool _set;

        public ReadOnlySpan<byte> Value => _bytes.AsSpan(0, _length);

        public void Set(ReadOnlySpan<byte> value)
        {
            if (_set) return;
            _set = true;
            // Of one that is too long the end decides (a path's file name).
            if (value.Length > _bytes.Length) value = value[^_bytes.Length..];
            value.CopyTo(_bytes);
            _length = value.Length;
        }

        public void Clear()
        {
            _length = 0;
            _set = false;
        }
    }
}
