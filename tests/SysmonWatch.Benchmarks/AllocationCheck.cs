using System.Globalization;
using SysmonWatch.Benchmarks.Generation;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Batches;
using SysmonWatch.Detection.Correlation;
using SysmonWatch.Detection.Processes;
using SysmonWatch.Detection.Records;
using SysmonWatch.Detection.Sequence;
using SysmonWatch.Detection.Sigma.Engine;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Benchmarks;

/// <summary>Counts what each stage puts on the heap per event, over a generated log, once everything is as large as it gets.</summary>
static class AllocationCheck
{
    /// <summary>Prints a line for each stage.</summary>
    /// <param name="lines">How many lines; the first half only warms up.</param>
    /// <param name="rules">Rules.</param>
    /// <param name="to">Where to print.</param>
    public static void Run(int lines, RuleSet rules, TextWriter to)
    {
        using var log = new MemoryStream();
        new LogGenerator(1).Write(log, lines);
        log.Position = 0;
        var counters = new DetectionCounters();
        CompiledRules compiled = CompiledRules.Compile(rules, new RuleOptions());
        var decoder = new BatchDecoder(new SequenceWatch(), new ProcessTree(), new ArrivalClock(TimeSpan.FromMinutes(5)), counters) { ReusesProcesses = true };
        var matcher = new BatchMatcher(compiled);
        var raiser = new AlertRaiser(compiled, new Suppression(TimeSpan.FromHours(1)), new CorrelationLimits(), counters);
        var batch = new EventBatch();
        List<Alert> raised = [], closed = [];
        using RecordReader reader = RecordReader.Open(log);
        long read = 0, decoded = 0, matched = 0, told = 0, events = 0, starts = 0, findings = 0;
        while (true)
        {
            long a = GC.GetAllocatedBytesForCurrentThread();
            if (!reader.TryRead(batch.Records)) break;
            long b = GC.GetAllocatedBytesForCurrentThread();
            decoder.Decode(batch);
            long c = GC.GetAllocatedBytesForCurrentThread();
            matcher.Match(batch);
            long d = GC.GetAllocatedBytesForCurrentThread();
            raiser.Process(batch, raised, closed);
            long e = GC.GetAllocatedBytesForCurrentThread();
            raised.Clear();
            closed.Clear();
            if (counters.Records < lines / 2) continue;
            (read, decoded, matched, told) = (read + b - a, decoded + c - b, matched + d - c, told + e - d);
            events += batch.Count;
            findings += batch.Findings.Count;
            for (int i = 0; i < batch.Count; i++) starts += batch[i].EventId == 1 ? 1 : 0;
        }
        to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{events:N0} events, {starts:N0} of them process starts; {rules.Rules.Count:N0} rules, {findings:N0} findings"));
        (string Stage, long Bytes)[] stages = [("read and frame", read), ("decode, sequence, process tree", decoded), ("match", matched), ("correlate and raise", told)];
        foreach ((string stage, long bytes) in stages)
        {
            to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{stage,-31}{(double)bytes / events,9:N2} B an event{(double)bytes / Math.Max(1, starts),10:N2} B a process start"));
        }
    }
}
