using System.Buffers;
using System.Text;
using CsCheck;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Processes;

public class ProcessTreeTests
{
    readonly ProcessTree _tree = new();

    [Fact]
    public void A_family_begins_under_a_session_manager_and_includes_all_below()
    {
        Start(100, "/usr/sbin/sshd", "sshd -D", parent: (1, "/usr/lib/systemd/systemd"));
        Start(200, "/usr/bin/bash", "-bash", parent: (100, "/usr/sbin/sshd"));
        Start(300, "/tmp/.kw3f", "./.kw3f 400", parent: (200, "/usr/bin/bash"));

        SysmonEvent connected = Observe(SomeEvent.With(3, ("ProcessGuid", Guid(300)), ("ProcessId", "300"), ("Image", "/tmp/.kw3f"), ("DestinationIp", "10.0.0.1")));

        Assert.Equal("/usr/bin/bash", Field(connected, "FamilyImage"));
        Assert.Equal(Guid(200), Field(connected, "FamilyGuid"));
        Assert.Equal("./.kw3f 400", Field(connected, "ProcessCommandLine"));
        Assert.Equal("/usr/sbin/sshd", Field(connected, "GrandparentImage"));
    }

    [Theory]
    [InlineData("/usr/bin/sudo")]
    [InlineData("/usr/bin/su")]
    [InlineData("/usr/sbin/cron")]
    [InlineData("/usr/bin/login")]
    [InlineData("/usr/lib/systemd/systemd")]
    [InlineData("/usr/lib/openssh/sshd-session")]
    public void Each_child_of_a_manager_is_a_family_of_its_own(string manager)
    {
        SysmonEvent one = Start(10, "/usr/bin/bash", "bash", parent: (5, manager));
        SysmonEvent other = Start(11, "/usr/bin/bash", "bash", parent: (5, manager));

        Assert.Equal(Guid(10), Field(one, "FamilyGuid"));
        Assert.Equal(Guid(11), Field(other, "FamilyGuid"));
    }

    [Fact]
    public void While_the_manager_is_unknown_the_topmost_known_process_is_the_root()
    {
        SysmonEvent one = Start(20, "/usr/bin/nc", "nc a", parent: (7, "/usr/bin/busybox"));
        SysmonEvent other = Start(21, "/usr/bin/nc", "nc b", parent: (7, "/usr/bin/busybox"));

        Assert.Equal(Guid(7), Field(one, "FamilyGuid"));
        Assert.Equal(Guid(7), Field(other, "FamilyGuid"));
    }

    [Fact]
    public void An_exec_keeps_the_family_of_what_it_replaced()
    {
        // setpriv → env → bash in one process under systemd: three GUIDs, one UtcTime.
        SysmonEvent first = Start(30, "/usr/bin/setpriv", "setpriv env bash", (1, "/usr/lib/systemd/systemd"), guid: Guid(31), utcTime: "2026-11-24 02:00:00.000");
        SysmonEvent second = Start(30, "/usr/bin/bash", "bash", (1, "/usr/lib/systemd/systemd"), guid: Guid(32), utcTime: "2026-11-24 02:00:00.000");

        Assert.Equal(Guid(31), Field(first, "FamilyGuid"));
        Assert.Equal(Guid(31), Field(second, "FamilyGuid"));
    }

    [Fact]
    public void A_process_id_used_again_is_another_process()
    {
        Start(40, "/usr/bin/setpriv", "setpriv", (1, "/usr/lib/systemd/systemd"), guid: Guid(41), utcTime: "2026-11-24 02:00:00.000");

        SysmonEvent later = Start(40, "/usr/bin/bash", "bash", (1, "/usr/lib/systemd/systemd"), guid: Guid(42), utcTime: "2026-11-24 03:00:00.000");

        Assert.Equal(Guid(42), Field(later, "FamilyGuid"));
    }

    [Fact]
    public void A_parent_without_guid_is_found_by_its_process_id_unless_it_has_ended()
    {
        Start(50, "/usr/bin/bash", "bash", (1, "/usr/lib/systemd/systemd"));

        SysmonEvent child = StartUnderUnknown(51, "/usr/bin/id", parentId: 50);
        Observe(SomeEvent.With(5, ("ProcessGuid", Guid(50)), ("ProcessId", "50"), ("Image", "/usr/bin/bash")));
        SysmonEvent stranger = StartUnderUnknown(52, "/usr/bin/id", parentId: 50);

        Assert.Equal(Guid(50), Field(child, "FamilyGuid"));
        Assert.Equal(Guid(52), Field(stranger, "FamilyGuid"));
    }

    [Fact]
    public void An_event_5_of_a_thread_does_not_end_the_tree_below()
    {
        Start(60, "/usr/bin/python3.11", "python3 -m http.server", (1, "/usr/lib/systemd/systemd"));
        Observe(SomeEvent.With(5, ("ProcessGuid", Guid(60)), ("ProcessId", "60"), ("Image", "/usr/bin/python3.11")));

        SysmonEvent child = Start(61, "/usr/bin/dash", "sh -c id", (60, "/usr/bin/python3.11"));

        Assert.Equal(Guid(60), Field(child, "FamilyGuid"));
    }

    [Fact]
    public void A_forged_event_becomes_nobodys_ancestor()
    {
        SysmonEvent forged = SomeEvent.With(1, ("ProcessGuid", Guid(70)), ("ProcessId", "70"), ("Image", "/usr/lib/systemd/systemd"));
        forged.Marks |= EventMarks.Forged;
        _tree.Observe(forged);

        Assert.Null(forged.Process);
        Assert.Equal(0, _tree.Count);
    }

    [Fact]
    public void Processes_without_guid_are_told_apart_by_id_and_image()
    {
        SysmonEvent one = Observe(SomeEvent.With(3, ("ProcessGuid", Guid(0)), ("ProcessId", "80"), ("Image", "/usr/bin/a")));
        SysmonEvent other = Observe(SomeEvent.With(3, ("ProcessGuid", Guid(0)), ("ProcessId", "81"), ("Image", "/usr/bin/a")));

        Assert.NotEqual(Field(one, "FamilyGuid"), Field(other, "FamilyGuid"));
    }

    [Fact]
    public void The_same_guid_on_two_computers_is_two_processes()
    {
        Start(90, "/usr/bin/bash", "here", (1, "/usr/lib/systemd/systemd"));

        SysmonEvent there = Observe(SomeEvent.With(23, 1, SomeEvent.Noon, "web-b02", ("ProcessGuid", Guid(90)), ("ProcessId", "90"), ("Image", "/usr/bin/bash")));

        Assert.Null(Field(there, "ProcessCommandLine"));
    }

    [Fact]
    public void Remembers_no_more_than_it_may_and_counts_what_it_forgets()
    {
        var small = new ProcessTree(mostProcesses: 8);

        for (int i = 1; i <= 20; i++) small.Observe(SomeEvent.With(3, ("ProcessGuid", Guid(i)), ("ProcessId", $"{i}"), ("Image", "/usr/bin/nc")));

        Assert.Equal(8, small.Count);
        Assert.Equal(12, small.Evictions);
    }

    [Fact]
    public void A_fork_without_exec_belongs_to_the_family_of_the_program_it_is()
    {
        Start(200, "/usr/bin/bash", "bash -c x", parent: (100, "/usr/sbin/sshd"), guid: At(7, 0x55a1_0000_3aac));

        SysmonEvent wrote = Observe(SomeEvent.With(11, ("ProcessGuid", At(9, 0x55a1_0000_3aac)), ("ProcessId", "201"), ("Image", "/usr/bin/bash"), ("User", "bob")));
        SysmonEvent child = StartUnderUnknown(202, "/usr/bin/id", parentId: 201);

        Assert.Equal(At(7, 0x55a1_0000_3aac), Field(wrote, "FamilyGuid"));
        Assert.Equal(("bash -c x", "bob"), (Field(wrote, "ProcessCommandLine"), Field(wrote, "ProcessUser")));
        Assert.Equal(200, wrote.Process!.Parent!.ProcessId);
        Assert.Equal(At(7, 0x55a1_0000_3aac), Field(child, "FamilyGuid"));
    }

    [Theory]
    // Started before the program it would be.
    [InlineData(6u, 0x55a1_0000_3aac, "/usr/bin/bash", "web-a01")]
    // Another address, another program, another computer.
    [InlineData(9u, 0x55a1_0000_3aad, "/usr/bin/bash", "web-a01")]
    [InlineData(9u, 0x55a1_0000_3aac, "/usr/bin/dash", "web-a01")]
    [InlineData(9u, 0x55a1_0000_3aac, "/usr/bin/bash", "web-b02")]
    public void What_need_not_be_a_fork_of_it_is_not_joined(uint second, long address, string image, string computer)
    {
        Start(200, "/usr/bin/bash", "bash -c x", parent: (100, "/usr/sbin/sshd"), guid: At(7, 0x55a1_0000_3aac));

        SysmonEvent wrote = Observe(SomeEvent.With(11, 1, SomeEvent.Noon, computer, ("ProcessGuid", At(second, address)), ("ProcessId", "201"), ("Image", image)));

        Assert.Equal(At(second, address), Field(wrote, "FamilyGuid"));
        Assert.Null(Field(wrote, "ProcessCommandLine"));
    }

    [Theory]
    // A static program (busybox) has the same address every time, and so has any without randomisation (setarch -R).
    [InlineData(0x49_b989)]
    [InlineData(0x5555_5555_8aac)]
    public void An_address_that_is_not_random_proves_nothing(long address)
    {
        Start(200, "/tmp/busybox", "busybox sh", parent: (100, "/usr/sbin/sshd"), guid: At(7, address));

        SysmonEvent wrote = Observe(SomeEvent.With(11, ("ProcessGuid", At(9, address)), ("ProcessId", "201"), ("Image", "/tmp/busybox")));

        Assert.Equal(At(9, address), Field(wrote, "FamilyGuid"));
    }

    [Fact]
    public void An_address_at_which_two_were_started_is_not_random_and_proves_nothing()
    {
        const long Made = 0x5600_0000_0aac;
        Start(200, "/tmp/x", "x 1", parent: (100, "/usr/sbin/sshd"), guid: At(7, Made));
        Start(300, "/tmp/x", "x 2", parent: (101, "/usr/sbin/sshd"), guid: At(8, Made));

        SysmonEvent wrote = Observe(SomeEvent.With(11, ("ProcessGuid", At(9, Made)), ("ProcessId", "301"), ("Image", "/tmp/x")));

        Assert.Equal(At(9, Made), Field(wrote, "FamilyGuid"));
    }

    [Fact]
    public void A_fork_of_a_session_manager_begins_a_family()
    {
        Start(200, "/usr/sbin/sshd", "sshd -D", parent: (1, "/usr/lib/systemd/systemd"), guid: At(7, 0x55a1_0000_3aac));

        SysmonEvent wrote = Observe(SomeEvent.With(11, ("ProcessGuid", At(9, 0x55a1_0000_3aac)), ("ProcessId", "201"), ("Image", "/usr/sbin/sshd")));

        Assert.Equal(At(9, 0x55a1_0000_3aac), Field(wrote, "FamilyGuid"));
        Assert.Equal(200, wrote.Process!.Parent!.ProcessId);
    }

    [Theory]
    [InlineData(100, true)]
    [InlineData(101, false)]
    public void A_guid_that_several_have_leads_to_their_family_if_they_have_one(int otherParent, bool joined)
    {
        // A static program, started twice within a second.
        Start(200, "/tmp/busybox", "busybox a", parent: (100, "/usr/bin/bash"), guid: At(7, 0x49_b989));
        Start(201, "/tmp/busybox", "busybox b", parent: (otherParent, "/usr/bin/bash"), guid: At(7, 0x49_b989));

        SysmonEvent wrote = Observe(SomeEvent.With(11, ("ProcessGuid", At(7, 0x49_b989)), ("ProcessId", "202"), ("Image", "/tmp/busybox")));

        Assert.Equal(joined ? Guid(100) : At(7, 0x49_b989), Field(wrote, "FamilyGuid"));
    }

    [Fact]
    public void Another_program_with_the_same_guid_is_not_its_sibling()
    {
        Start(200, "/tmp/a", "a", parent: (100, "/usr/sbin/sshd"), guid: At(7, 0x49_b989));

        SysmonEvent wrote = Observe(SomeEvent.With(11, ("ProcessGuid", At(7, 0x49_b989)), ("ProcessId", "201"), ("Image", "/tmp/b")));

        Assert.Equal("/tmp/b", Field(wrote, "FamilyImage"));
    }

    [Fact]
    public void An_endless_chain_of_forks_keeps_only_the_nearest_ancestors()
    {
        for (int i = 1; i <= 1000; i++) Start(i + 1, "/tmp/fork", $"fork {i}", (i, "/tmp/fork"));
        SysmonEvent last = Observe(SomeEvent.With(3, ("ProcessGuid", Guid(1001)), ("ProcessId", "1001"), ("Image", "/tmp/fork")));

        Assert.InRange(last.Process!.Depth, 1, ProcessNode.MostAncestors);
        Assert.Equal(Guid(1), Field(last, "FamilyGuid"));
    }

    [Fact]
    public void An_endless_chain_of_sessions_within_sessions_keeps_only_few_processes()
    {
        int most = 0;
        for (int i = 1; i <= 500; i++)
        {
            string image = i % 2 == 0 ? "/usr/bin/sudo" : "/usr/bin/bash", parent = i % 2 == 0 ? "/usr/bin/bash" : "/usr/bin/sudo";
            var kept = new HashSet<ProcessNode>(ReferenceEqualityComparer.Instance);
            Reach(Start(i + 1, image, "x", (i, parent)).Process, kept);
            most = Math.Max(most, kept.Count);
        }

        Assert.InRange(most, ProcessNode.MostAncestors, 2 * (ProcessNode.MostAncestors + 1));

        static void Reach(ProcessNode? node, HashSet<ProcessNode> kept)
        {
            if (node is null || !kept.Add(node)) return;
            Reach(node.Parent, kept);
            Reach(node.FamilyRoot, kept);
        }
    }

    [Fact]
    public void Goes_on_from_a_snapshot_as_if_nothing_had_happened()
    {
        Gen.Int[1, 12].Select(Gen.Int[1, 12], Gen.Int[0, 5], Gen.Int[1, 3]).Array[1, 60].Sample(steps =>
        {
            var undisturbed = new ProcessTree(mostProcesses: 6);
            var restarted = new ProcessTree(mostProcesses: 6);
            foreach ((int child, int parent, int kind, int fork) in steps)
            {
                SysmonEvent here = Make(child, parent, kind, fork);
                SysmonEvent there = Make(child, parent, kind, fork);
                undisturbed.Observe(here);
                restarted.Observe(there);
                Assert.Equal(Field(here, "FamilyGuid"), Field(there, "FamilyGuid"));
                Assert.Equal(Field(here, "GrandparentImage"), Field(there, "GrandparentImage"));

                var bytes = new ArrayBufferWriter<byte>();
                restarted.Save(bytes);
                restarted = new ProcessTree(mostProcesses: 6);
                Assert.True(restarted.TryRestore(bytes.WrittenSpan));
            }
        });

        static SysmonEvent Make(int child, int parent, int kind, int fork) => kind switch
        {
            0 => SomeEvent.With(5, ("ProcessGuid", Guid(child)), ("ProcessId", $"{child}"), ("Image", $"/bin/{child}")),
            4 => SomeEvent.With(3, ("ProcessGuid", At((uint)fork, 0x5600_0000_0000 + (child % 4))), ("ProcessId", $"{child}"), ("Image", "/bin/f")),
            5 => SomeEvent.With(1, ("ProcessGuid", At((uint)fork, 0x5600_0000_0000 + (child % 4))), ("ProcessId", $"{child}"), ("UtcTime", $"{fork}"), ("Image", "/bin/f"),
                ("ParentProcessGuid", Guid(parent)), ("ParentProcessId", $"{parent}"), ("ParentImage", $"/bin/{parent}")),
            1 => SomeEvent.With(3, ("ProcessGuid", Guid(child)), ("ProcessId", $"{child}"), ("Image", $"/bin/{child}")),
            _ => SomeEvent.With(1, ("ProcessGuid", Guid(child * fork)), ("ProcessId", $"{child}"), ("UtcTime", $"{fork}"), ("Image", $"/bin/{child}"),
                ("ParentProcessGuid", Guid(kind == 2 ? parent : 0)), ("ParentProcessId", $"{parent}"), ("ParentImage", $"/bin/{parent}")),
        };
    }

    [Fact]
    public void Refuses_a_damaged_snapshot_and_keeps_what_it_knows()
    {
        Start(95, "/usr/bin/bash", "bash", (1, "/usr/lib/systemd/systemd"));
        var bytes = new ArrayBufferWriter<byte>();
        _tree.Save(bytes);
        byte[] whole = bytes.WrittenSpan.ToArray();

        for (int length = 0; length < whole.Length; length++) Assert.False(_tree.TryRestore(whole.AsSpan(0, length)));
        Gen.Byte.Array[0, 300].Sample(noise => { new ProcessTree().TryRestore(noise); });

        Assert.Equal(2, _tree.Count);
    }

    SysmonEvent Start(int id, string image, string commandLine, (int Id, string Image) parent, string? guid = null, string? utcTime = null) => Observe(SomeEvent.With(
        1,
        ("UtcTime", utcTime ?? $"fork of {guid ?? Guid(id)}"),
        ("ProcessGuid", guid ?? Guid(id)),
        ("ProcessId", $"{id}"),
        ("Image", image),
        ("CommandLine", commandLine),
        ("User", "root"),
        ("ParentProcessGuid", Guid(parent.Id)),
        ("ParentProcessId", $"{parent.Id}"),
        ("ParentImage", parent.Image),
        ("ParentCommandLine", "-")));

    SysmonEvent StartUnderUnknown(int id, string image, int parentId) => Observe(SomeEvent.With(
        1,
        ("UtcTime", $"fork of {id}"),
        ("ProcessGuid", Guid(id)),
        ("ProcessId", $"{id}"),
        ("Image", image),
        ("ParentProcessGuid", Guid(0)),
        ("ParentProcessId", $"{parentId}"),
        ("ParentImage", "-")));

    SysmonEvent Observe(SysmonEvent e)
    {
        _tree.Observe(e);
        return e;
    }

    static string Guid(int number) => $"{{00000000-0000-0000-0000-{number:x12}}}";

    /// <summary>A ProcessGuid as Sysmon makes it: machine, second of the start, address of the program.</summary>
    static string At(uint second, long address)
    {
        string bytes = Convert.ToHexStringLower(BitConverter.GetBytes(address));
        return $"{{b08dfa60-{second & 0xFFFF:x4}-{second >> 16:x4}-{bytes[..4]}-{bytes[4..]}}}";
    }

    static string? Field(SysmonEvent e, string name) =>
        e.Find(FieldId.Of(name), out ReadOnlySpan<byte> value) == ValueKind.Absent ? null : Encoding.UTF8.GetString(value);
}
