using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using SysmonWatch.Benchmarks.Generation;

namespace SysmonWatch.Benchmarks.Live;

/// <summary>From a line that alerts to its alert in the journal, at an unhurried pace: over a followed file and over the journal.</summary>
/// <remarks>
/// It begins just before write(2) and ends with the alert entry's __REALTIME_TIMESTAMP, which is when journald took it. The pauses are random, so that
/// they fit no timer's rhythm.
/// </remarks>
static class Latency
{
    const string Host = "web-a01";
    const int WarmUp = 20;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20), Watchdog = TimeSpan.FromSeconds(60);

    /// <summary>Measures, prints, and says whether the goals are met.</summary>
    /// <param name="binary">The native sysmonwatch.</param>
    /// <param name="lines">How many over the file.</param>
    /// <param name="entries">How many over the journal.</param>
    public static async Task<bool> RunAsync(string binary, int lines, int entries)
    {
        var report = new Report(Console.Out);
        report.Begin(binary);
        report.Table("latency of an alert, ms");
        await FileAsync(binary, lines, report);
        await JournalAsync(binary, entries, report);
        report.End();
        return report.IsMet;
    }

    static async Task FileAsync(string binary, int count, Report report)
    {
        using var work = new Workplace();
        using PrivateJournald journald = await PrivateJournald.StartAsync(work.At("run"));
        using var log = new FileStream(work.At("syslog"), FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        using var daemon = new LiveDaemon(binary, journald, work, "file", $"{{files: [{work.At("syslog")}], journal: no}}", Watchdog);
        await daemon.ReadyAsync();

        double[] took = await MeasureAsync(journald, daemon, count, (20, 180), withHeader: true, log.Write);

        Say(report, "a followed file", took, count, 5);
        await daemon.StopAsync();
    }

    static async Task JournalAsync(string binary, int count, Report report)
    {
        using var work = new Workplace();
        using PrivateJournald journald = await PrivateJournald.StartAsync(work.At("run"));
        using Process sysmon = journald.StartSysmon();
        using var daemon = new LiveDaemon(binary, journald, work, "journal", "{journal: yes}", Watchdog);
        await daemon.ReadyAsync();

        double[] took = await MeasureAsync(journald, daemon, count, (200, 900), withHeader: false, line =>
        {
            sysmon.StandardInput.BaseStream.Write(line);
            sysmon.StandardInput.BaseStream.Flush();
        });

        Say(report, "the journal", took, count, 600);
        sysmon.StandardInput.Close();
        await daemon.StopAsync();
    }

    static void Say(Report report, string what, double[] took, int count, int goal)
    {
        report.Say($"{what}: alerts of {count} lines", $"{took.Length}", "all", took.Length == count);
        if (took.Length == 0) return;
        report.Say($"{what}: p50", $"{Report.Percentile(took, 0.5):0.00}");
        report.Say($"{what}: p99", $"{Report.Percentile(took, 0.99):0.00}", string.Create(CultureInfo.InvariantCulture, $"{goal}"), Report.Percentile(took, 0.99) < goal);
        report.Say($"{what}: longest", $"{took[^1]:0.00}");
    }

    /// <summary>Gives the milliseconds, sorted.</summary>
    static async Task<double[]> MeasureAsync(PrivateJournald journald, LiveDaemon daemon, int count, (int Least, int Most) pause, bool withHeader, Action<ReadOnlySpan<byte>> write)
    {
        var attack = new AttackLine(Host);
        var line = new ArrayBufferWriter<byte>(4096);
        var random = new Random(1);
        var written = new Dictionary<ulong, DateTimeOffset>();
        for (ulong id = 1; id <= (ulong)(WarmUp + count); id++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(pause.Least, pause.Most)), TimeProvider.System);
            line.ResetWrittenCount();
            attack.Write(line, TimeProvider.System.GetUtcNow().UtcDateTime, id);
            Write(id);
        }
        using var alerts = new JournaledAlerts(journald.Files, daemon.StartedAt);
        await alerts.AllAsync(WarmUp + count, Patience);
        return
        [
            .. written.Where(w => w.Key > WarmUp && alerts.Times.ContainsKey(w.Key))
                .Select(w => (DateTimeOffset.UnixEpoch.AddTicks(alerts.Times[w.Key] * 10) - w.Value).TotalMilliseconds).Order(),
        ];

        void Write(ulong id)
        {
            ReadOnlySpan<byte> bytes = line.WrittenSpan;
            if (!withHeader) bytes = bytes[bytes.IndexOf("<Event>"u8)..];
            written[id] = TimeProvider.System.GetUtcNow();
            write(bytes);
        }
    }
}
