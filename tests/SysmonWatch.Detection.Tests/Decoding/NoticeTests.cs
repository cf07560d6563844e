using SysmonWatch.Detection.Decoding;
using SysmonWatch.Detection.Records;

namespace SysmonWatch.Detection.Tests.Decoding;

public sealed class NoticeTests
{
    [Theory]
    [InlineData("h sysmon[533]: Sysmon v1.5.2 - Monitors system events", NoticeKind.Banner, 0UL, -1, 1)]
    [InlineData("h sysmon[533]: Configuration file validated.", NoticeKind.Text, 0UL, -1, 1)]
    [InlineData("h sysmon[533]: Lost 12 events on CPU #1!", NoticeKind.LostEvents, 12UL, 1, 1)]
    [InlineData("h sysmon[533]: Lost 18446744073709551615 events on CPU #0!", NoticeKind.LostEvents, ulong.MaxValue, 0, 1)]
    [InlineData("h sysmon[533]: Lost 99999999999999999999999 events on CPU #0!", NoticeKind.Text, 0UL, -1, 1)]
    [InlineData("h sysmon[533]: Lost -1 events on CPU #0!", NoticeKind.Text, 0UL, -1, 1)]
    [InlineData("h sysmon[812]: message repeated 3 times: [ Lost 12 events on CPU #1!]", NoticeKind.LostEvents, 12UL, 1, 3)]
    [InlineData("h sysmon[773]: Lost events: 5, in 2 notifications", NoticeKind.LostInTotal, 5UL, -1, 1)]
    [InlineData("h sysmon[773]: Telemetry failed to start: error in BPF", NoticeKind.TelemetryFailed, 0UL, -1, 1)]
    [InlineData("h systemd-journald[300]: Suppressed 1234 messages from sysmon.service", NoticeKind.SuppressedMessages, 1234UL, -1, 1)]
    [InlineData("h systemd-journald[300]: Suppressed 7 messages from /system.slice/sysmon.service", NoticeKind.SuppressedMessages, 7UL, -1, 1)]
    [InlineData("h rsyslogd: imjournal: begin to drop messages due to rate-limiting [v8 try x ]", NoticeKind.RateLimited, 0UL, -1, 1)]
    [InlineData("h rsyslogd[9]: imjournal: 4711 messages lost due to rate-limiting (20000 allowed within 600 seconds)", NoticeKind.RateLimited, 4711UL, -1, 1)]
    [InlineData("h sysmon: <event>", NoticeKind.Text, 0UL, -1, 1)]
    [InlineData("h sysmon: message repeated 2 times: [ <Event><System><EventID>1</EventID></System></Event>]", NoticeKind.Text, 0UL, -1, 2)]
    [InlineData("h sysmon: ", NoticeKind.Text, 0UL, -1, 1)]
    public void Plain_text_says_what_it_means(string line, NoticeKind kind, ulong count, int cpu, int repeats)
    {
        DecodedInput got = DecodedInput.Read("Nov 24 02:09:22 " + line + "\n");

        Assert.Empty(got.Events);
        SysmonNotice notice = Assert.Single(got.Notices).Notice;
        Assert.Equal((kind, count, cpu, repeats, false), (notice.Kind, notice.Count, notice.Cpu, notice.Repeats, notice.Forged));
    }

    [Theory]
    [InlineData("h systemd-journald[300]: Suppressed 1234 messages from cron.service")]
    [InlineData("h systemd-journald[300]: Journal started")]
    [InlineData("h systemd-journaldx[300]: Suppressed 1234 messages from sysmon.service")]
    [InlineData("h rsyslogd: start")]
    [InlineData("h sshd[3]: Lost 12 events on CPU #1!")]
    public void What_is_not_about_sysmon_is_none(string line)
    {
        DecodedInput got = DecodedInput.Read("Nov 24 02:09:22 " + line + "\n");

        Assert.Equal((0, 0, 1), (got.Events.Count, got.Notices.Count, got.NotSysmon));
    }

    [Fact]
    public void A_notice_that_somebody_else_wrote_is_marked()
    {
        DecodedInput got = DecodedInput.Message("Lost 4096 events on CPU #0!"u8.ToArray(), RecordOrigin.JournalOfAnother);

        Assert.Equal((NoticeKind.LostEvents, true), (Assert.Single(got.Notices).Notice.Kind, got.Notices[0].Notice.Forged));
    }

    [Theory]
    [InlineData("<")]
    [InlineData("<Eve")]
    [InlineData("<Event>")]
    [InlineData("<Event><System><EventID>")]
    [InlineData("<Event><System><EventID>1")]
    [InlineData("<Event><System><EventID>x</EventID></System></Event>")]
    [InlineData("<Event><System><EventID>70000</EventID></System></Event>")]
    public void An_event_without_a_readable_id_is_unreadable(string message)
    {
        Assert.Equal(1, DecodedInput.Read("Nov 24 02:09:22 h sysmon: " + message + "\n").Unreadable);
    }
}
