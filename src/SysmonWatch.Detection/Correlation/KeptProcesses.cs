using System.Runtime.InteropServices;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Correlation;

/// <summary>
/// The processes that the windows' events refer to, each counted once however many events refer to it. Not thread-safe.
/// </summary>
sealed class KeptProcesses
{
    /// <summary>What a process takes beside its text, its place here included: measured, 64-bit.</summary>
    const int SizeBesideText = 240;

    readonly Dictionary<ProcessNode, int> _uses = new(ReferenceEqualityComparer.Instance);

    /// <summary>Bytes that they take, with their ancestors and the roots of their families.</summary>
    public long Bytes { get; private set; }

    /// <summary>An event refers to a process.</summary>
    public void Hold(ProcessNode? process)
    {
        for (; process is not null; process = process.Parent)
        {
            ref int uses = ref CollectionsMarshal.GetValueRefOrAddDefault(_uses, process, out _);
            if (uses++ > 0) return;
            Bytes += SizeOf(process);
            // A root has no ancestors of its own.
            Hold(process.FamilyRoot);
        }
    }

    /// <summary>An event that referred to a process is gone.</summary>
    public void Release(ProcessNode? process)
    {
        for (; process is not null; process = process.Parent)
        {
            ref int uses = ref CollectionsMarshal.GetValueRefOrNullRef(_uses, process);
            if (--uses > 0) return;
            _uses.Remove(process);
            Bytes -= SizeOf(process);
            Release(process.FamilyRoot);
        }
    }

    static long SizeOf(ProcessNode process) =>
        SizeBesideText + process.ProcessGuid.Length + process.Image.Length + process.CommandLine.Length + process.User.Length;
}
