using System.Text;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Tests.Decoding;

public sealed class HostileEventTests
{
    const string Header = "2026-11-24T02:19:14.894571+00:00 h sysmon: ";
    const string System = "<Event><System><EventID>1</EventID><EventRecordID>5</EventRecordID><Computer>h</Computer></System>";

    static DecodedEvent Only(string line) => Assert.Single(DecodedInput.Read(line).Events);

    [Theory]
    // XML once, and only once
    [InlineData("&amp;lt;", "&lt;", EventMarks.None)]
    [InlineData("&amp;#60;&#38;lt;", "&#60;&lt;", EventMarks.None)]
    [InlineData("&lt;/Data&gt;&lt;/Event&gt;", "</Data></Event>", EventMarks.None)]
    [InlineData("&#01;&#27;[31m&#x1F;&#X1f;", "\u0001\u001B[31m\u001F\u001F", EventMarks.None)]
    [InlineData("&#0;", "\0", EventMarks.None)]
    [InlineData("&#233;&#x1F600;", "\u00C3\u00A9\u00F0\u009F\u0098\u0080", EventMarks.None)]
    // what is no reference stays
    [InlineData("&bogus; &; & &# &#; &#x; &#xD800; &#1114112; &#99999999999999; &#-1;", "&bogus; &; & &# &#; &#x; &#xD800; &#1114112; &#99999999999999; &#-1;", EventMarks.None)]
    // rsyslog's octal, first and once
    [InlineData("a#012b", "a\nb", EventMarks.AmbiguousEscape)]
    [InlineData("#011#015#000#037", "\t\r\0\u001F", EventMarks.AmbiguousEscape)]
    [InlineData("#040 #177 #018 #12 #", "#040 #177 #018 #12 #", EventMarks.None)]
    [InlineData("&#35;012", "#012", EventMarks.None)]
    [InlineData("#046lt;", "#046lt;", EventMarks.None)]
    // bytes that are no text
    [InlineData("bad\u00FF.txt", "bad\u00FF.txt", EventMarks.InvalidUtf8)]
    [InlineData("\u0080\u007F", "\u0080\u007F", EventMarks.InvalidUtf8)]
    [InlineData("-", "-", EventMarks.None)]
    [InlineData("", "", EventMarks.None)]
    public void A_value_is_unescaped_once_and_exactly(string written, string meant, EventMarks marks)
    {
        DecodedEvent e = Only($"{Header}{System}<EventData><Data Name=\"Image\">{written}</Data><Data Name=\"User\">u</Data></EventData></Event>");

        Assert.Equal((meant, "u", marks), (e["Image"], e["User"], e.Marks));
    }

    [Fact]
    public void A_journal_message_keeps_its_number_signs()
    {
        byte[] message = Encoding.Latin1.GetBytes($"{System}<EventData><Data Name=\"Image\">a#012b\nc</Data></EventData></Event>");

        DecodedEvent e = Assert.Single(DecodedInput.Message(message, RecordOrigin.JournalOfSysmon).Events);

        Assert.Equal(("a#012b\nc", EventMarks.None), (e["Image"], e.Marks));
    }

    [Fact]
    public void What_rsyslog_did_not_escape_keeps_its_number_signs()
    {
        DecodedEvent e = Only($"{Header}{System}<EventData><Data Name=\"Image\">a\u0001#012b</Data></EventData></Event>");

        Assert.Equal(("a\u0001#012b", EventMarks.None), (e["Image"], e.Marks));
    }

    [Fact]
    public void Absent_and_empty_and_dash_are_three_things()
    {
        DecodedEvent e = Only($"{Header}{System}<EventData><Data Name=\"Image\"></Data><Data Name=\"Hashes\"/><Data Name=\"User\">-</Data></EventData></Event>");

        Assert.Equal(("", "", "-", null), (e["Image"], e["Hashes"], e["User"], e["CommandLine"]));
        Assert.Equal("""{"Image":"","Hashes":"","User":"-"}""", e.Json[(e.Json.IndexOf("fields", StringComparison.Ordinal) + 8)..^1]);
    }

    [Fact]
    public void Of_a_name_that_comes_twice_the_first_counts_and_the_rest_is_kept()
    {
        DecodedEvent e = Only($"{Header}{System}<EventData><Data Name=\"Image\">/a</Data><Data Name=\"Image\">/b</Data><Data Name=\"New\">1</Data><Data Name=\"New\">2</Data></EventData></Event>");

        Assert.Equal(EventMarks.Irregular, e.Marks);
        Assert.Equal(
            """{"event_id":1,"record_id":5,"computer":"h","time":null,"truncated":false,"fields":{"Image":"/a","New":"1"},"duplicate_fields":[{"name":"Image","value":"/b"},{"name":"New","value":"2"}],"marks":["irregular"]}""",
            e.Json);
    }

    [Theory]
    [InlineData("<EventData><Data Name=\"Image\">/a</Data></EventData></Event><Event><System><EventID>3</EventID></System></Event>", EventMarks.Irregular)]
    [InlineData("<EventData><Data Name=\"Image\">/a</Data></EventData></Event> trailing", EventMarks.Irregular)]
    [InlineData("<EventData><Data Name=\"Image\">/a</Data><Event><System><EventID>3</EventID></System></Event>", EventMarks.Irregular | EventMarks.Truncated)]
    [InlineData("<EventData><Data Name=\"Image\">/a</Data><Data Name=\"User\">x<Event><System><EventID>3</EventID>", EventMarks.Irregular | EventMarks.Truncated)]
    [InlineData("<EventID>3</EventID><EventData><Data Name=\"Image\">/a</Data></EventData></Event>", EventMarks.Irregular)]
    [InlineData("<System><EventID>3</EventID></System><EventData><Data Name=\"Image\">/a</Data></EventData></Event>", EventMarks.Irregular)]
    public void A_second_event_in_a_line_is_not_believed(string rest, EventMarks marks)
    {
        DecodedEvent e = Only(Header + System + rest);

        Assert.Equal((1, "/a", marks), (e.EventId, e["Image"], e.Marks));
    }

    [Fact]
    public void A_computer_name_that_unescapes_to_markup_stays_text()
    {
        DecodedEvent e = Only(Header + "<Event><System><EventID>1</EventID><Computer>h&lt;/Computer&gt;&lt;EventRecordID&gt;9&lt;/EventRecordID&gt;</Computer></System><EventData><Data Name=\"Image\">/a</Data></EventData></Event>");

        Assert.Equal(("h</Computer><EventRecordID>9</EventRecordID>", null, "/a", EventMarks.None), (e.Computer, e.RecordId, e["Image"], e.Marks));
    }

    [Fact]
    public void Other_quotes_blanks_and_attributes_are_read_as_well()
    {
        DecodedEvent e = Only(
            Header + "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'> <System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>27</EventID>" +
            "<TimeCreated SystemTime='2026-11-24T02:19:14.8945719Z' /><EventRecordID>18446744073709551615</EventRecordID><Execution ThreadID='2' ProcessID='1' />" +
            "<Computer>h</Computer><Security UserID='S-1-5-18' /></System> <EventData> <Data Name='Image'>C:\\a.exe</Data> <Data Name=\"Later\">x</Data></EventData></Event>\r");

        Assert.Equal((27, ulong.MaxValue, 1_795_486_754_894_571, 1, "S-1-5-18"), (e.EventId, e.RecordId, e.Time, e.SysmonProcessId, e.UserId));
        Assert.Equal(("C:\\a.exe", "x", EventMarks.None), (e["Image"], e["Later"], e.Marks));
    }

    [Fact]
    public void More_fields_than_are_kept_are_counted()
    {
        string fields = string.Concat(Enumerable.Range(0, 5000).Select(i => $"<Data Name=\"F{i}\">v</Data>"));

        DecodedEvent e = Only($"{Header}{System}<EventData>{fields}</EventData></Event>");

        Assert.Equal(SysmonEvent.MostFields, e.Fields.Count);
        Assert.Contains($"\"fields_left_out\":{5000 - SysmonEvent.MostFields}", e.Json, StringComparison.Ordinal);
    }

    [Fact]
    public void An_event_without_a_time_has_that_of_its_header_or_of_the_one_before()
    {
        var decoder = new SysmonDecoder();
        var e = new SysmonEvent();
        byte[] first = Encoding.Latin1.GetBytes(Header + System);
        byte[] second = Encoding.Latin1.GetBytes("Nov 24 02:19:15 h sysmon: " + System);

        decoder.Decode(first, new LogRecord(new Slice(0, first.Length), RecordOrigin.File, 0), e, out _);
        (bool, long) byHeader = (e.HasTime, e.Time);
        decoder.Decode(second, new LogRecord(new Slice(0, second.Length), RecordOrigin.File, 0), e, out _);

        Assert.Equal((false, 1_795_486_754_894_571), byHeader);
        Assert.Equal((false, 1_795_486_754_894_571), (e.HasTime, e.Time));
    }
}
