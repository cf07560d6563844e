using System.Buffers.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Detection.Batches;

/// <summary>
/// Knows the events that SysmonWatch causes itself by connecting to webhooks and writing its state: told as alerts they would cause the next ones.
/// </summary>
/// <param name="computer">The host's name as Sysmon writes it, UTF-8.</param>
/// <param name="processId">Our process id.</param>
/// <param name="image">Path of our executable, UTF-8. The path alone proves nothing: anybody may run a program of that name.</param>
public sealed class OwnProcess(byte[] computer, int processId, byte[] image)
{
    /// <summary>True for a connection, a file creation or a file deletion by this very process.</summary>
    public bool Caused(SysmonEvent e) =>
        e.EventId is 3 or 11 or 23
        && e.Find(KnownFields.ProcessId, out ReadOnlySpan<byte> id) == ValueKind.Text
        && Utf8Parser.TryParse(id, out int number, out int used) && used == id.Length && number == processId
        && e.Find(KnownFields.Image, out ReadOnlySpan<byte> path) == ValueKind.Text && path.SequenceEqual(image)
        && e.Bytes(e.Computer).SequenceEqual(computer);
}
