using System.Buffers;
using System.Globalization;
using System.Text;

namespace SysmonWatch.Benchmarks.Generation;

/// <summary>One event's line with the places of what differs from event to event.</summary>
/// <remarks>Places are named by the field; those outside of EventData <c>header</c>, <c>SystemTime</c>, <c>EventRecordID</c> and <c>Execution</c>.</remarks>
sealed class EventTemplate
{
    readonly (byte[] Before, string Place)[] _parts;
    readonly byte[] _tail;

    EventTemplate((byte[] Before, string Place)[] parts, byte[] tail) => (_parts, _tail) = (parts, tail);

    /// <summary>A template made of the recorded line of an event, as another host would have written it.</summary>
    public static EventTemplate Of(int eventId, string host)
    {
        string sample = Samples.Text(string.Create(CultureInfo.InvariantCulture, $"iso-event-{eventId:D3}"));
        return Of(sample.Replace(" lab-debian12 ", $" {host} ", StringComparison.Ordinal).Replace("<Computer>lab-debian12<", $"<Computer>{host}<", StringComparison.Ordinal));
    }

    /// <summary>A template made of a recorded line.</summary>
    public static EventTemplate Of(string line)
    {
        var parts = new List<(byte[], string)>();
        int from = 0;
        Take(0, line.IndexOf(' ', StringComparison.Ordinal), "header");
        Between("SystemTime=\"", "\"", "SystemTime");
        Between("<EventRecordID>", "<", "EventRecordID");
        Between("<Execution ProcessID=\"", "\"", "Execution");
        Between(" ThreadID=\"", "\"", "Execution");
        for (int at; (at = line.IndexOf("<Data Name=\"", from, StringComparison.Ordinal)) >= 0;)
        {
            int name = at + "<Data Name=\"".Length;
            int quote = line.IndexOf('"', name);
            Take(quote + 2, line.IndexOf("</Data>", quote, StringComparison.Ordinal), line[name..quote]);
        }
        return new EventTemplate([.. parts], Encoding.UTF8.GetBytes(line[from..].TrimEnd('\n') + "\n"));

        void Between(string before, string after, string place)
        {
            int start = line.IndexOf(before, from, StringComparison.Ordinal) + before.Length;
            Take(start, line.IndexOf(after, start, StringComparison.Ordinal), place);
        }

        void Take(int start, int end, string place)
        {
            parts.Add((Encoding.UTF8.GetBytes(line[from..start]), place));
            from = end;
        }
    }

    /// <summary>Writes a line.</summary>
    /// <param name="to">Where to.</param>
    /// <param name="value">Gives the value of each place.</param>
    public void Write(ArrayBufferWriter<byte> to, Func<string, string> value)
    {
        foreach ((byte[] before, string place) in _parts)
        {
            to.Write(before);
            Encoding.UTF8.GetBytes(value(place), to);
        }
        to.Write(_tail);
    }
}
