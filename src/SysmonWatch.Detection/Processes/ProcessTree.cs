using System.Buffers.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Processes;

/// <summary>
/// Who started whom, from the events alone. Gives every event a reference to its process as of that moment.
/// </summary>
/// <remarks>
/// Sysmon for Linux makes a new ProcessGuid at every execve of the same process id, with the same UtcTime (that of the fork); writes zeros or "-" for
/// parents that forked without exec; and writes event 5 for every thread. So an exec keeps the family of what it replaced, an unknown parent GUID
/// is looked for by process id, a process that never executed anything is known by the address of its program (<see cref="ProcessKey.TryRandomAddress"/>), and event 5
/// only says that the id may be used again. Not thread-safe: events are observed in order, on one thread.
/// </remarks>
public sealed class ProcessTree
{
    /// <summary>Bytes kept of one command line; Sysmon's own limit is 16,383.</summary>
    const int LongestCommandLine = 4096;

    /// <summary>Bytes kept of one path.</summary>
    const int LongestPath = 4096;

    /// <summary>What lies idle of one size of nodes may be this part of what is remembered.</summary>
    const int IdlePart = 128;

    readonly ProcessNodePool _nodes;
    ProcessTable _table;
    byte[] _scratch = new byte[1024];
    readonly byte[] _lastComputer = new byte[256];
    int _lastComputerLength = -1;
    int _lastComputerMark;
    ulong _lastComputerHash;
    readonly int _mostProcesses;
    readonly long _mostBytes;

    /// <summary>An empty tree.</summary>
    /// <param name="mostProcesses">How many processes are remembered at most; default 16,384.</param>
    /// <param name="mostBytes">How many bytes they may hold; default 32 MiB.</param>
    public ProcessTree(int mostProcesses = 16_384, long mostBytes = 32 << 20)
    {
        (_mostProcesses, _mostBytes) = (mostProcesses, mostBytes);
        _nodes = new ProcessNodePool(mostBytes / IdlePart);
        _table = new ProcessTable(mostProcesses, mostBytes, _nodes);
    }

    /// <summary>How many processes are remembered.</summary>
    public int Count => _table.Count;

    /// <summary>How many have been forgotten to stay within the bounds.</summary>
    public long Evictions => _table.Evictions;

    /// <summary>
    /// The events to come are of the next batch. From the first time on, nodes of processes that have been forgotten are used again once all batches of their
    /// time have been given back; all events must then be of batches.
    /// </summary>
    /// <param name="batch">Its number; one more each time, from 1.</param>
    /// <param name="oldest">The number of the oldest batch that has not been given back; this one's where all others have.</param>
    internal void Begin(long batch, long oldest) => _nodes.Begin(batch, oldest);

    /// <summary>Takes note of an event, and tells it its process and the normal form of its file name.</summary>
    public void Observe(SysmonEvent e)
    {
        if (e.TryWritten(KnownFields.TargetFilename, out ReadOnlySpan<byte> target) && PathNormalizer.Concerns(target)) NormalizeTarget(e, target);
        // A forged event must not become anybody's ancestor.
        if ((e.Marks & EventMarks.Forged) != 0) return;

        ulong computer = Computer(e);
        switch (e.EventId)
        {
            case 1:
                e.Process = Start(e, computer);
                break;
            case 8 or 10:
                e.Process = Known(e, computer, KnownFields.SourceProcessGuid, KnownFields.SourceProcessId, KnownFields.SourceImage, KnownFields.SourceUser, out _);
                break;
            default:
                e.Process = Known(e, computer, KnownFields.ProcessGuid, KnownFields.ProcessId, KnownFields.Image, KnownFields.User, out ProcessKey key);
                if (e.EventId == 5 && key != default) _table.MarkEnded(key);
                break;
        }
    }

    /// <summary>The whole tree as bytes.</summary>
    public void Save(System.Buffers.IBufferWriter<byte> into) => ProcessTreeSnapshot.Write(_table, into);

    /// <summary>Takes the place of what is known by what a snapshot says; leaves everything as it is when the snapshot is not one.</summary>
    public bool TryRestore(ReadOnlySpan<byte> snapshot)
    {
        // The nodes of the old one are not told to be forgotten: they are left to the garbage collector, and so are those of the snapshot.
        var table = new ProcessTable(_mostProcesses, _mostBytes, _nodes);
        if (!ProcessTreeSnapshot.TryRead(snapshot, table)) return false;
        _table = table;
        return true;
    }

    /// <summary>The hash of a computer's name; nearly all events of a stream are of one.</summary>
    ulong Computer(SysmonEvent e)
    {
        if (e.ComputerMark != 0 && e.ComputerMark == _lastComputerMark) return _lastComputerHash;
        ReadOnlySpan<byte> name = e.Bytes(e.Computer);
        if (name.Length != _lastComputerLength || !name.SequenceEqual(_lastComputer.AsSpan(0, name.Length)))
        {
            ulong hash = ProcessKey.HashOf(name);
            if (name.Length > _lastComputer.Length) return hash;
            name.CopyTo(_lastComputer);
            (_lastComputerLength, _lastComputerHash) = (name.Length, hash);
        }
        _lastComputerMark = e.ComputerMark;
        return _lastComputerHash;
    }

    ProcessNode? Start(SysmonEvent e, ulong computer)
    {
        e.TryWritten(KnownFields.ProcessGuid, out ReadOnlySpan<byte> guidText);
        int processId = Number(e, KnownFields.ProcessId);
        bool identified = ProcessKey.TryParseGuid(guidText, out UInt128 guid);
        var key = new ProcessKey(computer, guid, processId);
        if (identified) _table.ExpectPut(key);
        ulong forkedAt = e.TryWritten(KnownFields.UtcTime, out ReadOnlySpan<byte> utc) ? ProcessKey.HashOf(utc) : 0;

        ProcessNode? parent = Parent(e, computer, processId);
        ProcessNode? family = parent is null || SessionManagers.Contains(parent.Image.Span) ? null : parent.Family;
        if (forkedAt != 0
            && _table.TryGetByProcessId(computer, processId, out ProcessTable.Remembered before)
            && before.ForkedAt == forkedAt)
        {
            // The same process went on as another program.
            family = before.Node.Family;
            parent ??= before.Node.Parent;
        }

        ProcessNode node = NewNode(
            identified ? guidText : Fallback(processId, Text(e, KnownFields.Image)),
            processId,
            Text(e, KnownFields.Image),
            Text(e, KnownFields.CommandLine),
            Text(e, KnownFields.User),
            e.Time,
            parent,
            family);
        if (identified) _table.Put(new ProcessTable.Remembered(key, node, forkedAt, Ended: false));
        else _nodes.Forget(node);
        return node;
    }

    ProcessNode? Parent(SysmonEvent e, ulong computer, int childId)
    {
        int parentId = Number(e, KnownFields.ParentProcessId);
        e.TryWritten(KnownFields.ParentProcessGuid, out ReadOnlySpan<byte> guidText);
        if (ProcessKey.TryParseGuid(guidText, out UInt128 guid))
        {
            var key = new ProcessKey(computer, guid, parentId);
            return _table.Get(key)
                ?? NotSeen(key, guidText, Text(e, KnownFields.ParentImage), Text(e, KnownFields.ParentCommandLine), Text(e, KnownFields.ParentUser));
        }
        // A parent that forked without exec has no GUID; its process id may still lead to it, unless that id has been given up since.
        return parentId > 1 && parentId != childId && _table.TryGetByProcessId(computer, parentId, out ProcessTable.Remembered running) && !running.Ended
            ? running.Node
            : null;
    }

    ProcessNode? Known(SysmonEvent e, ulong computer, FieldId guidField, FieldId idField, FieldId imageField, FieldId userField, out ProcessKey key)
    {
        key = default;
        if (!e.TryWritten(guidField, out ReadOnlySpan<byte> guidText) && !e.TryWritten(idField, out _)) return null;

        ReadOnlySpan<byte> image = Text(e, imageField);
        int processId = Number(e, idField);
        if (!ProcessKey.TryParseGuid(guidText, out UInt128 guid))
        {
            if (_table.TryGetByProcessId(computer, processId, out ProcessTable.Remembered running) && running.Node.Image.Span.SequenceEqual(image)) return running.Node;
            ProcessNode unidentified = NewNode(Fallback(processId, image), processId, image, default, Text(e, userField), 0, null, null);
            _nodes.Forget(unidentified);
            return unidentified;
        }
        key = new ProcessKey(computer, guid, processId);
        // Event 5's User is unreliable, so it is not taken from there.
        return _table.Get(key)
            ?? NotSeen(key, guidText, image, default, e.EventId == 5 ? default : Text(e, userField));
    }

    /// <summary>A process that an event mentions and whose start was not seen (it forked without exec, or ran before Sysmon or before us): as the event has it.</summary>
    ProcessNode? NotSeen(ProcessKey key, ReadOnlySpan<byte> guid, ReadOnlySpan<byte> image, ReadOnlySpan<byte> commandLine, ReadOnlySpan<byte> user)
    {
        ProcessNode node;
        if (!image.IsEmpty && _table.TryGetByAddress(key, out ProcessTable.Remembered origin)
            && origin.Key.StartSecond <= key.StartSecond && origin.Node.Image.Span.SequenceEqual(image))
        {
            // The same program at the same random address: forked from there, directly or not, and so with its command line.
            node = NewNode(guid, key.ProcessId, image, origin.Node.CommandLine.Span, user, 0, origin.Node, SessionManagers.Contains(image) ? null : origin.Node.Family);
            _table.Put(new ProcessTable.Remembered(key, node, 0, Ended: false));
            return node;
        }
        // Same GUID, other id: the same program started in the same second, and all that did so are of one family.
        if (!_table.TryGetByGuid(key.Computer, key.Guid, out ProcessTable.Remembered sibling) || !(image.IsEmpty || sibling.Node.Image.Span.SequenceEqual(image))) sibling = default;
        if (image.IsEmpty && sibling.Node is null && key.ProcessId == 0) return null;
        node = NewNode(guid, key.ProcessId, image, commandLine, user, 0, sibling.Node?.Parent, sibling.Node?.Family);
        if (image.IsEmpty) _nodes.Forget(node);
        else _table.Put(new ProcessTable.Remembered(key, node, 0, Ended: false));
        return node;
    }

    ProcessNode NewNode(
        ReadOnlySpan<byte> guid,
        int processId,
        ReadOnlySpan<byte> image,
        ReadOnlySpan<byte> commandLine,
        ReadOnlySpan<byte> user,
        long startedAt,
        ProcessNode? parent,
        ProcessNode? family) =>
        _nodes.Make(
            guid, processId, image[..Math.Min(image.Length, LongestPath)], commandLine[..Math.Min(commandLine.Length, LongestCommandLine)], user, startedAt, parent, family);

    /// <summary>A name for a process without a GUID, so that its events can still be grouped.</summary>
    ReadOnlySpan<byte> Fallback(int processId, ReadOnlySpan<byte> image)
    {
        if (processId == 0 && image.IsEmpty) return default;
        image = image[..Math.Min(image.Length, LongestPath)];
        Span<byte> name = Scratch(4 + 11 + 1 + image.Length);
        "pid:"u8.CopyTo(name);
        Utf8Formatter.TryFormat(processId, name[4..], out int written);
        name[4 + written] = (byte)':';
        image.CopyTo(name[(5 + written)..]);
        return name[..(5 + written + image.Length)];
    }

    void NormalizeTarget(SysmonEvent e, ReadOnlySpan<byte> target)
    {
        Span<byte> normal = Scratch(target.Length + 1);
        if (PathNormalizer.TryNormalize(target, normal, out int length)) e.PutTargetPath(normal[..length]);
    }

    /// <summary>Memory for something that is put together, until the next.</summary>
    Span<byte> Scratch(int length)
    {
        if (_scratch.Length < length) _scratch = new byte[Math.Max(length, _scratch.Length * 2)];
        return _scratch;
    }

    /// <summary>A field's text; empty where it is absent or Sysmon's "-".</summary>
    static ReadOnlySpan<byte> Text(SysmonEvent e, FieldId field)
    {
        e.TryWritten(field, out ReadOnlySpan<byte> value);
        return value is [(byte)'-'] ? default : value;
    }

    static int Number(SysmonEvent e, FieldId field)
    {
        if (!e.TryWritten(field, out ReadOnlySpan<byte> value)) return 0;
        if (value.Length is 0 or > 9) return LongNumber(value);
        int number = 0;
        foreach (byte b in value)
        {
            uint digit = (uint)(b - '0');
            if (digit > 9) return LongNumber(value);
            number = (number * 10) + (int)digit;
        }
        return number;
    }

    static int LongNumber(ReadOnlySpan<byte> value) => Utf8Parser.TryParse(value, out int number, out int used) && used == value.Length && number > 0 ? number : 0;
}
