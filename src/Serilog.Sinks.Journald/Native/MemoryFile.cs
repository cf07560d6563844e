using System.Runtime.InteropServices;

namespace Serilog.Sinks.Journald.Native;

/// <summary>Anonymous files in memory that nobody can change any more: what journald takes in place of a datagram that is too long.</summary>
/// <remarks>
/// Source: memfd_create(2), fcntl(2). MFD_NOEXEC_SEAL is left out on purpose: it adds a fifth seal, and journald up to version 253 accepts
/// exactly the four below. Where vm.memfd_noexec asks for it the kernel adds it by itself.
/// </remarks>
static unsafe partial class MemoryFile
{
    const uint MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2;
    const int F_ADD_SEALS = 1033, F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8;

    /// <summary>Makes a sealed file that holds <paramref name="content"/>.</summary>
    /// <returns>0, or errno.</returns>
    public static int Create(ReadOnlySpan<byte> content, out Descriptor? sealedFile)
    {
        sealedFile = null;
        Descriptor file = Create("journal-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int error = Marshal.GetLastPInvokeError();
        if (file.IsInvalid) return error;

        error = Fill(file, content);
        if (error == 0 && Control(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        {
            error = Marshal.GetLastPInvokeError();
        }
        if (error != 0)
        {
            file.Dispose();
            return error;
        }
        sealedFile = file;
        return 0;
    }

    static int Fill(Descriptor file, ReadOnlySpan<byte> content)
    {
        fixed (byte* start = content)
        {
            nint written = 0;
            while (written < content.Length)
            {
                nint count = Write(file, start + written, (nuint)(content.Length - written));
                if (count >= 0)
                {
                    written += count;
                    continue;
                }
                int error = Marshal.GetLastPInvokeError();
                if (error != UnixSocket.EINTR) return error;
            }
            return 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial Descriptor Create(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(Descriptor file, byte* bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(Descriptor file, int command, int argument);
}
