namespace SysmonWatch.Detection.Records;

/// <summary>Who wrote a journal record, by the fields that only journald can set (their names start with _).</summary>
/// <remarks>Source: systemd.journal-fields(7). journald reads _EXE from /proc, so it can be missing where the process was gone by then.</remarks>
public static class JournalTrust
{
    /// <summary>Judges a record whose SYSLOG_IDENTIFIER is <c>sysmon</c>.</summary>
    /// <param name="transport">_TRANSPORT; empty where missing.</param>
    /// <param name="uid">_UID; empty where missing.</param>
    /// <param name="executable">_EXE; empty where missing.</param>
    /// <param name="message">MESSAGE.</param>
    /// <returns>
    /// Genuine only where all three are there and fit. Another's where one of them is there and cannot be Sysmon's: events come from the
    /// program called sysmon, run by root, through syslog(3); its plain text comes from root, by its standard output as well. Unknown otherwise.
    /// </returns>
    public static RecordOrigin Judge(ReadOnlySpan<byte> transport, ReadOnlySpan<byte> uid, ReadOnlySpan<byte> executable, ReadOnlySpan<byte> message)
    {
        if (uid.Length > 0 && !uid.SequenceEqual("0"u8)) return RecordOrigin.JournalOfAnother;
        bool fromStream = transport.SequenceEqual("stdout"u8);
        if (fromStream && !message.TrimStart(" \t\r\n\0"u8).StartsWith("<"u8))
        {
            // Sysmon's service starts helpers (systemctl) that write to the same stream.
            return uid.Length > 0 ? RecordOrigin.JournalOfSysmon : RecordOrigin.JournalOfUnknown;
        }
        if (transport.Length > 0 && !transport.SequenceEqual("syslog"u8)) return RecordOrigin.JournalOfAnother;
        if (executable.Length > 0 && !IsSysmon(executable)) return RecordOrigin.JournalOfAnother;
        return transport.Length > 0 && uid.Length > 0 && executable.Length > 0 ? RecordOrigin.JournalOfSysmon : RecordOrigin.JournalOfUnknown;
    }

    /// <summary>An upgrade replaces the file of a running Sysmon, and the kernel then says so behind its path.</summary>
    static bool IsSysmon(ReadOnlySpan<byte> executable) => executable.EndsWith("/sysmon"u8) || executable.EndsWith("/sysmon (deleted)"u8);
}
