using System.Globalization;
using System.Text;

namespace SysmonWatch.Detection.Tests.Processes;

/// <summary>Lines about few processes that do everything a process can: they start, execute others, fork, end, are mentioned, and take each other's ids.</summary>
static class SomeProcesses
{
    static readonly string[] Images = ["/usr/bin/bash", "/usr/bin/sudo", "/usr/sbin/sshd", "/tmp/x", "/usr/bin/python3.11", "-"];
    static readonly int[] Lengths = [0, 3, 20, 70, 130, 200, 480, 520, 1000, 3000, 9000];

    /// <summary>One event.</summary>
    /// <param name="seed">What happens; the same is made of the same.</param>
    /// <param name="record">Its number; also its time.</param>
    public static byte[] Line(int seed, int record)
    {
        var random = new Random(seed);
        int id = (random.Next(10)) switch { < 5 => 1, 5 => 5, 6 => 10, 7 => 11, _ => 3 };
        (string guid, int process) = Process(random);
        var text = new StringBuilder("2026-11-24T03:00:00.000000+00:00 lab sysmon: <Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}\"/>");
        text.Append(CultureInfo.InvariantCulture, $"<EventID>{id}</EventID><Version>5</Version><Level>4</Level><Task>{id}</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords>");
        text.Append(CultureInfo.InvariantCulture, $"<TimeCreated SystemTime=\"2026-11-24T02:{record / 60_000 % 60:d2}:{record / 1000 % 60:d2}.{record % 1000:d3}000000Z\"/><EventRecordID>{record}</EventRecordID>");
        text.Append("<Correlation/><Execution ProcessID=\"538\" ThreadID=\"538\"/><Channel>Linux-Sysmon/Operational</Channel><Computer>lab</Computer><Security UserId=\"0\"/></System><EventData>");
        string source = id == 10 ? "Source" : "";
        Put("RuleName", "-");
        Put("UtcTime", $"2026-11-24 02:00:0{random.Next(3)}.000");
        Put(id == 10 ? "SourceProcessGUID" : "ProcessGuid", guid);
        Put(source + "ProcessId", process.ToString(CultureInfo.InvariantCulture));
        Put(source + "Image", Images[random.Next(Images.Length)]);
        if (id == 1) Put("CommandLine", new string((char)('a' + random.Next(26)), Lengths[random.Next(Lengths.Length)]));
        if (id == 11) Put("TargetFilename", random.Next(2) == 0 ? "/tmp/./a" : "/tmp/a");
        Put(source + "User", random.Next(3) == 0 ? "-" : $"user{random.Next(3)}");
        if (id == 1)
        {
            (string parent, int parentId) = Process(random);
            Put("ParentProcessGuid", parent);
            Put("ParentProcessId", parentId.ToString(CultureInfo.InvariantCulture));
            Put("ParentImage", Images[random.Next(Images.Length)]);
            Put("ParentCommandLine", random.Next(2) == 0 ? "-" : "parent");
            Put("ParentUser", "root");
        }
        return Encoding.ASCII.GetBytes(text.Append("</EventData></Event>").ToString());

        void Put(string name, string value) => text.Append(CultureInfo.InvariantCulture, $"<Data Name=\"{name}\">{value}</Data>");
    }

    /// <summary>A GUID of a random address, of a fixed one, of none, or unknown, and one of few process ids.</summary>
    static (string Guid, int Id) Process(Random random)
    {
        int id = random.Next(0, 24);
        string second = $"b08dfa60-{random.Next(3):x4}-0000";
        return random.Next(8) switch
        {
            0 => ("{00000000-0000-0000-0000-000000000000}", id),
            1 => ("-", id),
            2 => ($"{{{second}-89b9-490000000000}}", id),
            3 or 4 => ($"{{{second}-00{random.Next(6):x2}-000000560000}}", id),
            _ => ($"{{b08dfa60-0001-0000-00{id:x2}-{random.Next(3):x2}0000000000}}", id),
        };
    }
}
