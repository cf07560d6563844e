using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Events;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Alerting;

public class RepeatKeyTests
{
    static readonly SysmonEvent Netcat = Started("/usr/bin/nc", "nc -e /bin/sh");

    [Fact]
    public void The_same_program_started_with_the_same_arguments_is_a_repeat() =>
        Assert.Equal(RepeatKey.Of("rule", Netcat), RepeatKey.Of("rule", Started("/usr/bin/nc", "nc -e /bin/sh")));

    [Fact]
    public void What_one_program_of_a_family_does_again_is_a_repeat_whatever_it_acts_on()
    {
        Assert.Equal(RepeatKey.Of("rule", Deleted("/bin/rm", "/sbin/reboot")), RepeatKey.Of("rule", Deleted("/bin/rm", "/sbin/halt")));
        Assert.NotEqual(RepeatKey.Of("rule", Deleted("/bin/rm", "/sbin/reboot")), RepeatKey.Of("rule", Deleted("/bin/unlink", "/sbin/reboot")));
    }

    [Fact]
    public void Another_program_or_command_line_is_of_the_group_and_no_repeat()
    {
        foreach (SysmonEvent other in (SysmonEvent[])[Started("/usr/bin/nc", "nc -e /bin/bash"), Started("/usr/bin/ncat", "nc -e /bin/sh")])
        {
            RepeatKey key = RepeatKey.Of("rule", other);
            Assert.Equal(RepeatKey.Of("rule", Netcat).Group, key.Group);
            Assert.NotEqual(RepeatKey.Of("rule", Netcat).Whole, key.Whole);
        }
    }

    [Fact]
    public void Another_rule_family_or_computer_is_another_group()
    {
        UInt128[] groups =
        [
            RepeatKey.Of("rule", Netcat).Group,
            RepeatKey.Of("other rule", Netcat).Group,
            RepeatKey.Of("rule", Started("/usr/bin/nc", "nc -e /bin/sh", family: "{2}")).Group,
            RepeatKey.Of("rule", Started("/usr/bin/nc", "nc -e /bin/sh", computer: "web-a02")).Group,
            RepeatKey.Of("rule", SomeEvent.With(1, ("Image", "/usr/bin/nc"), ("User", "root"))).Group,
            RepeatKey.Of("rule", SomeEvent.With(1, ("Image", "/usr/bin/nc"), ("User", "alice"))).Group,
        ];

        Assert.Equal(groups.Length, groups.Distinct().Count());
    }

    [Fact]
    public void Parts_do_not_run_together() => Assert.NotEqual(RepeatKey.Of("rule", "a", "bc"), RepeatKey.Of("rule", "ab", "c"));

    static SysmonEvent Started(string image, string commandLine, string family = "{1}", string computer = "web-a01") =>
        Of(family, SomeEvent.With(1, 1, SomeEvent.Noon, computer, ("Image", image), ("CommandLine", commandLine)));

    static SysmonEvent Deleted(string image, string file) => Of("{1}", SomeEvent.With(23, ("Image", image), ("TargetFilename", file)));

    static SysmonEvent Of(string family, SysmonEvent e)
    {
        e.Process = new ProcessNode(System.Text.Encoding.UTF8.GetBytes(family), 7, default, default, default, 0, null, null);
        return e;
    }
}
