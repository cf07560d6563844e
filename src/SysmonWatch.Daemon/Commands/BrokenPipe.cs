using System.Runtime.InteropServices;

namespace SysmonWatch.Daemon.Commands;

/// <summary>Recognises that the reader of our output has ended.</summary>
static class BrokenPipe
{
    /// <summary>EPIPE of errno.h.</summary>
    const int EPIPE = 32;

    /// <summary>True where our output is not read any more.</summary>
    public static bool Is(IOException failure) => failure.HResult == EPIPE || failure.InnerException is ExternalException { ErrorCode: EPIPE };
}
