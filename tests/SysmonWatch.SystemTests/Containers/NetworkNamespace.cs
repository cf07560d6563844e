using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace SysmonWatch.SystemTests.Containers;

/// <summary>Lets this process have sockets in the network of a container: a socket stays where the thread was that made it.</summary>
static partial class NetworkNamespace
{
    const int CLONE_NEWNET = 0x40000000;

    /// <summary>Runs an action on a thread of its own that has entered the network namespace of a process.</summary>
    public static void Run(string processId, Action action)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var space = File.OpenHandle($"/proc/{processId}/ns/net");
                if (Setns(space, CLONE_NEWNET) != 0) throw new IOException($"setns: {Marshal.GetLastPInvokeErrorMessage()}");
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    internal static partial int Setns(SafeHandle space, int kind);
}
