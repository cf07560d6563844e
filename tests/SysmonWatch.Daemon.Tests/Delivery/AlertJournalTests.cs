using Serilog.Sinks.Journald;
using SysmonWatch.Daemon.Delivery.Journal;
using SysmonWatch.Daemon.Operations;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Rules;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Daemon.Tests.Delivery;

public sealed class AlertJournalTests : IDisposable
{
    static readonly Alert Deletion = new()
    {
        AlertId = "0123456789abcdef0123456789abcdef",
        RuleId = "11111111-2222-3333-4444-555555555555",
        RuleTitle = "Power control program deleted",
        Level = RuleLevel.High,
        Time = 1_763_950_756_711_841,
        Computer = "lab",
        EventId = 23,
        RecordIds = [36],
        Tags = ["attack.impact", "attack.t1485", "attack.t1529", "attack.T1485", "attack.command_and_control", "attack.s0001", "attack.t1059.004", "cve.2026-1"],
        Image = "/tmp/.kw3f",
        ProcessId = 572,
        ProcessGuid = "{a-b}",
        CommandLine = "./.kw3f -d",
        User = "root",
        Message = "Power control program deleted on lab: /tmp/.kw3f (pid 572, root) deleted /sbin/reboot; sshd → bash → .kw3f",
        Author = "Somebody",
        Chain = ["sshd", "bash", ".kw3f"],
        FirstSubject = "/sbin/reboot",
        LastSubject = "/sbin/halt",
        Marks = ["truncated"],
    };

    readonly FakeJournal _journal = new();
    readonly JournalClient _client;
    readonly AlertJournal _alerts;

    public AlertJournalTests()
    {
        _client = new JournalClient(new() { SocketPath = _journal.SocketPath, Wait = TimeSpan.FromMilliseconds(20) });
        _alerts = new AlertJournal(_client);
    }

    public void Dispose()
    {
        _client.Dispose();
        _journal.Dispose();
    }

    [Fact]
    public void Writes_every_field()
    {
        Assert.True(_alerts.Tell(Deletion).IsSent);

        Assert.Equal(
            [
                "MESSAGE=[high] Power control program deleted on lab: /tmp/.kw3f (pid 572, root) deleted /sbin/reboot; sshd → bash → .kw3f",
                $"MESSAGE_ID={MessageIds.Finding}",
                "PRIORITY=3",
                "SYSLOG_IDENTIFIER=sysmonwatch",
                "SYSLOG_FACILITY=10",
                "SYSMONWATCH_ALERT_ID=0123456789abcdef0123456789abcdef",
                "SYSMONWATCH_RULE_ID=11111111-2222-3333-4444-555555555555",
                "SYSMONWATCH_RULE=Power control program deleted",
                "SYSMONWATCH_LEVEL=high",
                "SYSMONWATCH_AUTHOR=Somebody",
                "SYSMONWATCH_TECHNIQUE=T1485",
                "SYSMONWATCH_TECHNIQUE=T1529",
                "SYSMONWATCH_TECHNIQUE=T1059.004",
                "SYSMONWATCH_TACTIC=impact",
                "SYSMONWATCH_TACTIC=command-and-control",
                "SYSMONWATCH_HOST=lab",
                "SYSMONWATCH_TIME=2025-11-24T02:19:16.711841Z",
                "SYSMONWATCH_EVENT_ID=23",
                "SYSMONWATCH_EVENT_RECORD_ID=36",
                "SYSMONWATCH_IMAGE=/tmp/.kw3f",
                "SYSMONWATCH_COMMAND_LINE=./.kw3f -d",
                "SYSMONWATCH_USER=root",
                "SYSMONWATCH_PROCESS_ID=572",
                "SYSMONWATCH_PROCESS_GUID={a-b}",
                "SYSMONWATCH_CHAIN=sshd → bash → .kw3f",
                "SYSMONWATCH_FIRST_SUBJECT=/sbin/reboot",
                "SYSMONWATCH_LAST_SUBJECT=/sbin/halt",
                "SYSMONWATCH_MARK=truncated",
                "SYSMONWATCH_COUNT=1",
            ],
            _journal.Receive().Fields.Select(field => field.ToString()));
    }

    [Fact]
    public void Names_the_root_of_a_family_in_fields_of_its_own()
    {
        _alerts.Tell(Deletion with { FamilyImage = "/usr/bin/bash", FamilyCommandLine = "-bash", FamilyProcessId = 26300 });

        ReceivedEntry entry = _journal.Receive();
        Assert.Equal(["/tmp/.kw3f"], entry["SYSMONWATCH_IMAGE"]);
        Assert.Equal(["/usr/bin/bash"], entry["SYSMONWATCH_FAMILY_IMAGE"]);
        Assert.Equal(["-bash"], entry["SYSMONWATCH_FAMILY_COMMAND_LINE"]);
        Assert.Equal(["26300"], entry["SYSMONWATCH_FAMILY_PROCESS_ID"]);
    }

    [Fact]
    public void Leaves_out_what_is_not_known()
    {
        _alerts.Tell(Deletion with
        {
            Image = null,
            ProcessId = null,
            ProcessGuid = null,
            CommandLine = null,
            User = null,
            Author = "",
            Tags = [],
            Chain = [],
            FirstSubject = null,
            LastSubject = null,
            Marks = [],
        });

        Assert.Equal(
            [
                "MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "SYSMONWATCH_ALERT_ID", "SYSMONWATCH_RULE_ID",
                "SYSMONWATCH_RULE", "SYSMONWATCH_LEVEL", "SYSMONWATCH_HOST", "SYSMONWATCH_TIME", "SYSMONWATCH_EVENT_ID", "SYSMONWATCH_EVENT_RECORD_ID",
                "SYSMONWATCH_COUNT",
            ],
            _journal.Receive().Fields.Select(field => field.Name));
    }

    [Theory]
    [InlineData(RuleLevel.Critical, "2", "critical")]
    [InlineData(RuleLevel.High, "3", "high")]
    [InlineData(RuleLevel.Medium, "4", "medium")]
    [InlineData(RuleLevel.Low, "5", "low")]
    [InlineData(RuleLevel.Informational, "6", "informational")]
    public void Gives_each_level_its_priority(RuleLevel level, string priority, string text)
    {
        _alerts.Tell(Deletion with { Level = level });

        ReceivedEntry entry = _journal.Receive();
        Assert.Equal([priority], entry["PRIORITY"]);
        Assert.Equal([text], entry["SYSMONWATCH_LEVEL"]);
        Assert.StartsWith($"[{text}] ", Assert.Single(entry["MESSAGE"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Has_one_message_id_for_each_kind_of_alert()
    {
        _alerts.Tell(Deletion with { Count = 3, RecordIds = [1, 2, 3] });
        _alerts.Tell(Deletion with { Group = ["Image=/x"] });
        _alerts.Tell(Deletion with { RecordIds = [1, 2, 3] });
        _alerts.Tell(Deletion with { RuleId = "sysmonwatch-gap" });

        Assert.Equal(
            [MessageIds.Finding, MessageIds.Correlation, MessageIds.Correlation, MessageIds.Watcher],
            Enumerable.Range(0, 4).Select(_ => Assert.Single(_journal.Receive()["MESSAGE_ID"])));
    }

    [Fact]
    public void Names_every_record_and_says_how_often()
    {
        _alerts.Tell(Deletion with { Count = 3, RecordIds = [1, ulong.MaxValue, 3] });

        ReceivedEntry entry = _journal.Receive();
        Assert.Equal(["1", "18446744073709551615", "3"], entry["SYSMONWATCH_EVENT_RECORD_ID"]);
        Assert.Equal(["3"], entry["SYSMONWATCH_COUNT"]);
        Assert.EndsWith(" (3 times)", Assert.Single(entry["MESSAGE"]), StringComparison.Ordinal);
    }

    [Fact]
    public void No_value_of_an_attacker_makes_a_field_and_a_megabyte_arrives_whole()
    {
        const string Forgery = "x\nPRIORITY=7\nSYSMONWATCH_LEVEL=low\n\nMESSAGE=nothing to see\n";
        string megabyte = string.Concat(Enumerable.Repeat("0123456789", 100_000));

        Assert.True(_alerts.Tell(Deletion with { Image = Forgery, User = Forgery, Computer = Forgery, CommandLine = megabyte }).IsSent);

        ReceivedEntry entry = _journal.Receive();
        Assert.Equal([Forgery], entry["SYSMONWATCH_IMAGE"]);
        Assert.Equal([Forgery], entry["SYSMONWATCH_USER"]);
        Assert.Equal([Forgery], entry["SYSMONWATCH_HOST"]);
        Assert.Equal([megabyte], entry["SYSMONWATCH_COMMAND_LINE"]);
        Assert.Equal(["3"], entry["PRIORITY"]);
        Assert.Equal(["high"], entry["SYSMONWATCH_LEVEL"]);
        Assert.Single(entry["MESSAGE"]);
    }

    [Fact]
    public void Stays_within_what_journald_takes_whatever_a_rule_file_says()
    {
        Assert.True(_alerts.Tell(Deletion with { Tags = [.. Enumerable.Range(0, 3000).Select(i => $"attack.t{i}")], RecordIds = [.. Enumerable.Range(0, 3000).Select(i => (ulong)i)] }).IsSent);

        Assert.Equal(100, _journal.Receive()["SYSMONWATCH_TECHNIQUE"].Length);
    }

    [Fact]
    public void Says_that_an_alert_is_not_told_and_may_be_told_again()
    {
        _journal.Stop();
        JournalSendResult stopped = _alerts.Tell(Deletion);
        _journal.Start();
        JournalSendResult started = _alerts.Tell(Deletion);

        Assert.False(stopped.IsSent);
        Assert.True(stopped.MayRetry);
        Assert.True(started.IsSent);
        Assert.Equal(["high"], _journal.Receive()["SYSMONWATCH_LEVEL"]);
    }

    [Fact]
    public void Says_that_a_journal_that_stands_still_has_not_got_the_alert()
    {
        int sent = 0;
        JournalSendResult result;
        while ((result = _alerts.Tell(Deletion)).IsSent) sent++;

        Assert.Equal(JournalSendStatus.Busy, result.Status);
        for (int i = 0; i < sent; i++) _journal.Receive();
        Assert.False(_journal.HasMore);
    }
}
