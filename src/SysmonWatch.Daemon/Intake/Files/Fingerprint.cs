namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>
/// A stretch of a log file by which the file is known again after it was renamed, copied or compressed, and told from another file that got
/// its inode number.
/// </summary>
/// <param name="Length">How many bytes it was taken over; 0 says nothing.</param>
/// <param name="Hash">64-bit FNV-1a of them. Not a secret and not a signature: who can write log files needs no collision.</param>
readonly record struct Fingerprint(int Length, ulong Hash)
{
    /// <summary>
    /// The most bytes of a file's beginning that are looked at: rsyslog's first line after a rotation (with its time to the second) and most of
    /// an event (with its time to the microsecond and its number).
    /// </summary>
    public const int HeadMost = 1024;

    /// <summary>The most bytes before a position that are looked at.</summary>
    public const int TailMost = 256;

    /// <summary>The fingerprint of some bytes.</summary>
    public static Fingerprint Of(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in bytes)
        {
            hash = unchecked((hash ^ b) * 1099511628211);
        }
        return new Fingerprint(bytes.Length, hash);
    }
}
