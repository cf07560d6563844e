using System.Globalization;
using System.Text;
using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Journal;

namespace SysmonWatch.Daemon.Tests.Intake;

/// <summary>A journal to play with, in memory: entries can be added, taken away, and reading them can be made to fail. Thread-safe.</summary>
sealed class ToyJournal : IJournalPlace
{
    readonly Lock _lock = new();
    readonly List<Entry> _entries = [];
    readonly List<Reader> _readers = [];
    string _problem = "";
    int _failure;
    int _number;
    int _failOnceAt;

    public IEnumerable<string> Files => [];

    /// <summary>What is wrong with it, as at the next look; reading it fails until this is empty again.</summary>
    public string Problem
    {
        get
        {
            lock (_lock) return _problem;
        }

        set
        {
            lock (_lock)
            {
                _problem = value;
                _failure = value.Length > 0 ? -5 : 0;
                RingAll();
            }
        }
    }

    /// <summary>Going to the entry of that number, the first being 1, fails once; a reader that has failed stands at it, as libsystemd may.</summary>
    public void FailOnceAt(int number)
    {
        lock (_lock) _failOnceAt = number;
    }

    /// <summary>Adds what the program sysmon, run by root, sends through syslog(3).</summary>
    public void Write(long time, params IEnumerable<string> messages)
    {
        foreach (string message in messages) Write(time, Encoding.UTF8.GetBytes(message), "syslog", "0", "/opt/sysmon/sysmon");
    }

    /// <summary>Adds an entry with SYSLOG_IDENTIFIER=sysmon; null for a field it does not have.</summary>
    public void Write(long time, byte[]? message, string? transport, string? uid, string? executable)
    {
        byte[]?[] fields = [Field("_TRANSPORT", transport), Field("_UID", uid), Field("_EXE", executable), message is null ? null : [.. "MESSAGE="u8, .. message]];
        WriteFields(time, [.. fields.OfType<byte[]>()]);
    }

    /// <summary>Adds an entry of these fields, each <c>NAME=value</c>, in that order.</summary>
    public void WriteFields(long time, params byte[][] fields)
    {
        lock (_lock)
        {
            _entries.Add(new Entry($"c{++_number:D8}", time, fields));
            RingAll();
        }
    }

    /// <summary>Takes away the oldest, as vacuuming does.</summary>
    public void Vacuum(int entries)
    {
        lock (_lock) _entries.RemoveRange(0, entries);
    }

    public JournalAccess Check() => new(Problem, Problem.Length > 0 ? "wait" : "", _entries.Count > 0);

    public int Open(out IJournal? journal)
    {
        lock (_lock)
        {
            var reader = new Reader(this);
            _readers.Add(reader);
            journal = reader;
            return 0;
        }
    }

    void RingAll()
    {
        foreach (Reader reader in _readers) WaitCalls.Ring(reader.Descriptor);
    }

    static byte[]? Field(string name, string? text) => text is null ? null : Encoding.UTF8.GetBytes($"{name}={text}");

    sealed record Entry(string Cursor, long Time, byte[][] Fields);

    /// <summary>Its place is a cursor, not an index, so that entries can go.</summary>
    sealed class Reader(ToyJournal journal) : IJournal
    {
        string _before = "";
        bool _behindAll;
        Entry? _entry;
        int _field;
        byte[] _given = [];

        public string? Cursor { get; private set; }

        public int Descriptor { get; } = WaitCalls.CreateEvent();

        public int AddAlternative(string match) => 0;

        public int SeekHead() => Seek("");

        public int SeekTail()
        {
            _behindAll = true;
            return 0;
        }

        public int SeekCursor(string cursor) => Seek(((int.Parse(cursor[1..], CultureInfo.InvariantCulture) - 1) is > 0 and var before) ? $"c{before:D8}" : "");

        public int SeekTime(long microseconds)
        {
            lock (journal._lock) return Seek(journal._entries.FindLast(e => e.Time < microseconds)?.Cursor ?? "");
        }

        public int Next()
        {
            lock (journal._lock)
            {
                if (journal._failure != 0) return journal._failure;
                Entry? next = journal._entries.Find(e => string.CompareOrdinal(e.Cursor, _before) > 0);
                if (next is null) return 0;
                (_entry, _before) = (next, next.Cursor);
                if (journal._failOnceAt == 0 || next.Cursor != $"c{journal._failOnceAt:D8}") return 1;
                journal._failOnceAt = 0;
                return -5;
            }
        }

        public int Previous()
        {
            lock (journal._lock)
            {
                Entry? previous = _behindAll ? journal._entries.LastOrDefault() : journal._entries.FindLast(e => string.CompareOrdinal(e.Cursor, _before) < 0);
                _behindAll = false;
                if (previous is null) return 0;
                (_entry, _before) = (previous, previous.Cursor);
                return 1;
            }
        }

        public bool IsAt(string cursor) => _entry?.Cursor == cursor;

        public void RestartFields() => _field = 0;

        public int NextField(out ReadOnlySpan<byte> field)
        {
            if (_field == _entry!.Fields.Length)
            {
                field = default;
                return 0;
            }
            // Valid until the next call, and not a moment longer.
            Array.Fill(_given, (byte)'?');
            _given = [.. _entry.Fields[_field++]];
            field = _given;
            return 1;
        }

        public long Time() => _entry!.Time;

        public int KeepCursor()
        {
            Cursor = _entry!.Cursor;
            return 0;
        }

        public int Process()
        {
            WaitCalls.Drain(Descriptor, stackalloc byte[8]);
            return 1;
        }

        public void Dispose()
        {
            lock (journal._lock) journal._readers.Remove(this);
            WaitCalls.Close(Descriptor);
        }

        int Seek(string before)
        {
            (_before, _behindAll) = (before, false);
            return 0;
        }
    }
}
