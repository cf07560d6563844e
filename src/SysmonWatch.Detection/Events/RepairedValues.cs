namespace SysmonWatch.Detection.Events;

/// <summary>
/// The values that the repairs put beside those of one event. Worked out when a rule first asks, into memory that is used again for the next
/// event.
/// </summary>
/// <remarks>
/// argv[0] is chosen by whoever starts a program: what comes of it must never make a filter of a rule true (the engine sees to that), and may only
/// add matches. Not thread-safe; an event is with one thread at a time.
/// </remarks>
sealed class RepairedValues
{
    /// <summary>The longest path that is put together, in bytes; Linux takes none that is longer.</summary>
    const int LongestPath = 4096;

    const int Fields = 4;

    static readonly FieldId ProcessCommandLine = FieldId.Of("ProcessCommandLine");
    static readonly FieldId[] Repaired = [KnownFields.Image, KnownFields.ParentImage, KnownFields.ParentCommandLine, KnownFields.ParentUser];

    readonly (ReadOnlyMemory<byte> Value, string Repair)[][] _values = [.. Enumerable.Range(0, Fields).Select(_ => new (ReadOnlyMemory<byte>, string)[8])];
    readonly int[] _counts = new int[Fields];
    byte[] _paths = new byte[512];
    int _used;
    int _known;

    /// <summary>True for a field that a repair can give further values.</summary>
    public static bool Concern(FieldId field) => IndexOf(field) >= 0;

    /// <summary>Forgets the event.</summary>
    public void Clear()
    {
        if (_known == 0) return;
        _known = 0;
        _used = 0;
        Array.Clear(_counts);
    }

    /// <summary>The repaired values of a field, with the repairs' names.</summary>
    public ReadOnlySpan<(ReadOnlyMemory<byte> Value, string Repair)> Of(SysmonEvent e, FieldId field)
    {
        int index = IndexOf(field);
        if (index < 0) return default;
        if ((_known & 1 << index) == 0)
        {
            _known |= 1 << index;
            Find(e, index);
        }
        return _values[index].AsSpan(0, _counts[index]);
    }

    static int IndexOf(FieldId field)
    {
        for (int i = 0; i < Fields; i++)
        {
            if (Repaired[i].Value == field.Value) return i;
        }
        return -1;
    }

    /// <summary>
    /// What the repaired values of an image are made of, in a form that is the same only where they are the same, so that whoever knows it needs not work
    /// them out.
    /// </summary>
    /// <param name="e">The event.</param>
    /// <param name="field">The field.</param>
    /// <param name="buffer">Where to write it.</param>
    /// <returns>Empty for other fields, and where it is longer than the buffer.</returns>
    public static ReadOnlySpan<byte> Origin(SysmonEvent e, FieldId field, Span<byte> buffer)
    {
        const int Head = 4;
        int index = IndexOf(field);
        if (index is not (0 or 1)) return default;
        buffer[0] = (byte)e.Repairs;
        if (!e.TryWritten(field, out ReadOnlySpan<byte> written)) return buffer[..1];
        bool isFilled = Program(e, index, written, out ReadOnlySpan<byte> image, out ReadOnlySpan<byte> commandLine);
        ReadOnlySpan<byte> first = FirstWord(commandLine, out ReadOnlySpan<byte> rest);
        ReadOnlySpan<byte> second = image.EndsWith(BusyBox) ? FirstWord(rest, out _) : default;
        int length = Head + image.Length + first.Length + second.Length;
        if (length > buffer.Length) return default;
        buffer[1] = isFilled ? (byte)1 : (byte)0;
        buffer[2] = (byte)image.Length;
        buffer[3] = (byte)first.Length;
        image.CopyTo(buffer[Head..]);
        first.CopyTo(buffer[(Head + image.Length)..]);
        second.CopyTo(buffer[(Head + image.Length + first.Length)..]);
        return buffer[..length];
    }

    static ReadOnlySpan<byte> BusyBox => "busybox"u8;

    void Find(SysmonEvent e, int index)
    {
        // What Sysmon does not write for this kind of event is not made up.
        if (e.Find(Repaired[index], out ReadOnlySpan<byte> written) != ValueKind.Text) return;
        ProcessNode? parent = Parent(e);
        switch (index)
        {
            case 0 or 1:
                bool isFilled = Program(e, index, written, out ReadOnlySpan<byte> image, out ReadOnlySpan<byte> commandLine);
                if (isFilled) Add(index, parent!.Image, RepairNames.ParentFromTree);
                AddNames(e, index, image, commandLine);
                break;
            case 2:
                if (parent is { CommandLine.Length: > 0 } && IsLess(written, parent.CommandLine.Span)) Add(index, parent.CommandLine, RepairNames.ParentFromTree);
                break;
            default:
                if (IsDash(written) && parent is { User.Length: > 0 }) Add(index, parent.User, RepairNames.ParentFromTree);
                break;
        }
    }

    static ProcessNode? Parent(SysmonEvent e) => (e.Repairs & Repairs.ParentFromTree) != 0 ? e.Process?.Parent : null;

    /// <summary>The program that Image (0) or ParentImage (1) is about.</summary>
    /// <returns>True where the parent's image is the tree's.</returns>
    static bool Program(SysmonEvent e, int index, ReadOnlySpan<byte> written, out ReadOnlySpan<byte> image, out ReadOnlySpan<byte> commandLine)
    {
        image = written;
        if (index == 0)
        {
            if (!e.TryWritten(KnownFields.CommandLine, out commandLine) && !e.TryWritten(ProcessCommandLine, out commandLine) && e.Process is { } process)
            {
                commandLine = process.CommandLine.Span;
            }
            return false;
        }
        ProcessNode? parent = Parent(e);
        bool isFilled = IsDash(written) && parent is { Image.Length: > 0 };
        if (isFilled) image = parent!.Image.Span;
        e.TryWritten(KnownFields.ParentCommandLine, out commandLine);
        if (parent is { CommandLine.Length: > 0 } && IsLess(commandLine, parent.CommandLine.Span)) commandLine = parent.CommandLine.Span;
        return isFilled;
    }

    /// <summary>The names a program is known by beside its path.</summary>
    void AddNames(SysmonEvent e, int index, ReadOnlySpan<byte> image, ReadOnlySpan<byte> commandLine)
    {
        int slash = image.LastIndexOf((byte)'/');
        if ((e.Repairs & Repairs.ImageAsCalled) == 0 || slash < 0) return;
        ReadOnlySpan<byte> directory = image[..(slash + 1)];
        ReadOnlySpan<byte> name = image[(slash + 1)..];
        ReadOnlySpan<byte> called = FirstWord(commandLine, out ReadOnlySpan<byte> rest);
        if (called is [(byte)'-', ..]) called = called[1..];
        AddCalled(index, image, directory, called);
        if (name.SequenceEqual(BusyBox) && LastPart(called).SequenceEqual(name)) AddCalled(index, image, directory, FirstWord(rest, out _));
        foreach (byte[] other in OtherProgramNames.Of(name))
        {
            if (!other.AsSpan().SequenceEqual(LastPart(called))) AddPath(index, directory, other);
        }
    }

    void AddCalled(int index, ReadOnlySpan<byte> image, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> called)
    {
        if (called is [(byte)'/', ..])
        {
            if (!called.SequenceEqual(image)) AddPath(index, default, called);
            return;
        }
        ReadOnlySpan<byte> name = LastPart(called);
        if (!name.IsEmpty && !name.SequenceEqual(image[directory.Length..])) AddPath(index, directory, name);
    }

    void AddPath(int index, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name)
    {
        int length = directory.Length + name.Length;
        if (length > LongestPath) return;
        // Values found before keep the array they are in.
        if (_paths.Length - _used < length) (_paths, _used) = (new byte[Math.Max(512, length * 2)], 0);
        directory.CopyTo(_paths.AsSpan(_used));
        name.CopyTo(_paths.AsSpan(_used + directory.Length));
        Add(index, _paths.AsMemory(_used, length), RepairNames.ImageAsCalled);
        _used += length;
    }

    void Add(int index, ReadOnlyMemory<byte> value, string repair) => _values[index][_counts[index]++] = (value, repair);

    static ReadOnlySpan<byte> FirstWord(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> rest)
    {
        int end = text.IndexOf((byte)' ');
        rest = end < 0 ? default : text[(end + 1)..];
        return end < 0 ? text : text[..end];
    }

    static ReadOnlySpan<byte> LastPart(ReadOnlySpan<byte> path) => path[(path.LastIndexOf((byte)'/') + 1)..];

    static bool IsDash(ReadOnlySpan<byte> value) => value is [] or [(byte)'-'];

    /// <summary>True where Sysmon wrote nothing, or only argv[0], and the tree knows more.</summary>
    static bool IsLess(ReadOnlySpan<byte> written, ReadOnlySpan<byte> known) =>
        IsDash(written) || (!written.Contains((byte)' ') && known.Length > written.Length);
}
