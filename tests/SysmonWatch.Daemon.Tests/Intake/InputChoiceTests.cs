using SysmonWatch.Daemon.Intake;
using SysmonWatch.Daemon.Intake.Journal;
using SysmonWatch.Daemon.Intake.Sources;

namespace SysmonWatch.Daemon.Tests.Intake;

public class InputChoiceTests
{
    static readonly JournalAccess WithSysmon = new("", "", true);
    static readonly JournalAccess WithoutSysmon = new("", "", false);
    static readonly JournalAccess Closed = new("no right to read the journal's files", "add SupplementaryGroups=systemd-journal to the service, or the user to that group", false);

    [Fact]
    public void Takes_the_journal_where_it_can_be_read() =>
        Assert.Equal(new(true, "", "the journal can be read and says who wrote an entry"), Choose(WithSysmon, ("/var/log/syslog", 0)));

    [Fact]
    public void Takes_the_journal_although_sysmon_has_not_written_to_it_yet() =>
        Assert.Equal(new(true, "", "the journal can be read and says who wrote an entry; Sysmon's first one is waited for"), Choose(WithoutSysmon, ("/var/log/syslog", 0)));

    [Fact]
    public void Takes_the_syslog_file_where_the_journal_is_closed() =>
        Assert.Equal(new(false, "/var/log/syslog", "no right to read the journal's files"), Choose(Closed, ("/var/log/syslog", 0), ("/var/log/messages", 0)));

    [Fact]
    public void Takes_the_other_file_where_the_first_is_not_there() =>
        Assert.Equal(new(false, "/var/log/messages", "no right to read the journal's files"), Choose(Closed, ("/var/log/messages", 0)));

    [Fact]
    public void Waits_for_the_file_where_nothing_can_be_read_and_names_the_fix() =>
        Assert.Equal(
            new(false, "/var/log/syslog", "no right to read the journal's files (add SupplementaryGroups=systemd-journal to the service, or the user to that group), and neither /var/log/syslog nor /var/log/messages is there; it is waited for"),
            Choose(Closed));

    [Theory]
    [InlineData("files", false)]
    [InlineData("journal", true)]
    public void Reads_on_what_was_read_before_although_the_other_has_become_the_better_choice(string read, bool usesJournal)
    {
        JournalAccess journal = usesJournal ? WithoutSysmon : WithSysmon;

        Assert.Equal(usesJournal, InputChoice.Choose(journal, _ => 0, read).UsesJournal);
    }

    [Theory]
    [InlineData("files", FileCalls.ENOENT)]
    [InlineData("files journal", 0)]
    public void Chooses_anew_where_what_was_read_before_is_gone_or_both_were(string read, int error) =>
        Assert.True(InputChoice.Choose(WithSysmon, _ => error, read.Split(' ')).UsesJournal);

    static InputChoice Choose(JournalAccess journal, params (string Path, int Error)[] files) =>
        InputChoice.Choose(journal, path => files.Where(f => f.Path == path).Select(f => f.Error).DefaultIfEmpty(FileCalls.ENOENT).First());
}
