using SysmonWatch.Detection.Events;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Decoding;

public sealed class RealCaptureTests
{
    public static TheoryData<string, int, int, int> Captures => new()
    {
        // file, events, of which cut, notices
        { "v1.3.3/debian12.syslog", 362, 27, 0 },
        { "v1.3.3/rfc5424.syslog", 362, 27, 0 },
        { "v1.3.3/rhel.messages", 429, 6, 49 },
        { "v1.3.3/syslog-ng.log", 363, 0, 0 },
        { "v1.5.2/debian12.syslog", 468, 33, 34 },
        { "v1.5.2/debian12.traditional.syslog", 468, 33, 34 },
        { "v1.5.2/rhel.messages", 468, 3, 34 },
        { "v1.5.2/journal.export", 468, 3, 34 },
        { "v1.5.2/journal.all.json", 468, 3, 34 },
        { "v1.5.2/journal.json", 429, 0, 34 },
    };

    [Theory]
    [MemberData(nameof(Captures))]
    public void Every_event_of_the_real_captures_decodes(string file, int events, int cut, int notices)
    {
        string path = Places.ReferenceData("data/sysmon/real/" + file);

        DecodedInput got = DecodedInput.Read(File.OpenRead(path));

        Assert.Equal(events, got.Events.Count);
        Assert.Equal(0, got.Unreadable);
        Assert.Equal(cut, got.Events.Count(e => (e.Marks & EventMarks.Truncated) != 0));
        Assert.Equal(notices, got.Notices.Count);
        Assert.Equal(file.EndsWith("journal.json", StringComparison.Ordinal) ? 39 : 0, got.SkippedWithoutMessage);
        Assert.DoesNotContain(got.Events, e => (e.Marks & (EventMarks.Forged | EventMarks.Irregular)) != 0);
    }
}
