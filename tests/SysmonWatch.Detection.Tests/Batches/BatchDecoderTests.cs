using System.Text;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;

namespace SysmonWatch.Detection.Tests.Batches;

public class BatchDecoderTests
{
    readonly DetectionCounters _counters = new();

    [Theory]
    // Written at its time, read an hour later: an event ten minutes ahead of its header was from the future then, and is so whenever it is read.
    [InlineData("02:40:00", "02:50:00", "03:40:00", true)]
    [InlineData("02:40:00", "02:44:00", "03:40:00", false)]
    [InlineData("02:40:00", "02:50:00", null, true)]
    // A header that is itself ahead of the clock makes nothing believable.
    [InlineData("02:50:00", "02:50:00", "02:40:00", true)]
    public void What_is_from_the_future_depends_on_the_line_and_not_on_when_it_is_read(string header, string occurred, string? read, bool isFuture)
    {
        EventBatch batch = Decode($"2026-11-24T{header}.000000+00:00 lab sysmon: {Event(23, 1, occurred)}", read is null ? 0 : Time(read));

        Assert.Equal(1, batch.Count);
        Assert.Equal(isFuture, (batch[0].Marks & EventMarks.FutureDated) != 0);
        Assert.Equal(isFuture ? 1 : 0, _counters.FutureDated);
    }

    [Fact]
    public void Copies_are_left_out_and_counted_and_other_lines_too()
    {
        string line = $"2026-11-24T02:40:00.000000+00:00 lab sysmon: {Event(23, 1, "02:40:00")}";

        EventBatch batch = Decode($"{line}\n{line}\n2026-11-24T02:40:00.000000+00:00 lab sshd[1]: hello", 0);

        Assert.Equal(1, batch.Count);
        Assert.Equal((3, 1, 1, 1), (_counters.Records, _counters.Events, _counters.Copies, _counters.NotSysmon));
    }

    [Theory]
    [InlineData(77, "/usr/bin/sysmonwatch", "lab", true)]
    [InlineData(78, "/usr/bin/sysmonwatch", "lab", false)]
    [InlineData(77, "/tmp/sysmonwatch", "lab", false)]
    [InlineData(77, "/usr/bin/sysmonwatch", "other", false)]
    public void Our_own_process_is_known_by_host_number_and_image_together(int processId, string image, string computer, bool isOurs)
    {
        var own = new OwnProcess(Encoding.UTF8.GetBytes(computer), processId, Encoding.UTF8.GetBytes(image));

        EventBatch batch = Decode($"2026-11-24T02:40:00.000000+00:00 lab sysmon: {Event(23, 1, "02:40:00")}", 0, own);

        Assert.Equal(isOurs, (batch[0].Marks & EventMarks.Own) != 0);
    }

    [Fact]
    public void What_our_own_process_does_besides_connections_and_files_is_not_ours_to_hide()
    {
        var own = new OwnProcess("lab"u8.ToArray(), 77, "/usr/bin/sysmonwatch"u8.ToArray());

        EventBatch batch = Decode($"2026-11-24T02:40:00.000000+00:00 lab sysmon: {Event(1, 1, "02:40:00")}", 0, own);

        Assert.Equal(EventMarks.None, batch[0].Marks & EventMarks.Own);
    }

    EventBatch Decode(string lines, long arrival, OwnProcess? own = null)
    {
        var decoder = new BatchDecoder(new SequenceWatch(), new ProcessTree(), new ArrivalClock(TimeSpan.FromMinutes(5)), _counters) { Own = own };
        var batch = new EventBatch();
        using var reader = RecordReader.Open(new MemoryStream(Encoding.UTF8.GetBytes(lines + "\n")));
        Assert.True(reader.TryRead(batch.Records));
        decoder.Decode(batch, arrival);
        return batch;
    }

    static long Time(string clock) => EventTime.From(DateTimeOffset.Parse($"2026-11-24T{clock}Z", System.Globalization.CultureInfo.InvariantCulture));

    static string Event(int id, int record, string clock) =>
        $"<Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{{ff032593-a8d3-4f13-b0d6-01fc615a0f97}}\"/><EventID>{id}</EventID><Version>5</Version><Level>4</Level><Task>{id}</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords>"
        + $"<TimeCreated SystemTime=\"2026-11-24T{clock}.000000000Z\"/><EventRecordID>{record}</EventRecordID><Correlation/><Execution ProcessID=\"538\" ThreadID=\"538\"/><Channel>Linux-Sysmon/Operational</Channel><Computer>lab</Computer><Security UserId=\"0\"/></System>"
        + "<EventData><Data Name=\"RuleName\">-</Data><Data Name=\"ProcessGuid\">{5f2c9a71-0000-0000-0000-000000000001}</Data><Data Name=\"ProcessId\">77</Data><Data Name=\"User\">root</Data><Data Name=\"Image\">/usr/bin/sysmonwatch</Data></EventData></Event>";
}
