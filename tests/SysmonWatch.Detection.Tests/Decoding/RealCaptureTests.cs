using SysmonWatch.Detection.Events;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Decoding;

public sealed class RealCaptureTests
{
    public static TheoryData<string, int, int, int> Captures => new()
    {
        // file, events, of which truncated, of which forged
        { "v1.3.3/debian12.syslog", 362, -1, 0 },
        { "v1.3.3/rfc5424.syslog", 362, -1, 0 },
        { "v1.3.3/rhel.messages", 429, -1, 0 },
        { "v1.3.3/syslog-ng.log", 363, 0, 0 },
        { "v1.5.2/debian12.syslog", 468, 33, 0 },
        { "v1.5.2/debian12.traditional.syslog", 468, 33, 0 },
        { "v1.5.2/rhel.messages", 468, -1, 0 },
        { "v1.5.2/journal.export", 468, -1, 0 },
        { "v1.5.2/journal.all.json", 468, -1, 0 },
        { "v1.5.2/journal.json", 429, -1, 0 },
    };

    [Theory]
    [MemberData(nameof(Captures))]
    public void Every_event_of_the_real_captures_decodes(string file, int events, int truncated, int forged)
    {
        string path = Places.ReferenceData("data/sysmon/real/" + file);

        DecodedInput got = DecodedInput.Read(File.OpenRead(path));

        Console.WriteLine($"{file}: {got.Events.Count} events, {got.Events.Count(e => (e.Marks & EventMarks.Truncated) != 0)} cut; " +
            $"{got.Notices.Count} notices, {got.NotSysmon} others, {got.Unreadable} unreadable, {string.Join(",", got.Events.GroupBy(e => e.Marks).Select(g => $"{g.Key}:{g.Count()}"))}; ");
        Assert.Equal(events, got.Events.Count);
        Assert.Equal(0, got.Unreadable);
        if (truncated >= 0) Assert.Equal(truncated, got.Events.Count(e => (e.Marks & EventMarks.Truncated) != 0));
        Assert.Equal(forged, got.Events.Count(e => (e.Marks & EventMarks.Forged) != 0));
    }
}
