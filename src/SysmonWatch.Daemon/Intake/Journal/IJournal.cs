namespace SysmonWatch.Daemon.Intake.Journal;

/// <summary>A journal that is open: entries one after the other. Calls give a negative errno where they fail. Used by one thread at a time.</summary>
interface IJournal : IDisposable
{
    /// <summary>Only entries with this field are read; several are alternatives.</summary>
    int AddAlternative(string match);

    /// <summary>Goes before the first entry.</summary>
    int SeekHead();

    /// <summary>Goes behind the last entry.</summary>
    int SeekTail();

    /// <summary>Goes before the entry with that cursor, or before the nearest one after it.</summary>
    int SeekCursor(string cursor);

    /// <summary>Goes before the first entry of that time, in microseconds since 1970.</summary>
    int SeekTime(long microseconds);

    /// <summary>Goes to the next entry.</summary>
    /// <returns>1; 0 where there is none; a negative errno.</returns>
    int Next();

    /// <summary>Goes to the entry before.</summary>
    /// <returns>1; 0 where there is none; a negative errno.</returns>
    int Previous();

    /// <summary>True where the present entry has that cursor.</summary>
    bool IsAt(string cursor);

    /// <summary>Goes before the first field of the present entry.</summary>
    void RestartFields();

    /// <summary>
    /// Goes to the next field of the present entry: <c>NAME=value</c>, byte for byte; valid until the next call. The order means nothing, a name may
    /// come several times, and a field that cannot be read is left out.
    /// </summary>
    /// <returns>1; 0 where there is none; a negative errno.</returns>
    int NextField(out ReadOnlySpan<byte> field);

    /// <summary>When journald took the present entry, microseconds since 1970; 0 where it cannot be read.</summary>
    long Time();

    /// <summary>Remembers the cursor of the present entry, cheaply.</summary>
    int KeepCursor();

    /// <summary>The cursor that was remembered last; null where none was.</summary>
    string? Cursor { get; }

    /// <summary>What rings when something happens in the journal; negative where nothing does.</summary>
    int Descriptor { get; }

    /// <summary>Takes note of what rang.</summary>
    /// <returns>0 nothing, 1 entries were added, 2 files came or went; a negative errno.</returns>
    int Process();
}

/// <summary>A place where a journal may be.</summary>
interface IJournalPlace
{
    /// <summary>Files and directories that change when an entry is added or files come and go, for the slow poll.</summary>
    IEnumerable<string> Files { get; }

    /// <summary>Whether it can be read, and if not, what to do.</summary>
    JournalAccess Check();

    /// <summary>Opens it.</summary>
    /// <returns>0, or a negative errno.</returns>
    int Open(out IJournal? journal);
}

/// <summary>The journal of this host, through libsystemd.</summary>
/// <param name="directory">Journal files of another place; null for this host's.</param>
sealed class SystemJournal(string? directory = null) : IJournalPlace
{
    /// <inheritdoc/>
    public IEnumerable<string> Files => JournalAccess.Growing(directory);

    /// <inheritdoc/>
    public JournalAccess Check() => JournalAccess.Check(directory);

    /// <inheritdoc/>
    public int Open(out IJournal? journal)
    {
        int result = SdJournal.Open(directory, out SdJournal? opened);
        journal = opened;
        return result;
    }
}
