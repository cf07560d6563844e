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

    static List<DecodedEvent> Events(string file) => DecodedInput.Read(File.OpenRead(Places.ReferenceData("data/sysmon/real/v1.5.2/" + file))).Events;

    [Fact]
    public void Both_forms_of_journal_output_say_the_same_field_by_field()
    {
        List<DecodedEvent> export = Events("journal.export"), json = Events("journal.all.json");

        Assert.Equal(468, export.Count);
        for (int i = 0; i < export.Count; i++)
        {
            Assert.Equal(export[i].Fields, json[i].Fields);
            Assert.Equal(export[i] with { Raw = json[i].Raw, Record = json[i].Record, Fields = json[i].Fields }, json[i]);
        }
    }

    [Theory]
    [InlineData("debian12.syslog", 33)]
    [InlineData("debian12.traditional.syslog", 33)]
    [InlineData("rhel.messages", 3)]
    public void A_file_says_the_same_as_the_journal_field_by_field(string file, int cut)
    {
        Dictionary<ulong, DecodedEvent> journal = Events("journal.export").ToDictionary(e => e.RecordId!.Value);
        int different = 0, cuts = 0;
        foreach (DecodedEvent e in Events(file))
        {
            DecodedEvent whole = journal[e.RecordId!.Value];
            Assert.Equal((whole.EventId, whole.Time, whole.Computer, whole.SysmonProcessId, whole.UserId), (e.EventId, e.Time, e.Computer, e.SysmonProcessId, e.UserId));
            bool isCut = (e.Marks & EventMarks.Truncated) != 0;
            if (isCut) cuts++;
            if (!isCut) Assert.Equal(whole.Fields.Count, e.Fields.Count);
            if (whole.Fields.Take(e.Fields.Count).SequenceEqual(e.Fields)) continue;
            // Only #012 that a program wrote itself cannot be told from an escaped newline.
            Assert.Equal(EventMarks.AmbiguousEscape, e.Marks & EventMarks.AmbiguousEscape);
            Assert.Equal(e.Fields.Select(f => f.Value), whole.Fields.Take(e.Fields.Count).Select(f => f.Value.Replace("#012", "\n", StringComparison.Ordinal)));
            different++;
        }
        Assert.Equal(cut, cuts);
        Assert.Equal(10, different);
    }
}
