using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Sequence;

/// <summary>Why a line of a file looks as if Sysmon had not written it.</summary>
public enum ForgeryDoubt : byte
{
    /// <summary>Nothing speaks against it. That proves nothing.</summary>
    None,

    /// <summary>It lacks what every event of Sysmon's has: provider, time, number, computer, or the process that wrote it.</summary>
    Incomplete,

    /// <summary>Its Execution ProcessID is not that of the running Sysmon.</summary>
    OtherProcess,

    /// <summary>It says that another user than root wrote it.</summary>
    OtherUser,
}

/// <summary>
/// Doubts lines of syslog files, where nothing says who wrote them: anyone may write to the log under the name sysmon.
/// </summary>
/// <remarks>
/// <para>
/// What it can tell: a forger who does not look closely. Sysmon writes its own process id into each event, and starts every run with event 16
/// or 4; a process id that no start announced, while the announced one goes on writing, is somebody else's. Events that lack time, number,
/// computer or process id are never Sysmon's, cut ones excepted.
/// </para>
/// <para>
/// What it cannot tell: a forger who reads the log (or <c>pidof sysmon</c>) and copies everything. Then only the number remains, which
/// <see cref="SequenceWatch"/> sees: the genuine event with the same number makes a conflict, a number too high an outlier. Where
/// no event 4 or 16 has been seen it says nothing; where a later one was lost, a process id that writes 16 events in a row is believed. A forged start (event 4 with a process id of its own) makes
/// that process believed beside the genuine one: both are told apart no more, but the start itself is an event that rules see.
/// It never drops anything; a doubt is a mark and a fact.
/// </para>
/// <para>Bounded: 256 computers, four process ids each. Not thread-safe. Sees events in order.</para>
/// </remarks>
public sealed class ForgeryHeuristic
{
    const int MostComputers = 256;
    const int MostProcesses = 4;

    /// <summary>So many events in a row make a process id believable that no start announced (its start was lost, or reading began later).</summary>
    const int Believable = 16;

    const int LongestName = 256;

    readonly Dictionary<string, Writers> _computers = new(StringComparer.Ordinal);
    readonly byte[] _lastName = new byte[LongestName];
    int _lastLength = -1;
    int _lastMark;
    Writers? _last;

    /// <summary>What speaks against an event that came in a file. Cheap where nothing does.</summary>
    public ForgeryDoubt Doubt(SysmonEvent e)
    {
        if (LacksWhatAllHave(e)) return ForgeryDoubt.Incomplete;
        if (e.SysmonUserId.Length > 0 && !e.Bytes(e.SysmonUserId).SequenceEqual("0"u8)) return ForgeryDoubt.OtherUser;
        if (e.SysmonProcessId == 0 || e.Computer.Length == 0) return ForgeryDoubt.None;

        Writers writers = Of(e);
        if (e.EventId is 4 or 16) return writers.Start(e);
        return writers.Writes(e.SysmonProcessId) ? ForgeryDoubt.None : ForgeryDoubt.OtherProcess;
    }

    /// <summary>Of a cut event only what stands behind the cut may be missing.</summary>
    static bool LacksWhatAllHave(SysmonEvent e)
    {
        bool mayLack = (e.Marks & EventMarks.Truncated) != 0 && e.FieldCount == 0 && e.CutField is null;
        if (e is { HasTime: true, HasRecordId: true, SysmonProcessId: not 0, Computer.Length: > 0 }) return false;
        ReadOnlySpan<bool> has = [e.HasTime, e.HasRecordId, e.SysmonProcessId != 0, e.Computer.Length > 0];
        int first = has.IndexOf(false);
        return first >= 0 && (!mayLack || has[first..].Contains(true));
    }

    Writers Of(SysmonEvent e)
    {
        // Nearly all events of a stream are of one host.
        if (e.ComputerMark != 0 && e.ComputerMark == _lastMark && _last is { } same) return same;
        ReadOnlySpan<byte> bytes = e.Bytes(e.Computer);
        if (bytes.Length > LongestName) bytes = bytes[..LongestName];
        _lastMark = e.ComputerMark;
        if (_last is { } last && bytes.Length == _lastLength && bytes.SequenceEqual(_lastName.AsSpan(0, bytes.Length))) return last;

        Dictionary<string, Writers>.AlternateLookup<ReadOnlySpan<char>> lookup = _computers.GetAlternateLookup<ReadOnlySpan<char>>();
        Span<char> name = stackalloc char[LongestName];
        int length = System.Text.Encoding.UTF8.GetChars(bytes, name);
        if (!lookup.TryGetValue(name[..length], out Writers? known))
        {
            if (_computers.Count >= MostComputers) _computers.Remove(_computers.MinBy(c => c.Value.Events).Key);
            known = new Writers();
            _computers.Add(name[..length].ToString(), known);
        }
        bytes.CopyTo(_lastName);
        (_last, _lastLength) = (known, bytes.Length);
        return known;
    }

    /// <summary>The process ids under which one computer's Sysmon writes.</summary>
    sealed class Writers
    {
        readonly List<int> _believed = new(MostProcesses);
        int _candidate;
        int _candidateEvents;

        public long Events { get; private set; }

        /// <summary>16 or 4: a start, a stop, or a new configuration; the last comes from the process that runs.</summary>
        public ForgeryDoubt Start(SysmonEvent e)
        {
            Events++;
            Believe(e.SysmonProcessId);
            return ForgeryDoubt.None;
        }

        public bool Writes(int process)
        {
            Events++;
            if (_believed.Count > 0 && _believed[^1] == process)
            {
                _candidateEvents = 0;
                return true;
            }
            // Without a start seen there is nothing to hold it against.
            if (_believed.Count == 0 || _believed.Contains(process)) return true;
            _candidateEvents = _candidate == process ? _candidateEvents + 1 : 1;
            _candidate = process;
            if (_candidateEvents < Believable) return false;
            Believe(process);
            return true;
        }

        void Believe(int process)
        {
            _candidateEvents = 0;
            if (_believed.Remove(process) || _believed.Count < MostProcesses)
            {
                _believed.Add(process);
                return;
            }
            _believed.RemoveAt(0);
            _believed.Add(process);
        }
    }
}
