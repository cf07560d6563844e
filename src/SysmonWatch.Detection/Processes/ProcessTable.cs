using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Processes;

/// <summary>
/// The processes that are remembered. Beyond the bounds the oldest is forgotten, unless it has been seen since it came or since it was spared before: then it is
/// spared, once ("second chance"). So nothing has to be put in order when a process is seen. Not thread-safe.
/// </summary>
/// <param name="mostProcesses">How many at most.</param>
/// <param name="mostBytes">How many bytes of text they may hold at most.</param>
sealed class ProcessTable(int mostProcesses, long mostBytes)
{
    const int None = SlotIndex.None;

    /// <summary>What counts for a process beside its text, in bytes.</summary>
    const int SizeBesideText = 200;

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
    int _found = None;

    /// <summary>How many processes are remembered.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes they hold.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many have been forgotten to stay within the bounds.</summary>
    public long Evictions { get; private set; }

    /// <summary>From the one whose turn to be forgotten is next to the one whose turn is last.</summary>
    public IEnumerable<Remembered> OldestFirst
    {
        get
        {
            for (int at = _oldest; at != None; at = _entries[at].Next) yield return _entries[at].What;
        }
    }

    /// <summary>The process with this key, which is seen by that. Null where it is not remembered.</summary>
    public ProcessNode? Get(in ProcessKey key)
    {
        int slot = Find(key);
        if (slot == None) return null;
        _entries[slot].What.Seen = true;
        return _entries[slot].What.Node;
    }

    /// <summary>The process with this key, which has ended: its id may be another's from now on. Null where it is not remembered.</summary>
    public ProcessNode? End(in ProcessKey key)
    {
        int slot = Find(key);
        if (slot == None) return null;
        _entries[slot].What.Ended = true;
        return _entries[slot].What.Node;
    }

    /// <summary>The process that last ran under a process id.</summary>
    public bool TryGetByProcessId(ulong computer, int processId, out Remembered found) => TrySee(FindCurrent(computer, processId, out _), out found);

    /// <summary>The last process that was remembered with the GUID of another, whatever its process id. None where processes of several families have it.</summary>
    public bool TryGetByGuid(in ProcessKey key, out Remembered found)
    {
        int slot = FindLast(key, out _);
        return TrySee(slot != None && _entries[slot].What.SharesGuid ? None : slot, out found);
    }

    /// <summary>
    /// The process whose start was seen and whose program stands where that of another process does, which must have been forked from it
    /// then. None where several were started there, which chance does not do.
    /// </summary>
    public bool TryGetByAddress(in ProcessKey key, out Remembered found)
    {
        int slot = key.TryRandomAddress(out ulong address) ? FindAddress(key.Computer, address, out _) : None;
        return TrySee(slot != None && _entries[slot].What.SharesAddress ? None : slot, out found);
    }

    /// <summary>Remembers a process, or what is newly known of it.</summary>
    /// <param name="process">The process.</param>
    /// <param name="isCurrent">False where its process id is known to be another's by now.</param>
    /// <param name="isLastOfGuid">False where a later process has the same GUID.</param>
    /// <param name="isLastOfAddress">False where a later process was started with its program at the same address.</param>
    public void Put(in Remembered process, bool isCurrent = true, bool isLastOfGuid = true, bool isLastOfAddress = true)
    {
        int slot = Find(process.Key);
        bool sharesAddress = process.SharesAddress, sharesGuid = process.SharesGuid, seen = process.Seen;
        if (slot == None)
        {
            slot = NewSlot();
            _byKey.Add(_hash.Of(process.Key), slot);
            Count++;
            Enqueue(slot);
        }
        else
        {
            sharesAddress |= _entries[slot].What.SharesAddress;
            sharesGuid |= _entries[slot].What.SharesGuid;
            seen = true;
            Bytes -= _entries[slot].Size;
        }
        ref Entry entry = ref _entries[slot];
        entry.What = process;
        (entry.What.SharesAddress, entry.What.SharesGuid, entry.What.Seen) = (sharesAddress, sharesGuid, seen);
        entry.Size = SizeBesideText + process.Node.TextLength;
        Bytes += entry.Size;
        if (isCurrent && process.Key.ProcessId > 0)
        {
            if (FindCurrent(process.Key.Computer, process.Key.ProcessId, out int position) == None) _currentById.Add(_hash.Of(process.Key.Computer, process.Key.ProcessId), slot);
            else _currentById.Replace(position, slot);
        }
        if (isLastOfGuid)
        {
            int last = FindLast(process.Key, out int position);
            if (last == None)
            {
                _lastByGuid.Add(_hash.OfGuid(process.Key), slot);
            }
            else
            {
                entry.What.SharesGuid |= _entries[last].What.SharesGuid || !IsSame(_entries[last].What.Node.Family, process.Node.Family);
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
                entry.What.SharesAddress = true;
                _lastByAddress.Replace(position, slot);
            }
        }
        while ((Count > mostProcesses || Bytes > mostBytes) && Count > 1) ForgetOrSpareOldest(slot);
        if (Count >= mostProcesses) Expect(_entries[_oldest].What.Key, put: true);
    }

    /// <summary>
    /// A process is about to be looked for or put: what that needs is fetched meanwhile. Without this and the same for the oldest, which nobody has asked for in a long
    /// time, decoding a process-heavy log took 9 % longer. Changes nothing but the time it takes.
    /// </summary>
    /// <param name="key">Which process.</param>
    /// <param name="put">True where it is to be put.</param>
    public void Expect(in ProcessKey key, bool put)
    {
        _byKey.Expect(_hash.Of(key));
        if (!put) return;
        _currentById.Expect(_hash.Of(key.Computer, key.ProcessId));
        _lastByGuid.Expect(_hash.OfGuid(key));
        if (key.TryRandomAddress(out ulong address)) _lastByAddress.Expect(_hash.OfAddress(key.Computer, address));
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
        int slot = FindLast(process.Key, out _);
        return slot != None && _entries[slot].What.Key == process.Key;
    }

    /// <summary>True where the process is the last that was started with its program at its random address.</summary>
    public bool IsLastOfAddress(in Remembered process)
    {
        int slot = process.Key.TryRandomAddress(out ulong address) ? FindAddress(process.Key.Computer, address, out _) : None;
        return slot != None && _entries[slot].What.Key == process.Key;
    }

    bool TrySee(int slot, out Remembered found)
    {
        if (slot == None)
        {
            found = default;
            return false;
        }
        _entries[slot].What.Seen = true;
        found = _entries[slot].What;
        return true;
    }

    int Find(in ProcessKey key)
    {
        // Most events are about the process that the event before was about.
        if (_found != None && _entries[_found].What.Key.Is(key)) return _found;
        ulong hash = _hash.Of(key);
        int position = _byKey.Start(hash);
        int slot;
        while ((slot = _byKey.Next(hash, ref position)) != None && !_entries[slot].What.Key.Is(key))
        {
        }
        if (slot != None) _found = slot;
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

    int FindLast(in ProcessKey key, out int position)
    {
        ulong hash = _hash.OfGuid(key);
        position = _lastByGuid.Start(hash);
        int slot;
        while ((slot = _lastByGuid.Next(hash, ref position)) != None && !_entries[slot].What.Key.HasGuidOf(key))
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
            _freed = _entries[free].Next;
            return free;
        }
        if (_used == _entries.Length) Array.Resize(ref _entries, _entries.Length * 2);
        return _used++;
    }

    /// <summary>The oldest is forgotten, or becomes the newest where it has been seen or is the one that the room is needed for.</summary>
    void ForgetOrSpareOldest(int justPut)
    {
        int slot = _oldest;
        ref Entry entry = ref _entries[slot];
        _oldest = entry.Next;
        if (entry.What.Seen || slot == justPut)
        {
            entry.What.Seen = false;
            Enqueue(slot);
        }
        else
        {
            Forget(slot);
        }
    }

    void Forget(int slot)
    {
        ref Entry entry = ref _entries[slot];
        ProcessKey key = entry.What.Key;
        if (FindCurrent(key.Computer, key.ProcessId, out int position) == slot) _currentById.Remove(position);
        if (FindLast(key, out position) == slot) _lastByGuid.Remove(position);
        if (key.TryRandomAddress(out ulong address) && FindAddress(key.Computer, address, out position) == slot) _lastByAddress.Remove(position);
        ulong hash = _hash.Of(key);
        position = _byKey.Start(hash);
        while (_byKey.Next(hash, ref position) != slot)
        {
        }
        _byKey.Remove(position);
        Count--;
        Bytes -= entry.Size;
        entry.What = default;
        entry.Next = _freed;
        _freed = slot;
        if (_found == slot) _found = None;
        Evictions++;
    }

    void Enqueue(int slot)
    {
        _entries[slot].Next = None;
        if (_oldest == None) _oldest = slot;
        else _entries[_newest].Next = slot;
        _newest = slot;
    }

    static bool IsSame(ProcessNode one, ProcessNode other) =>
        ReferenceEquals(one, other) || (one.ProcessId == other.ProcessId && one.ProcessGuid.Span.SequenceEqual(other.ProcessGuid.Span));

    /// <summary>What is remembered of a process beside its node.</summary>
    /// <param name="Key">Which process.</param>
    /// <param name="Node">What is known of it.</param>
    /// <param name="ForkedAt">Hash of event 1's UtcTime, which is the time of the fork and stays the same over execs; 0 where unknown.</param>
    /// <param name="Ended">An event 5 has been seen (which is no proof: Sysmon writes it for every thread).</param>
    /// <param name="SharesAddress">Another process was started with its program at the same random address: it is not random then.</param>
    /// <param name="SharesGuid">Processes of several families have its GUID, so that it says nothing of another one that has it.</param>
    /// <param name="Seen">It was asked for since it came, or since it was spared.</param>
    internal record struct Remembered(
        ProcessKey Key, ProcessNode Node, ulong ForkedAt, bool Ended, bool SharesAddress = false, bool SharesGuid = false, bool Seen = false);

    struct Entry
    {
        public Remembered What;

        /// <summary>The one whose turn to be forgotten is next; of a slot that is free, the next free one.</summary>
        public int Next;

        /// <summary>What it counts for in <see cref="ProcessTable.Bytes"/>.</summary>
        public int Size;
    }

    /// <summary>Secret keys of this table's hashes, so that nobody can make up processes that all collide.</summary>
    readonly record struct HashKeys(ulong Add0, ulong Add1, ulong Add2, ulong Times0, ulong Times1, ulong Times2)
    {
        public static HashKeys Random()
        {
            Span<ulong> keys = stackalloc ulong[6];
            RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(keys));
            return new HashKeys(keys[0], keys[1], keys[2], keys[3] | 1, keys[4] | 1, keys[5] | 1);
        }

        public ulong Of(in ProcessKey key) => Mix(key.Computer ^ (uint)key.ProcessId, key.Upper, key.Lower);

        public ulong OfGuid(in ProcessKey key) => Mix(key.Computer, key.Upper, key.Lower);

        /// <summary>Ids are given one after the other, so eight of them share one line of memory.</summary>
        public ulong Of(ulong computer, int processId) => (Mix(computer, (uint)processId >> 3, 0) & ~(7UL << 32)) | ((ulong)(processId & 7) << 32);

        public ulong OfAddress(ulong computer, ulong address) => Mix(computer, address, 1);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        ulong Mix(ulong a, ulong b, ulong c)
        {
            ulong hash = ((a + Add0) * Times0) ^ ((b + Add1) * Times1);
            hash = (hash ^ (hash >> 32) ^ (c + Add2)) * Times2;
            return hash ^ (hash >> 29);
        }
    }
}
