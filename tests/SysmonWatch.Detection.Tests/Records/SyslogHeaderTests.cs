using System.Text;
using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Tests.Decoding;

namespace SysmonWatch.Detection.Tests.Records;

public sealed class SyslogHeaderTests
{
    const string Event = "<Event><System><EventID>4</EventID><EventRecordID>7</EventRecordID></System><EventData><Data Name=\"State\">Started</Data></EventData></Event>";

    [Theory]
    // rsyslog traditional; the day with a space, with a zero
    [InlineData("Nov 24 02:09:22 h sysmon: ", 0)]
    [InlineData("Nov  4 02:09:22 h sysmon: ", 0)]
    [InlineData("Nov 04 02:09:22 h sysmon: ", 0)]
    // syslog-ng with frac-digits
    [InlineData("Nov 24 02:09:22.123 h sysmon: ", 0)]
    // imjournal
    [InlineData("Nov 24 02:11:52 h sysmon[28096]: ", 0)]
    // rsyslog ISO, zones
    [InlineData("2026-11-24T02:19:14.894571+00:00 h sysmon: ", 1_795_486_754_894_571)]
    [InlineData("2026-11-24T11:19:14.894571+09:00 h sysmon[1]: ", 1_795_486_754_894_571)]
    [InlineData("2026-11-23T21:19:14.8945719-0500 h sysmon: ", 1_795_486_754_894_571)]
    [InlineData("2026-11-24T02:19:14Z h sysmon: ", 1_795_486_754_000_000)]
    // Protocol 23: two blanks, one, none of the fields, structured data, a byte order mark
    [InlineData("<14>1 2026-11-24T02:19:14.894571+00:00 h sysmon - - -  ", 1_795_486_754_894_571)]
    [InlineData("<14>1 2026-11-24T02:19:14.894571Z h sysmon 538 - - ", 1_795_486_754_894_571)]
    [InlineData("<14>1 - - sysmon - - - ", 0)]
    [InlineData("<14>1 - h sysmon - ID47 [a@1 x=\"1\"][b@2 y=\"] \\\" \\\\\"] \u00EF\u00BB\u00BF", 0)]
    // PRI before the old forms, busybox's facility, no host, no blank behind the colon
    [InlineData("<134>Nov 24 02:09:22 h sysmon: ", 0)]
    [InlineData("<14>2026-11-24T02:19:14Z h sysmon: ", 1_795_486_754_000_000)]
    [InlineData("Nov 24 02:09:22 h user.info sysmon: ", 0)]
    [InlineData("Nov 24 02:09:22 sysmon: ", 0)]
    [InlineData("Nov 24 02:09:22 h sysmon:", 0)]
    // what a crash leaves before a line
    [InlineData("\0\0\0\0Nov 24 02:09:22 h sysmon: ", 0)]
    [InlineData("\u00EF\u00BB\u00BFNov 24 02:09:22 h sysmon: ", 0)]
    public void Finds_the_event_behind_every_header_of_sysmon(string header, long time)
    {
        byte[] line = Encoding.Latin1.GetBytes(header + Event);
        var decoder = new SysmonDecoder();
        var e = new SysmonEvent();

        DecodeOutcome outcome = decoder.Decode(line, new LogRecord(new Slice(0, line.Length), RecordOrigin.File, 0), e, out _);

        Assert.Equal((DecodeOutcome.Event, 7UL, "Started"), (outcome, e.RecordId, e.Text(KnownFields.State)));
        Assert.Equal(time, decoder.LastHeaderTime);
    }

    [Theory]
    [InlineData("Nov 24 02:09:22 h xsysmon: ")]
    [InlineData("Nov 24 02:09:22 h sysmon-x: ")]
    [InlineData("Nov 24 02:09:22 h sysmonx[3]: ")]
    [InlineData("Nov 24 02:09:22 h Sysmon: ")]
    [InlineData("Nov 24 02:09:22 h sysmon ")]
    [InlineData("Nov 24 02:09:22 h sysmon[]: ")]
    [InlineData("Nov 24 02:09:22 h sysmon[1x]: ")]
    [InlineData("Nov 24 02:09:22 h sysmonwatch[3]: ")]
    [InlineData("Nov 24 02:09:22 h kernel: sysmon: ")]
    [InlineData("Nov 24 02:09:22 h bash[3]: Nov 24 02:09:22 h sysmon: ")]
    [InlineData("Nov 24 02:09:22 h user.info logger: sysmon: ")]
    [InlineData("Nov 24 24:09:22 h sysmon: ")]
    [InlineData("Nox 24 02:09:22 h sysmon: ")]
    [InlineData("2026-13-24T02:19:14Z h sysmon: ")]
    [InlineData("2026-02-30T02:19:14Z h sysmon: ")]
    [InlineData("2026-11-24T02:19:14 h sysmon: ")]
    [InlineData("<14>1 - h sysmonx - - - ")]
    [InlineData("<14>1 - h sysmon - - x ")]
    [InlineData("<14>1 - sysmon x - - - ")]
    [InlineData("<1400>Nov 24 02:09:22 h sysmon: ")]
    [InlineData("sysmon: ")]
    [InlineData("")]
    public void Believes_no_other_line(string header)
    {
        DecodedInput got = DecodedInput.Read(header + Event);

        Assert.Equal((0, 0, 1), (got.Events.Count, got.Notices.Count, got.NotSysmon));
    }

    [Theory]
    [InlineData("1970-01-01T00:00:00Z", 0)]
    [InlineData("2000-02-29T23:59:59.999999999Z", 951_868_799_999_999)]
    [InlineData("1969-12-31T23:59:59.5Z", -500_000)]
    [InlineData("2016-12-31T23:59:60Z", 1_483_228_800_000_000)]
    [InlineData("9999-12-31T00:00:00Z", 253_402_214_400_000_000)]
    [InlineData("0001-01-01T00:00:00Z", -62_135_596_800_000_000)]
    public void Reads_times_to_the_microsecond(string text, long expected)
    {
        Assert.True(Timestamp.TryIso(Encoding.ASCII.GetBytes(text + " "), out long micros, out int length));

        Assert.Equal((expected, text.Length), (micros, length));
        Assert.Equal(expected, ReferenceDecoder.ParseTime(text));
    }
}
