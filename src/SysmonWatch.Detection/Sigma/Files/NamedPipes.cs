using System.Runtime.InteropServices;

namespace SysmonWatch.Detection.Sigma.Files;

/// <summary>Recognises files that opening would wait for: pipes that have a name, until somebody opens them for writing.</summary>
public static partial class NamedPipes
{
    /// <remarks>S_IFMT, S_IFIFO and S_IFREG of inode(7).</remarks>
    const int TypeMask = 0xF000, Pipe = 0x1000, Regular = 0x8000;

    const int CurrentDirectory = -100;

    /// <summary>STATX_TYPE of statx(2).</summary>
    const uint OnlyType = 1;

    /// <summary>How to give what a pipe has; ends a message.</summary>
    public const string Fix = "a named pipe, which would be waited for; give a file, or /dev/stdin and pipe into that";

    // What the shell opened before it started us has its other end already.
    static readonly string[] Opened = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"];

    /// <summary>True for a pipe with a name, also by way of symbolic links; false for one of this process's own open files, and for what is not there.</summary>
    public static bool Is(string path) =>
        !Opened.Any(own => path.StartsWith(own, StringComparison.Ordinal))
        && TypeOf(path) == Pipe;

    /// <summary>True for a file on a disk: no directory, pipe or device; where a symbolic link leads counts.</summary>
    public static bool IsRegular(string path) => TypeOf(path) == Regular;

    static int TypeOf(string path) => statx(CurrentDirectory, path, 0, OnlyType, out Statx facts) == 0 ? facts.Mode & TypeMask : 0;

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, out Statx facts);

    /// <remarks>Source: struct statx in statx(2); the same on every architecture, which struct stat is not.</remarks>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    struct Statx
    {
        [FieldOffset(28)]
        public ushort Mode;
    }
}
