using System.Runtime.InteropServices;
using System.Text;

namespace SysmonWatch.Benchmarks.Live;

/// <summary>libsystemd's sd-journal with nothing around it. One thread at a time.</summary>
/// <remarks>Source: sd-journal(3).</remarks>
sealed unsafe partial class NativeJournal : IDisposable
{
    const string Library = "libsystemd.so.0";

    readonly nint _journal;

    /// <summary>Opens the journal files of a directory, before their first entry.</summary>
    /// <param name="directory">Where they are.</param>
    /// <param name="alternatives">Only entries with one of these fields are given.</param>
    public NativeJournal(string directory, params ReadOnlySpan<string> alternatives)
    {
        Check(sd_journal_open_directory(out _journal, directory, 0));
        Check(sd_journal_set_data_threshold(_journal, 0));
        foreach (string alternative in alternatives)
        {
            Check(sd_journal_add_disjunction(_journal));
            byte[] match = Encoding.UTF8.GetBytes(alternative);
            Check(sd_journal_add_match(_journal, match, (nuint)match.Length));
        }
        // From here on it takes note of files that come.
        Check(sd_journal_get_fd(_journal));
        Check(sd_journal_seek_head(_journal));
    }

    /// <summary>Takes note of what came since.</summary>
    public void Refresh() => Check(sd_journal_process(_journal));

    /// <summary>Goes to the next entry; false where there is none.</summary>
    public bool Next() => Check(sd_journal_next(_journal)) > 0;

    /// <summary>Goes to the last entry; false where there is none.</summary>
    public bool Last()
    {
        Check(sd_journal_seek_tail(_journal));
        return Check(sd_journal_previous(_journal)) > 0;
    }

    /// <summary>Goes before the first entry from then on.</summary>
    /// <param name="microseconds">Since 1970.</param>
    public void SeekTime(long microseconds) => Check(sd_journal_seek_realtime_usec(_journal, (ulong)microseconds));

    /// <summary>When journald took the entry, microseconds since 1970.</summary>
    public long Time()
    {
        Check(sd_journal_get_realtime_usec(_journal, out ulong time));
        return (long)time;
    }

    /// <summary>Copies a field with its name; gives its length, 0 where the entry has none.</summary>
    /// <param name="name">Ends with a zero, as literals do.</param>
    /// <param name="into">At least as long.</param>
    public int Copy(ReadOnlySpan<byte> name, Span<byte> into)
    {
        fixed (byte* field = name)
        {
            if (sd_journal_get_data(_journal, field, out byte* data, out nuint length) < 0) return 0;
            new ReadOnlySpan<byte>(data, (int)length).CopyTo(into);
            return (int)length;
        }
    }

    /// <summary>The text behind the = of a field; empty where the entry has none.</summary>
    public string Text(ReadOnlySpan<byte> name)
    {
        byte[] bytes = new byte[1 << 17];
        int length = Copy(name, bytes);
        return length == 0 ? "" : Encoding.UTF8.GetString(bytes.AsSpan(0, length)[(name.Length + 1)..]);
    }

    public void Dispose() => sd_journal_close(_journal);

    static int Check(int result) => result >= 0 ? result : throw new IOException($"sd-journal: errno {-result}");

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

    [LibraryImport(Library)]
    private static partial int sd_journal_seek_realtime_usec(nint journal, ulong microseconds);

    [LibraryImport(Library)]
    private static partial int sd_journal_next(nint journal);

    [LibraryImport(Library)]
    private static partial int sd_journal_previous(nint journal);

    [LibraryImport(Library)]
    private static partial int sd_journal_get_data(nint journal, byte* field, out byte* data, out nuint length);

    [LibraryImport(Library)]
    private static partial int sd_journal_get_realtime_usec(nint journal, out ulong time);

    [LibraryImport(Library)]
    private static partial int sd_journal_get_fd(nint journal);

    [LibraryImport(Library)]
    private static partial int sd_journal_process(nint journal);
}
