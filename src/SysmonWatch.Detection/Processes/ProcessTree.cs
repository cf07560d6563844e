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
        _table = new ProcessTable(mostProcesses, mostBytes);
    }

    /// <summary>How many processes are remembered.</summary>
    public int Count => _table.Count;

    /// <summary>How many have been forgotten to stay within the bounds.</summary>
    public long Evictions => _table.Evictions;

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
                e.Process = Known(e, computer, KnownFields.SourceProcessGuid, KnownFields.SourceProcessId, KnownFields.SourceImage, KnownFields.SourceUser);
                break;
            default:
                e.Process = Known(e, computer, KnownFields.ProcessGuid, KnownFields.ProcessId, KnownFields.Image, KnownFields.User);
                break;
        }
    }

    /// <summary>The whole tree as bytes.</summary>
    public void Save(System.Buffers.IBufferWriter<byte> into) => ProcessTreeSnapshot.Write(_table, into);

    /// <summary>Takes the place of what is known by what a snapshot says; leaves everything as it is when the snapshot is not one.</summary>
    public bool TryRestore(ReadOnlySpan<byte> snapshot)
    {
        var table = new ProcessTable(_mostProcesses, _mostBytes);
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
        if (identified) _table.Expect(key, put: true);
        e.TryWritten(KnownFields.ParentProcessGuid, out ReadOnlySpan<byte> parentGuidText);
        bool parentIdentified = ProcessKey.TryParseGuid(parentGuidText, out UInt128 parentGuid);
        var parentKey = new ProcessKey(computer, parentGuid, Number(e, KnownFields.ParentProcessId));
        if (parentIdentified) _table.Expect(parentKey, put: false);
        ulong forkedAt = e.TryWritten(KnownFields.UtcTime, out ReadOnlySpan<byte> utc) ? ProcessKey.HashOf(utc) : 0;

        ProcessNode? parent = parentIdentified ? IdentifiedParent(e, parentKey, parentGuidText) : RunningParent(parentKey, processId);
        ProcessNode? family = parent is null || SessionManagers.Contains(parent.Image.Span) ? null : parent.Family;
        if (forkedAt != 0
            && _table.TryGetByProcessId(computer, processId, out ProcessTable.Remembered before)
            && before.ForkedAt == forkedAt)
        {
            // The same process went on as another program.
            family = before.Node.Family;
            parent ??= before.Node.Parent;
        }

        var details = new ProcessDetails
        {
            ProcessGuid = identified ? guidText : Fallback(processId, Text(e, KnownFields.Image)),
            ProcessId = processId,
            Image = Text(e, KnownFields.Image),
            CommandLine = Text(e, KnownFields.CommandLine),
            User = Text(e, KnownFields.User),
            StartedAt = e.Time,
        };
        ProcessNode node = NewNode(details, parent, family);
        if (identified) _table.Put(new ProcessTable.Remembered(key, node, forkedAt, Ended: false));
        return node;
    }

    ProcessNode? IdentifiedParent(SysmonEvent e, in ProcessKey key, ReadOnlySpan<byte> guidText) =>
        _table.Get(key) ?? NotSeen(key, new ProcessDetails
        {
            ProcessGuid = guidText,
            ProcessId = key.ProcessId,
            Image = Text(e, KnownFields.ParentImage),
            CommandLine = Text(e, KnownFields.ParentCommandLine),
            User = Text(e, KnownFields.ParentUser),
        });

    /// <summary>A parent that forked without exec has no GUID; its process id may still lead to it, unless that id has been given up since.</summary>
    ProcessNode? RunningParent(in ProcessKey parent, int childId) =>
        parent.ProcessId > 1 && parent.ProcessId != childId
        && _table.TryGetByProcessId(parent.Computer, parent.ProcessId, out ProcessTable.Remembered running) && !running.Ended
            ? running.Node
            : null;

    ProcessNode? Known(SysmonEvent e, ulong computer, FieldId guidField, FieldId idField, FieldId imageField, FieldId userField)
    {
        if (!e.TryWritten(guidField, out ReadOnlySpan<byte> guidText) && !e.TryWritten(idField, out _)) return null;

        int processId = Number(e, idField);
        bool ends = e.EventId == 5;
        bool identified = ProcessKey.TryParseGuid(guidText, out UInt128 guid);
        var key = new ProcessKey(computer, guid, processId);
        if (identified && (ends ? _table.End(key) : _table.Get(key)) is { } known) return known;

        ReadOnlySpan<byte> image = Text(e, imageField);
        if (identified)
        {
            // Event 5's User is unreliable, so it is not taken from there.
            return NotSeen(key, new ProcessDetails { ProcessGuid = guidText, ProcessId = processId, Image = image, User = ends ? default : Text(e, userField) }, ends);
        }
        if (_table.TryGetByProcessId(computer, processId, out ProcessTable.Remembered running) && running.Node.Image.Span.SequenceEqual(image)) return running.Node;
        return NewNode(new ProcessDetails { ProcessGuid = Fallback(processId, image), ProcessId = processId, Image = image, User = Text(e, userField) }, null, null);
    }

    /// <summary>A process that an event mentions and whose start was not seen (it forked without exec, or ran before Sysmon or before us): as the event has it.</summary>
    ProcessNode? NotSeen(in ProcessKey key, ProcessDetails process, bool ended = false)
    {
        ReadOnlySpan<byte> image = process.Image;
        ProcessNode? parent = null, family = null;
        if (!image.IsEmpty && _table.TryGetByAddress(key, out ProcessTable.Remembered origin)
            && origin.Key.StartSecond <= key.StartSecond && origin.Node.Image.Span.SequenceEqual(image))
        {
            // The same program at the same random address: forked from there, directly or not, and so with its command line.
            process = process with { CommandLine = origin.Node.CommandLine.Span };
            (parent, family) = (origin.Node, SessionManagers.Contains(image) ? null : origin.Node.Family);
        }
        else if (_table.TryGetByGuid(key, out ProcessTable.Remembered sibling) && (image.IsEmpty || sibling.Node.Image.Span.SequenceEqual(image)))
        {
            // Same GUID, other id: the same program started in the same second, and all that did so are of one family.
            (parent, family) = (sibling.Node.Parent, sibling.Node.Family);
        }
        else if (image.IsEmpty && key.ProcessId == 0)
        {
            return null;
        }
        ProcessNode node = NewNode(process, parent, family);
        if (!image.IsEmpty) _table.Put(new ProcessTable.Remembered(key, node, 0, ended));
        return node;
    }

    static ProcessNode NewNode(ProcessDetails process, ProcessNode? parent, ProcessNode? family)
    {
        process = process with
        {
            Image = process.Image[..Math.Min(process.Image.Length, LongestPath)],
            CommandLine = process.CommandLine[..Math.Min(process.CommandLine.Length, LongestCommandLine)],
        };
        // Without this every process of an endless chain of forks would keep all before it alive.
        if (parent is { Depth: >= ProcessNode.MostAncestors - 1 }) parent = parent.WithoutAncestors();
        return new ProcessNode(process, parent, family?.AsFamilyRoot());
    }

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
