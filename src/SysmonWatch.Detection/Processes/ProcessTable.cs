using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Processes;

/// <summary>The processes that are remembered, the least recently seen forgotten first. Not thread-safe.</summary>
/// <param name="mostProcesses">How many at most.</param>
/// <param name="mostBytes">How many bytes of text they may hold at most.</param>
/// <param name="pool">Is told of the nodes that are not remembered any more.</param>
sealed class ProcessTable(int mostProcesses, long mostBytes, ProcessNodePool pool)
{
    const int None = SlotIndex.None;

    readonly SlotIndex _byKey = new();
    readonly SlotIndex _currentById = new();
    readonly SlotIndex _lastByGuid = new();
    readonly SlotIndex _lastByAddress = new();
    readonly HashKeys _hash = HashKeys.Random();
    Entry[] _entries = new Entry[64];
    int _used;
    int _freed = None;
    int _oldest = None;
    int _newest = None;

    /// <summary>How many processes are remembered.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes they hold, with the room that is left behind a text.</summary>
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

    /// <summary>The process with this key; makes it the most recently seen. Null where it is not remembered.</summary>
    public ProcessNode? Get(in ProcessKey key)
    {
        int slot = Find(key);
        if (slot == None) return null;
        Touch(slot);
        return _entries[slot].What.Node;
    }

    /// <summary>The process that last ran under a process id.</summary>
    public bool TryGetByProcessId(ulong computer, int processId, out Remembered found) => TryTouch(FindCurrent(computer, processId, out _), out found);

    /// <summary>The last process that was remembered with a GUID, whatever its process id. None where processes of several families have it.</summary>
    public bool TryGetByGuid(ulong computer, UInt128 guid, out Remembered found)
    {
        int slot = FindLast(computer, guid, out _);
        return TryTouch(slot != None && _entries[slot].What.SharesGuid ? None : slot, out found);
    }

    /// <summary>
    /// The process whose start was seen and whose program stands where that of another process does, which must have been forked from it
    /// then. None where several were started there, which chance does not do.
    /// </summary>
    public bool TryGetByAddress(in ProcessKey key, out Remembered found)
    {
        int slot = key.TryRandomAddress(out ulong address) ? FindAddress(key.Computer, address, out _) : None;
        return TryTouch(slot != None && _entries[slot].What.SharesAddress ? None : slot, out found);
    }

    /// <summary>A process with this key is about to be put: lets what that needs be fetched meanwhile. Changes nothing but the time it takes.</summary>
    public void ExpectPut(in ProcessKey key)
    {
        _byKey.Expect(_hash.Of(key));
        _currentById.Expect(_hash.Of(key.Computer, key.ProcessId));
        _lastByGuid.Expect(_hash.Of(key.Computer, key.Guid));
    }

    /// <summary>Remembers a process, or what is newly known of it, as the most recently seen.</summary>
    /// <param name="process">The process.</param>
    /// <param name="isCurrent">False where its process id is known to be another's by now.</param>
    /// <param name="isLastOfGuid">False where a later process has the same GUID.</param>
    /// <param name="isLastOfAddress">False where a later process was started with its program at the same address.</param>
    public void Put(in Remembered process, bool isCurrent = true, bool isLastOfGuid = true, bool isLastOfAddress = true)
    {
        int slot = Find(process.Key);
        bool sharesAddress = process.SharesAddress || (slot != None && _entries[slot].What.SharesAddress);
        bool sharesGuid = process.SharesGuid || (slot != None && _entries[slot].What.SharesGuid);
        if (slot == None)
        {
            slot = NewSlot();
            _byKey.Add(_hash.Of(process.Key), slot);
            Count++;
        }
        else
        {
            Bytes -= _entries[slot].Size;
            Unlink(slot);
            if (!ReferenceEquals(_entries[slot].What.Node, process.Node)) pool.Forget(_entries[slot].What.Node);
        }
        ref Entry entry = ref _entries[slot];
        entry.What = process;
        (entry.What.SharesAddress, entry.What.SharesGuid) = (sharesAddress, sharesGuid);
        entry.Size = SizeOf(process.Node);
        Bytes += entry.Size;
        LinkNewest(slot);
        if (isCurrent && process.Key.ProcessId > 0)
        {
            if (FindCurrent(process.Key.Computer, process.Key.ProcessId, out int position) == None) _currentById.Add(_hash.Of(process.Key.Computer, process.Key.ProcessId), slot);
            else _currentById.Replace(position, slot);
        }
        if (isLastOfGuid)
        {
            int last = FindLast(process.Key.Computer, process.Key.Guid, out int position);
            if (last == None)
            {
                _lastByGuid.Add(_hash.Of(process.Key.Computer, process.Key.Guid), slot);
            }
            else
            {
                _entries[slot].What.SharesGuid |= _entries[last].What.SharesGuid || !IsSame(_entries[last].What.Node.Family, process.Node.Family);
                _lastByGuid.Replace(position, slot);
            }
        }
        if (isLastOfAddress && process.Node.StartedAt != 0 && process.Key.TryRandomAddress(out ulong address))
        {
            int other = FindAddress(process.Key.Computer, address, out int position);
            if (other == None)
            {
                _lastByAddress.Add(_hash.OfAddress(process.Key.Computer, address), slot);
            }
            else if (other != slot)
            {
                _entries[slot].What.SharesAddress = true;
                _lastByAddress.Replace(position, slot);
            }
        }
        while ((Count > mostProcesses || Bytes > mostBytes) && _oldest != slot) Forget(_oldest);
        if (Count >= mostProcesses && _oldest != None) ExpectToForget(_oldest);
    }

    /// <summary>
    /// Nobody has asked for the oldest process in a long time, so nothing about it is in the processor's cache, and forgetting it would wait for memory
    /// half a dozen times: it is fetched while the events in between are dealt with.
    /// </summary>
    void ExpectToForget(int oldest)
    {
        ref readonly Entry entry = ref _entries[oldest];
        ExpectPut(entry.What.Key);
        ProcessNodePool.ExpectToForget(entry.What.Node);
        if (entry.Newer != None) Prefetch.Of(ref _entries[entry.Newer]);
    }

    /// <summary>True where the process is the last that was started under its id.</summary>
    public bool IsCurrent(in Remembered process)
    {
        int slot = FindCurrent(process.Key.Computer, process.Key.ProcessId, out _);
        return slot != None && _entries[slot].What.Key == process.Key;
    }

    /// <summary>True where the process is the last that was remembered with its GUID.</summary>
    public bool IsLastOfGuid(in Remembered process)
    {
        int slot = FindLast(process.Key.Computer, process.Key.Guid, out _);
        return slot != None && _entries[slot].What.Key == process.Key;
    }

    /// <summary>True where the process is the last that was started with its program at its random address.</summary>
    public bool IsLastOfAddress(in Remembered process)
    {
        int slot = process.Key.TryRandomAddress(out ulong address) ? FindAddress(process.Key.Computer, address, out _) : None;
        return slot != None && _entries[slot].What.Key == process.Key;
    }

    /// <summary>Marks a process as ended: its id may be another's from now on.</summary>
    public void MarkEnded(in ProcessKey key)
    {
        int slot = Find(key);
        if (slot != None) _entries[slot].What.Ended = true;
    }

    bool TryTouch(int slot, out Remembered found)
    {
        if (slot == None)
        {
            found = default;
            return false;
        }
        Touch(slot);
        found = _entries[slot].What;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Touch(int slot)
    {
        if (slot == _newest) return;
        Unlink(slot);
        LinkNewest(slot);
    }

    int Find(in ProcessKey key)
    {
        // Most events are about the process that the event before was about.
        if (_newest != None && _entries[_newest].What.Key.Is(key)) return _newest;
        ulong hash = _hash.Of(key);
        int position = _byKey.Start(hash);
        int slot;
        while ((slot = _byKey.Next(hash, ref position)) != None && !_entries[slot].What.Key.Is(key))
        {
        }
        return slot;
    }

    int FindCurrent(ulong computer, int processId, out int position)
    {
        ulong hash = _hash.Of(computer, processId);
        position = _currentById.Start(hash);
        int slot;
        while ((slot = _currentById.Next(hash, ref position)) != None
            && !(_entries[slot].What.Key.ProcessId == processId && _entries[slot].What.Key.Computer == computer))
        {
        }
        return slot;
    }

    int FindLast(ulong computer, UInt128 guid, out int position)
    {
        ulong hash = _hash.Of(computer, guid);
        position = _lastByGuid.Start(hash);
        int slot;
        while ((slot = _lastByGuid.Next(hash, ref position)) != None
            && !(_entries[slot].What.Key.Guid == guid && _entries[slot].What.Key.Computer == computer))
        {
        }
        return slot;
    }

    int FindAddress(ulong computer, ulong address, out int position)
    {
        ulong hash = _hash.OfAddress(computer, address);
        position = _lastByAddress.Start(hash);
        int slot;
        while ((slot = _lastByAddress.Next(hash, ref position)) != None
            && !(_entries[slot].What.Key.Computer == computer && _entries[slot].What.Key.TryRandomAddress(out ulong its) && its == address))
        {
        }
        return slot;
    }

    int NewSlot()
    {
        if (_freed != None)
        {
            int free = _freed;
            _freed = _entries[free].Newer;
            return free;
        }
        if (_used == _entries.Length) Array.Resize(ref _entries, _entries.Length * 2);
        return _used++;
    }

    void Forget(int slot)
    {
        ref readonly Remembered process = ref _entries[slot].What;
        Unlink(slot);
        if (FindCurrent(process.Key.Computer, process.Key.ProcessId, out int position) == slot) _currentById.Remove(position);
        if (FindLast(process.Key.Computer, process.Key.Guid, out position) == slot) _lastByGuid.Remove(position);
        if (process.Key.TryRandomAddress(out ulong address) && FindAddress(process.Key.Computer, address, out position) == slot) _lastByAddress.Remove(position);
        ulong hash = _hash.Of(process.Key);
        position = _byKey.Start(hash);
        while (_byKey.Next(hash, ref position) != slot)
        {
        }
        _byKey.Remove(position);
        Count--;
        Bytes -= _entries[slot].Size;
        pool.Forget(process.Node);
        _entries[slot].What.Node = null!;
        _entries[slot].Newer = _freed;
        _freed = slot;
        Evictions++;
    }

    void Unlink(int slot)
    {
        Entry[] entries = _entries;
        (int older, int newer) = (entries[slot].Older, entries[slot].Newer);
        if (older != None) entries[older].Newer = newer;
        else _oldest = newer;
        if (newer != None) entries[newer].Older = older;
        else _newest = older;
    }

    void LinkNewest(int slot)
    {
        Entry[] entries = _entries;
        entries[slot].Older = _newest;
        entries[slot].Newer = None;
        if (_newest != None) entries[_newest].Newer = slot;
        _newest = slot;
        if (_oldest == None) _oldest = slot;
    }

    static bool IsSame(ProcessNode one, ProcessNode other) =>
        ReferenceEquals(one, other) || (one.ProcessId == other.ProcessId && one.ProcessGuid.Span.SequenceEqual(other.ProcessGuid.Span));

    /// <summary>By its text alone, so that after a restart the same is forgotten as without one: a node of a snapshot has no room behind its text.</summary>
    static int SizeOf(ProcessNode node) => 200 + TextSize.Rounded(node.TextLength);

    /// <summary>What is remembered of a process beside its node.</summary>
    /// <param name="Key">Which process.</param>
    /// <param name="Node">What is known of it.</param>
    /// <param name="ForkedAt">Hash of event 1's UtcTime, which is the time of the fork and stays the same over execs; 0 where unknown.</param>
    /// <param name="Ended">An event 5 has been seen (which is no proof: Sysmon writes it for every thread).</param>
    /// <param name="SharesAddress">Another process was started with its program at the same random address: it is not random then.</param>
    /// <param name="SharesGuid">Processes of several families have its GUID, so that it says nothing of another one that has it.</param>
    internal record struct Remembered(ProcessKey Key, ProcessNode Node, ulong ForkedAt, bool Ended, bool SharesAddress = false, bool SharesGuid = false);

    struct Entry
    {
        public Remembered What;
        public int Older;

        /// <summary>Of a slot that is free: the next free one.</summary>
        public int Newer;

        /// <summary>What it counts for in <see cref="ProcessTable.Bytes"/>.</summary>
        public int Size;
    }

    /// <summary>Secret keys of this table's hashes, so that nobody can make up processes that all collide.</summary>
    readonly record struct HashKeys(ulong Add0, ulong Add1, ulong Add2, ulong Times0, ulong Times1, ulong Times2)
    {
        public static HashKeys Random()
        {
            Span<ulong> keys = stackalloc ulong[6];
            RandomNumberGenerator.Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(keys));
            return new HashKeys(keys[0], keys[1], keys[2], keys[3] | 1, keys[4] | 1, keys[5] | 1);
        }

        public ulong Of(in ProcessKey key) => Mix(key.Computer ^ (uint)key.ProcessId, (ulong)(key.Guid >> 64), (ulong)key.Guid);

        public ulong Of(ulong computer, UInt128 guid) => Mix(computer, (ulong)(guid >> 64), (ulong)guid);

        public ulong Of(ulong computer, int processId) => Mix(computer, (uint)processId, 0);

        public ulong OfAddress(ulong computer, ulong address) => Mix(computer, address, 1);

        ulong Mix(ulong a, ulong b, ulong c)
        {
            ulong hash = ((a + Add0) * Times0) ^ ((b + Add1) * Times1);
            hash = (hash ^ (hash >> 32) ^ (c + Add2)) * Times2;
            return hash ^ (hash >> 29);
        }
    }
}
