using System.Runtime.InteropServices;

namespace SysmonWatch.Daemon.Commands;

/// <summary>Tells the end of whoever reads our output from other failures.</summary>
static class BrokenPipe
{
    /// <summary>EPIPE of errno.h.</summary>
    const int EPIPE = 32;

    /// <summary>True where nobody reads our output any more.</summary>
    public static bool Is(IOException failure) => failure.HResult == EPIPE || failure.InnerException is ExternalException { ErrorCode: EPIPE };
}
