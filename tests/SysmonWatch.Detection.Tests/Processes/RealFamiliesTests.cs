using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;
using SysmonWatch.Tests.Shared;

namespace SysmonWatch.Detection.Tests.Processes;

/// <summary>Families over recorded scenarios.</summary>
public sealed class RealFamiliesTests
{
    sealed record Seen(int EventId, ulong RecordId, string Guid, int ProcessId, string Image, string? FamilyGuid, string Chain);

    static List<Seen> Read(string scenario)
    {
        string folder = Places.ReferenceData("data/scenarios/dev/" + scenario);
        using RecordReader reader = RecordReader.Open(File.OpenRead(Directory.GetFiles(folder, "syslog.iso*").Single()));
        var decoder = new BatchDecoder(new SequenceWatch(), new ProcessTree(), new ArrivalClock(TimeSpan.FromMinutes(5)), new DetectionCounters());
        var batch = new EventBatch();
        List<Seen> seen = [];
        while (reader.TryRead(batch.Records))
        {
            decoder.Decode(batch);
            for (int i = 0; i < batch.Count; i++)
            {
                SysmonEvent e = batch[i];
                string chain = "";
                for (ProcessNode? node = e.Process; node is not null; node = node.Parent) chain = $"/{node.ProcessId}{chain}";
                seen.Add(new Seen(
                    e.EventId, e.RecordId, e.Text(KnownFields.ProcessGuid) ?? "", int.Parse(e.Text(KnownFields.ProcessId) ?? "0", System.Globalization.CultureInfo.InvariantCulture),
                    e.Text(KnownFields.Image) ?? "", e.Text(FieldId.Of("FamilyGuid")), chain));
            }
        }
        return seen;
    }

    [Fact]
    public void The_220_processes_of_a_scan_are_one_family()
    {
        Seen[] connects = [.. Read("01b-seed-busybox-many-pids").Where(e => e.EventId == 3 && e.Image == "/var/tmp/.u/busybox")];

        Assert.Equal(220, connects.Select(e => e.ProcessId).Distinct().Count());
        Assert.Single(connects.Select(e => e.FamilyGuid).Distinct());
    }

    [Theory]
    // scenario, events of processes that never executed anything and whose program stands where a started one does
    [InlineData("02-reverse-shells", 1)]
    [InlineData("05-defense-evasion", 1)]
    [InlineData("08-bruteforce-lateral", 1)]
    [InlineData("10a-benign-apt", 26)]
    [InlineData("10e-benign-web-backup-monitoring", 718)]
    [InlineData("12-mixed", 627)]
    public void What_forked_without_exec_is_of_the_family_of_what_it_forked_from(string scenario, int events)
    {
        Dictionary<string, Seen> started = [];
        HashSet<(string, int)> known = [];
        int found = 0;
        foreach (Seen e in Read(scenario))
        {
            // The last four groups' address: 55 or 56 is where programs are put by chance.
            string address = e.Guid.Length == 38 && e.Guid[31] == '5' && e.Guid[32] is '5' or '6' ? e.Guid[20..] : "";
            if (e.EventId == 1)
            {
                known.Add((e.Guid, e.ProcessId));
                if (address.Length > 0) Assert.True(started.TryAdd(address, e), $"{e.Image} and {started[address].Image} at one address");
            }
            else if (address.Length > 0 && !known.Contains((e.Guid, e.ProcessId)) && started.TryGetValue(address, out Seen? origin))
            {
                Assert.Equal((origin.Image, origin.FamilyGuid, $"{origin.Chain}/{e.ProcessId}"), (e.Image, e.FamilyGuid, e.Chain));
                found++;
            }
        }
        Assert.Equal(events, found);
    }
}
