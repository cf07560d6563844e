#if DETECTION
using System.Text;
using SysmonWatch.Detection.Events;

namespace SysmonWatch.Tests.Shared;

/// <summary>Makes Sysmon events without going through a log line.</summary>
static class SomeEvent
{
    /// <summary>2026-11-24T02:40:00Z in microseconds since 1970.</summary>
    public const long Noon = 1_795_488_000_000_000;

    public static SysmonEvent With(int eventId, params (string Name, string Value)[] fields) => With(eventId, 1, Noon, "web-a01", fields);

    public static SysmonEvent With(int eventId, ulong recordId, long time, string computer, params (string Name, string Value)[] fields)
    {
        var e = new SysmonEvent();
        var buffer = new MemoryStream();
        Slice Put(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            var slice = new Slice((int)buffer.Length, bytes.Length);
            buffer.Write(bytes);
            return slice;
        }

        e.EventId = eventId;
        e.RecordId = recordId;
        e.HasRecordId = true;
        e.Time = time;
        e.HasTime = true;
        e.Computer = Put(computer);
        foreach ((string name, string value) in fields) e.Add(new DataField(FieldId.Of(name), Put(name), Put(value), Repeated: false));
        e.Buffer = buffer.ToArray();
        return e;
    }
}
#endif
