using System.Text;
using SysmonWatch.Daemon.Intake.Journal;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Daemon.Tests.Intake;

public class JournalFieldsTests
{
    readonly RecordBatch _batch = new(longestRecord: 100);
    readonly JournalFields _fields = new();

    [Theory]
    [InlineData("_UID=0|MESSAGE=text|_EXE=/opt/sysmon/sysmon|_TRANSPORT=syslog")]
    [InlineData("MESSAGE_ID=1|_UIDS=7|_EXECUTABLE=x|_TRANSPORT=syslog|_UID=0|_EXE=/opt/sysmon/sysmon|MESSAGE=text")]
    [InlineData("_TRANSPORT=syslog|_UID=0|_EXE=/opt/sysmon/sysmon|MESSAGE=text|OTHER=MESSAGE=other|_UID")]
    public void Takes_what_is_needed_in_whichever_order_it_comes_and_among_other_fields(string entry)
    {
        Assert.True(Read(entry));

        Assert.Equal(("text", "syslog", "0", "/opt/sysmon/sysmon"), What());
    }

    [Fact]
    public void The_first_of_a_field_that_comes_several_times_counts()
    {
        Assert.True(Read("MESSAGE=first|MESSAGE=second|_UID=0|_UID=1000|_EXE=/opt/sysmon/sysmon|_EXE=/bin/sh|_TRANSPORT=syslog|_TRANSPORT=journal"));

        Assert.Equal(("first", "syslog", "0", "/opt/sysmon/sysmon"), What());
    }

    [Fact]
    public void Nothing_of_one_entry_is_left_for_the_next()
    {
        Assert.True(Read("_TRANSPORT=syslog|_UID=0|_EXE=/opt/sysmon/sysmon|MESSAGE=text"));
        Assert.True(Read("MESSAGE="));

        Assert.Equal(("", "", "", ""), What());
    }

    [Fact]
    public void A_value_of_any_length_is_whole()
    {
        string executable = "/" + new string('x', 5_000) + "/sysmon";

        Assert.True(Read($"_EXE={executable}|MESSAGE=text"));

        Assert.Equal(executable, What().Executable);
    }

    [Fact]
    public void Counts_an_entry_without_a_message_and_one_whose_message_is_too_long()
    {
        Assert.False(Read("_UID=0|_TRANSPORT=syslog"));
        Assert.False(Read("_UID=0|MESSAGE=" + new string('x', 101)));
        Assert.True(Read("_UID=0|MESSAGE=" + new string('x', 100)));

        Assert.Equal((1, 1, 0), (_batch.SkippedWithoutMessage, _batch.SkippedTooLong, _batch.SkippedMalformed));
    }

    bool Read(string entry)
    {
        var journal = new ToyJournal();
        journal.WriteFields(1, [.. entry.Split('|').Select(Encoding.UTF8.GetBytes)]);
        Assert.Equal(0, journal.Open(out IJournal? opened));
        using (opened)
        {
            Assert.Equal(1, opened!.Next());
            return _fields.TryRead(opened, _batch);
        }
    }

    (string Message, string Transport, string User, string Executable) What() =>
        (Text(_batch.Buffer.AsSpan(_batch.Length, _fields.MessageLength)), Text(_fields.Transport), Text(_fields.User), Text(_fields.Executable));

    static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
