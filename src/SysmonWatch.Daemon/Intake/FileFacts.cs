namespace SysmonWatch.Daemon.Intake;

/// <summary>What the file system said about a file at one moment.</summary>
/// <param name="Device">Device number, major in the upper half; may change over a reboot.</param>
/// <param name="Inode">Inode number; used again by another file once this one is gone.</param>
/// <param name="Size">Bytes.</param>
/// <param name="ModifiedAt">Last modification, nanoseconds since 1970; the kernel's clock tick (about 4 ms) is its grain.</param>
/// <param name="BornAt">Its creation, nanoseconds since 1970; 0 where the file system does not know.</param>
/// <param name="IsRegular">False for directories, pipes, sockets and devices.</param>
/// <param name="Mode">Permission bits.</param>
/// <param name="Group">Number of the group it belongs to.</param>
readonly record struct FileFacts(ulong Device, ulong Inode, long Size, long ModifiedAt, long BornAt, bool IsRegular, int Mode, uint Group)
{
    /// <summary>True where both are the same file: same number, and born at the same time as far as that is known.</summary>
    public bool SameFileAs(in FileFacts other) =>
        Device == other.Device && Inode == other.Inode && (BornAt == other.BornAt || BornAt == 0 || other.BornAt == 0);
}
