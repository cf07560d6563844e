using System.Runtime.InteropServices;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Processes;

/// <summary>The processes that are remembered, the least recently seen forgotten first. Not thread-safe.</summary>
/// <param name="mostProcesses">How many at most.</param>
/// <param name="mostBytes">How many bytes of text they may hold at most.</param>
sealed class ProcessTable(int mostProcesses, long mostBytes)
{
    const int None = -1;

    readonly Dictionary<ProcessKey, int> _slots = [];
    readonly Dictionary<(ulong Computer, int ProcessId), ProcessKey> _current = [];
    readonly Dictionary<(ulong Computer, UInt128 Guid), ProcessKey> _lastOfGuid = [];
    readonly List<Entry> _entries = [];
    readonly Stack<int> _free = [];
    int _oldest = None;
    int _newest = None;

    /// <summary>How many processes are remembered.</summary>
    public int Count => _slots.Count;

    /// <summary>Bytes of text they hold.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many have been forgotten to stay within the bounds.</summary>
    public long Evictions { get; private set; }

    /// <summary>From the least to the most recently seen.</summary>
    public IEnumerable<Remembered> OldestFirst
    {
        get
        {
            for (int at = _oldest; at != None; at = _entries[at].Newer) yield return _entries[at].What;
        }
    }

    /// <summary>The process with this key; makes it the most recently seen.</summary>
    public bool TryGet(in ProcessKey key, out Remembered found)
    {
        if (!_slots.TryGetValue(key, out int slot))
        {
            found = default;
            return false;
        }
        found = _entries[slot].What;
        if (slot != _newest)
        {
            Unlink(slot);
            LinkNewest(slot);
        }
        return true;
    }

    /// <summary>The process that last ran under a process id.</summary>
    public bool TryGetByProcessId(ulong computer, int processId, out Remembered found)
    {
        found = default;
        return _current.TryGetValue((computer, processId), out ProcessKey key) && TryGet(key, out found);
    }

    /// <summary>The last process that was remembered with a GUID, whatever its process id.</summary>
    public bool TryGetByGuid(ulong computer, UInt128 guid, out Remembered found)
    {
        found = default;
        return _lastOfGuid.TryGetValue((computer, guid), out ProcessKey key) && TryGet(key, out found);
    }

    /// <summary>Remembers a process, or what is newly known of it, as the most recently seen.</summary>
    /// <param name="process">The process.</param>
    /// <param name="isCurrent">False where its process id is known to be another's by now.</param>
    /// <param name="isLastOfGuid">False where a later process has the same GUID.</param>
    public void Put(in Remembered process, bool isCurrent = true, bool isLastOfGuid = true)
    {
        if (_slots.TryGetValue(process.Key, out int slot))
        {
            ref Entry entry = ref CollectionsMarshal.AsSpan(_entries)[slot];
            Bytes += SizeOf(process.Node) - SizeOf(entry.What.Node);
            entry.What = process;
            Unlink(slot);
        }
        else
        {
            if (!_free.TryPop(out slot))
            {
                slot = _entries.Count;
                _entries.Add(default);
            }
            CollectionsMarshal.AsSpan(_entries)[slot].What = process;
            _slots[process.Key] = slot;
            Bytes += SizeOf(process.Node);
        }
        LinkNewest(slot);
        if (isCurrent && process.Key.ProcessId > 0) _current[(process.Key.Computer, process.Key.ProcessId)] = process.Key;
        if (isLastOfGuid) _lastOfGuid[(process.Key.Computer, process.Key.Guid)] = process.Key;
        while ((_slots.Count > mostProcesses || Bytes > mostBytes) && _oldest != slot) Forget(_oldest);
    }

    /// <summary>True where the process is the last that was started under its id.</summary>
    public bool IsCurrent(in Remembered process) =>
        _current.TryGetValue((process.Key.Computer, process.Key.ProcessId), out ProcessKey key) && key == process.Key;

    /// <summary>True where the process is the last that was remembered with its GUID.</summary>
    public bool IsLastOfGuid(in Remembered process) =>
        _lastOfGuid.TryGetValue((process.Key.Computer, process.Key.Guid), out ProcessKey key) && key == process.Key;

    /// <summary>Marks a process as ended: its id may be another's from now on.</summary>
    public void MarkEnded(in ProcessKey key)
    {
        if (_slots.TryGetValue(key, out int slot)) CollectionsMarshal.AsSpan(_entries)[slot].What = _entries[slot].What with { Ended = true };
    }

    void Forget(int slot)
    {
        Remembered process = _entries[slot].What;
        Unlink(slot);
        _slots.Remove(process.Key);
        if (IsCurrent(process)) _current.Remove((process.Key.Computer, process.Key.ProcessId));
        if (IsLastOfGuid(process)) _lastOfGuid.Remove((process.Key.Computer, process.Key.Guid));
        Bytes -= SizeOf(process.Node);
        CollectionsMarshal.AsSpan(_entries)[slot] = default;
        _free.Push(slot);
        Evictions++;
    }

    void Unlink(int slot)
    {
        Span<Entry> entries = CollectionsMarshal.AsSpan(_entries);
        (int older, int newer) = (entries[slot].Older, entries[slot].Newer);
        if (older != None) entries[older].Newer = newer;
        else if (_oldest == slot) _oldest = newer;
        if (newer != None) entries[newer].Older = older;
        else if (_newest == slot) _newest = older;
    }

    void LinkNewest(int slot)
    {
        Span<Entry> entries = CollectionsMarshal.AsSpan(_entries);
        entries[slot].Older = _newest;
        entries[slot].Newer = None;
        if (_newest != None) entries[_newest].Newer = slot;
        _newest = slot;
        if (_oldest == None) _oldest = slot;
    }

    static int SizeOf(ProcessNode node) => 200 + node.ProcessGuid.Length + node.Image.Length + node.CommandLine.Length + node.User.Length;

    /// <summary>What is remembered of a process beside its node.</summary>
    /// <param name="Key">Which process.</param>
    /// <param name="Node">What is known of it.</param>
    /// <param name="ForkedAt">Hash of event 1's UtcTime, which is the time of the fork and stays the same over execs; 0 where unknown.</param>
    /// <param name="Ended">An event 5 has been seen (which is no proof: Sysmon writes it for every thread).</param>
    internal readonly record struct Remembered(ProcessKey Key, ProcessNode Node, ulong ForkedAt, bool Ended);

    struct Entry
    {
        public Remembered What;
        public int Older;
        public int Newer;
    }
}
