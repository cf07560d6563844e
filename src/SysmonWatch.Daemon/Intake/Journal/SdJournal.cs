using System.Runtime.InteropServices;
using System.Text;

namespace SysmonWatch.Daemon.Intake.Journal;

/// <summary>
/// A reader of the journal: libsystemd's sd-journal, found when it is needed. One thread at a time.
/// </summary>
/// <remarks>Source: sd-journal(3) and the manual pages it names. Calls give a negative errno where they fail.</remarks>
sealed unsafe partial class SdJournal : IJournal
{
    const string Library = "libsystemd.so.0";
    const int SD_JOURNAL_LOCAL_ONLY = 1, SD_JOURNAL_SYSTEM = 4;

    nint _journal;
    byte* _cursor;

    SdJournal(nint journal) => _journal = journal;

    /// <summary>True where the library is there.</summary>
    public static bool IsInstalled { get; } = NativeLibrary.TryLoad(Library, out _);

    /// <summary>Opens this host's system journal, or the journal files of a directory.</summary>
    /// <returns>0, or a negative errno.</returns>
    public static int Open(string? directory, out SdJournal? journal)
    {
        int result = directory is null
            ? sd_journal_open(out nint handle, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM)
            : sd_journal_open_directory(out handle, directory, 0);
        journal = result < 0 ? null : new SdJournal(handle);
        // Values over 64 KiB would be cut otherwise.
        if (journal is not null) result = Math.Min(0, sd_journal_set_data_threshold(handle, 0));
        return result;
    }

    /// <summary>Only entries with this field are read; several are alternatives.</summary>
    public int AddAlternative(string match)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(match);
        int result = sd_journal_add_disjunction(_journal);
        return result < 0 ? result : sd_journal_add_match(_journal, bytes, (nuint)bytes.Length);
    }

    /// <summary>Goes before the first entry.</summary>
    public int SeekHead() => sd_journal_seek_head(_journal);

    /// <summary>Goes behind the last entry.</summary>
    public int SeekTail() => sd_journal_seek_tail(_journal);

    /// <summary>Goes before the entry with that cursor, or before the nearest one after it.</summary>
    public int SeekCursor(string cursor) => sd_journal_seek_cursor(_journal, cursor);

    /// <summary>Goes before the first entry of that time.</summary>
    /// <param name="microseconds">Since 1970.</param>
    public int SeekTime(long microseconds) => sd_journal_seek_realtime_usec(_journal, (ulong)microseconds);

    /// <summary>Goes to the next entry.</summary>
    /// <returns>1; 0 where there is none; a negative errno.</returns>
    public int Next() => sd_journal_next(_journal);

    /// <summary>Goes to the entry before.</summary>
    /// <returns>1; 0 where there is none; a negative errno.</returns>
    public int Previous() => sd_journal_previous(_journal);

    /// <summary>True where the present entry has that cursor.</summary>
    public bool IsAt(string cursor) => sd_journal_test_cursor(_journal, cursor) > 0;

    /// <summary>Goes before the first field of the present entry.</summary>
    public void RestartFields() => sd_journal_restart_data(_journal);

    /// <summary>Goes to the next field of the present entry: <c>NAME=value</c>, byte for byte; valid until the next call.</summary>
    /// <returns>1; 0 where there is none; a negative errno.</returns>
    public int NextField(out ReadOnlySpan<byte> field)
    {
        int result = sd_journal_enumerate_available_data(_journal, out byte* data, out nuint length);
        field = result > 0 ? new ReadOnlySpan<byte>(data, (int)length) : default;
        return result;
    }

    /// <summary>When journald took the present entry, microseconds since 1970; 0 where it cannot be read.</summary>
    public long Time() => sd_journal_get_realtime_usec(_journal, out ulong time) < 0 ? 0 : (long)time;

    /// <summary>Remembers the cursor of the present entry, cheaply.</summary>
    public int KeepCursor()
    {
        int result = sd_journal_get_cursor(_journal, out byte* cursor);
        if (result < 0) return result;
        NativeMemory.Free(_cursor);
        _cursor = cursor;
        return 0;
    }

    /// <summary>The cursor that was remembered last; null where none was.</summary>
    public string? Cursor => _cursor is null ? null : Marshal.PtrToStringUTF8((nint)_cursor);

    /// <summary>What rings when something happens in the journal; negative where nothing does.</summary>
    public int Descriptor => sd_journal_get_fd(_journal);

    /// <summary>Takes note of what rang.</summary>
    /// <returns>0 nothing, 1 entries were added, 2 files came or went; a negative errno.</returns>
    public int Process() => sd_journal_process(_journal);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_journal != 0) sd_journal_close(_journal);
        _journal = 0;
        NativeMemory.Free(_cursor);
        _cursor = null;
    }

    [LibraryImport(Library)]
    private static partial int sd_journal_open(out nint journal, int flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sd_journal_open_directory(out nint journal, string path, int flags);

    [LibraryImport(Library)]
    private static partial void sd_journal_close(nint journal);

    [LibraryImport(Library)]
    private static partial int sd_journal_set_data_threshold(nint journal, nuint size);

    [LibraryImport(Library)]
    private static partial int sd_journal_add_match(nint journal, byte[] data, nuint size);

    [LibraryImport(Library)]
    private static partial int sd_journal_add_disjunction(nint journal);

    [LibraryImport(Library)]
    private static partial int sd_journal_seek_head(nint journal);

    [LibraryImport(Library)]
    private static partial int sd_journal_seek_tail(nint journal);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sd_journal_seek_cursor(nint journal, string cursor);

    [LibraryImport(Library)]
    private static partial int sd_journal_seek_realtime_usec(nint journal, ulong microseconds);

    [LibraryImport(Library)]
    private static partial int sd_journal_next(nint journal);

    [LibraryImport(Library)]
    private static partial int sd_journal_previous(nint journal);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sd_journal_test_cursor(nint journal, string cursor);

    [LibraryImport(Library)]
    private static partial void sd_journal_restart_data(nint journal);

    // In libsystemd since 246, which is older than the C library that this program needs (glibc 2.34).
    [LibraryImport(Library)]
    private static partial int sd_journal_enumerate_available_data(nint journal, out byte* data, out nuint length);

    [LibraryImport(Library)]
    private static partial int sd_journal_get_realtime_usec(nint journal, out ulong time);

    [LibraryImport(Library)]
    private static partial int sd_journal_get_cursor(nint journal, out byte* cursor);

    [LibraryImport(Library)]
    private static partial int sd_journal_get_fd(nint journal);

    [LibraryImport(Library)]
    private static partial int sd_journal_process(nint journal);
}
