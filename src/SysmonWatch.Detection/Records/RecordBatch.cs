using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Records;

/// <summary>
/// Records on their way from a source to the decoder, with the bytes they stand in. Made once and used again: <see cref="Clear"/> keeps the
/// memory, but for what a very long record needed. Not thread-safe; one owner at a time.
/// </summary>
/// <param name="longestRecord">The longest record taken, in bytes.</param>
public sealed class RecordBatch(int longestRecord = RecordBatch.DefaultLongestRecord)
{
    /// <summary>
    /// The longest record that is taken by default: 512 KiB. Sysmon writes 65,535 bytes at most, of which rsyslog's escaping can make four times
    /// as many.
    /// </summary>
    public const int DefaultLongestRecord = 512 * 1024;

    /// <summary>A buffer that one long record made larger than this is not kept.</summary>
    const int LargestKept = 8 * Target;

    /// <summary>
    /// How many bytes a reader aims to put into one batch. A single record may be longer. Small enough that the bytes, the events made of them and
    /// what is remembered of processes are in the processor's second-level cache together.
    /// </summary>
    public const int Target = 128 * 1024;

    /// <summary>The bytes. Replaced by a larger array when a record needs it.</summary>
    public byte[] Buffer { get; private set; } = NewBuffer();

    /// <summary>The longest record taken, in bytes; a longer one is left out and counted.</summary>
    public int LongestRecord { get; } = longestRecord;

    /// <summary>How many bytes of <see cref="Buffer"/> are in use.</summary>
    public int Length { get; set; }

    /// <summary>The records, in order.</summary>
    public List<LogRecord> Records { get; } = new(512);

    /// <summary>Records left out because they are longer than <see cref="LongestRecord"/>.</summary>
    public long SkippedTooLong { get; set; }

    /// <summary>Journal records left out because their MESSAGE is missing or null (<c>journalctl -o json</c> without <c>--all</c>).</summary>
    public long SkippedWithoutMessage { get; set; }

    /// <summary>Pieces of input left out because they are no record of the input's format.</summary>
    public long SkippedMalformed { get; set; }

    /// <summary>Where they were, the first <see cref="MostDamage"/> of them.</summary>
    public List<InputDamage> Damage { get; } = [];

    /// <summary>How many places of damage are told of one batch at most; all are counted.</summary>
    public const int MostDamage = 16;

    /// <summary>Counts a piece that is left out.</summary>
    internal void LeaveOut(in InputDamage damage)
    {
        SkippedMalformed++;
        if (Damage.Count < MostDamage) Damage.Add(damage);
    }

    /// <summary>
    /// Since when what its file records say about this host is read from elsewhere too, from a source that proves who wrote it: microseconds since
    /// 1970, of the events' time. <see cref="long.MaxValue"/>, the default, where it is not.
    /// </summary>
    public long CoveredSince { get; set; } = long.MaxValue;

    /// <summary>Makes it empty again.</summary>
    public void Clear()
    {
        CoveredSince = long.MaxValue;
        if (Buffer.Length > LargestKept) Buffer = NewBuffer();
        Length = 0;
        Records.Clear();
        SkippedTooLong = 0;
        SkippedWithoutMessage = 0;
        SkippedMalformed = 0;
        Damage.Clear();
    }

    static byte[] NewBuffer() => new byte[Target + (64 * 1024)];

    /// <summary>Room for that many bytes more behind <see cref="Length"/>; what is in use stays.</summary>
    public Span<byte> Room(int bytes)
    {
        if (Buffer.Length - Length < bytes)
        {
            byte[] larger = new byte[Math.Max(Buffer.Length * 2, Length + bytes)];
            Buffer.AsSpan(0, Length).CopyTo(larger);
            Buffer = larger;
        }
        return Buffer.AsSpan(Length);
    }

    /// <summary>Adds a record with a copy of its text.</summary>
    /// <param name="text">Its bytes.</param>
    /// <param name="origin">Where it came from.</param>
    /// <param name="arrival">Microseconds since 1970; 0 where unknown.</param>
    public void Add(ReadOnlySpan<byte> text, RecordOrigin origin, long arrival)
    {
        text.CopyTo(Room(text.Length));
        Records.Add(new LogRecord(new Slice(Length, text.Length), origin, arrival));
        Length += text.Length;
    }
}
