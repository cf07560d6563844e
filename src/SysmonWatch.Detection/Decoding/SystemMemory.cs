using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Decoding;

/// <summary>
/// What the System elements of the events before looked like. All events of one id and one Sysmon have the same one but for time and number: where
/// the next has it too, those two are all that is read. Not thread-safe.
/// </summary>
sealed class SystemMemory
{
    /// <summary>A longer element than this is none of those that come again and again.</summary>
    const int Longest = 1024;

    /// <summary>How many bytes of an ISO time stand before its seconds.</summary>
    const int UpToMinute = 17;

    readonly Element?[] _elements = new Element?[256];
    readonly byte[] _minuteText = new byte[UpToMinute];
    long _minute;
    readonly byte[] _computer = new byte[Longest];
    int _computerLength;
    int _computerMark;

    static int _lastMark;

    /// <summary>The remembered element of an event id; null where there is none.</summary>
    /// <param name="text">The event.</param>
    /// <param name="idAt">Where its id is expected.</param>
    public Element? Find(ReadOnlySpan<byte> text, int idAt)
    {
        if (text.Length < idAt + 4) return null;
        int id = text[idAt] - '0';
        for (int i = idAt + 1; i < idAt + 3 && text[i] != '<'; i++) id = (id * 10) + text[i] - '0';
        return (uint)id < (uint)_elements.Length ? _elements[id] : null;
    }

    /// <summary>Reads <c>yyyy-MM-ddTHH:mm:ss.fffffffffZ</c>, where its minute is the last one's.</summary>
    public bool TryTime(ReadOnlySpan<byte> text, out long microseconds)
    {
        microseconds = 0;
        if (text.Length < 30 || text[16] != ':' || Vector128.Create(text[..16]) != Vector128.Create<byte>(_minuteText.AsSpan(0, 16)) || !Timestamp.TrySecondAndMicroseconds(text[UpToMinute..], out long after)) return false;
        if (text[29] != 'Z' || !Timestamp.IsDigit(text[26]) || !Timestamp.IsDigit(text[27]) || !Timestamp.IsDigit(text[28])) return false;
        microseconds = _minute + after;
        return true;
    }

    /// <summary>Remembers the element of an event, all of whose pieces have been found to be as they always are.</summary>
    /// <param name="text">The event.</param>
    /// <param name="e">What was read of it.</param>
    /// <param name="timeAt">Where its time starts.</param>
    /// <param name="recordEnd">Where its record id ends.</param>
    /// <param name="end">Where EventData's first child starts.</param>
    /// <param name="textAt">Where the event is in the buffer.</param>
    public void Remember(ReadOnlySpan<byte> text, SysmonEvent e, int timeAt, int recordEnd, int end, int textAt)
    {
        if (timeAt + 30 < text.Length && text[timeAt + 29] == 'Z' && Timestamp.TrySecondAndMicroseconds(text[(timeAt + UpToMinute)..], out long after))
        {
            text.Slice(timeAt, UpToMinute).CopyTo(_minuteText);
            _minute = e.Time - after;
        }
        if (e.EventId >= _elements.Length || end > Longest) return;
        ReadOnlySpan<byte> computer = e.Bytes(e.Computer);
        if (!computer.SequenceEqual(_computer.AsSpan(0, _computerLength)))
        {
            // Hosts may take turns line by line: that must not make one array after another.
            computer.CopyTo(_computer);
            (_computerLength, _computerMark) = (computer.Length, Interlocked.Increment(ref _lastMark));
        }
        e.ComputerMark = _computerMark;
        Element element = _elements[e.EventId] ??= new Element();
        element.Set(
            e.EventId,
            text[..timeAt],
            text[recordEnd..end],
            e.Computer with { Start = e.Computer.Start - textAt - recordEnd },
            e.SysmonUserId with { Start = e.SysmonUserId.Start - textAt - recordEnd },
            e.SysmonProcessId,
            _computerMark);
    }

    /// <summary>One event id's.</summary>
    public sealed class Element
    {
        byte[] _head = [];
        byte[] _tail = [];
        int _headLength;
        int _tailLength;

        /// <summary>Everything before the time.</summary>
        public ReadOnlySpan<byte> Head => MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(_head), _headLength);

        /// <summary>Everything behind the record id.</summary>
        public ReadOnlySpan<byte> Tail => MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(_tail), _tailLength);

        /// <summary>The event id.</summary>
        public int EventId { get; private set; }

        /// <summary>Computer, from the tail's start.</summary>
        public Slice Computer { get; private set; }

        /// <summary>Security's UserId, from the tail's start.</summary>
        public Slice UserId { get; private set; }

        /// <summary>Execution's ProcessID.</summary>
        public int ProcessId { get; private set; }

        /// <summary>The mark of every event with this Computer: <see cref="SysmonEvent.ComputerMark"/>.</summary>
        public int ComputerMark { get; private set; }

        /// <summary>Takes another one's place.</summary>
        public void Set(int eventId, ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, Slice computer, Slice userId, int processId, int computerMark)
        {
            // Room for the longest at once, so that no stream of changing hosts makes one array after another.
            if (_head.Length == 0) (_head, _tail) = (new byte[Longest], new byte[Longest]);
            head.CopyTo(_head);
            tail.CopyTo(_tail);
            (EventId, _headLength, _tailLength) = (eventId, head.Length, tail.Length);
            (Computer, UserId, ProcessId, ComputerMark) = (computer, userId, processId, computerMark);
        }
    }
}
