namespace SysmonWatch.Benchmarks.Live;

/// <summary>
/// The least that a reader of Sysmon's entries has to do: the same matches as the daemon, and of each entry MESSAGE, _TRANSPORT, _UID and _EXE by
/// sd_journal_get_data, copied. Nothing is done with them.
/// </summary>
static class BareLoop
{
    /// <summary>The entries of Sysmon.</summary>
    public const string OfSysmon = "SYSLOG_IDENTIFIER=sysmon";

    /// <summary>Reads all of a journal.</summary>
    /// <param name="files">Its directory.</param>
    public static (long Entries, double Seconds) Run(string files)
    {
        byte[] into = new byte[1 << 20];
        long entries = 0, started = TimeProvider.System.GetTimestamp();
        using (var journal = new NativeJournal(files, OfSysmon, "_TRANSPORT=driver"))
        {
            while (journal.Next())
            {
                int at = journal.Copy("MESSAGE"u8, into);
                at += journal.Copy("_TRANSPORT"u8, into.AsSpan(at));
                at += journal.Copy("_UID"u8, into.AsSpan(at));
                journal.Copy("_EXE"u8, into.AsSpan(at));
                entries++;
            }
        }
        return (entries, TimeProvider.System.GetElapsedTime(started).TotalSeconds);
    }
}
