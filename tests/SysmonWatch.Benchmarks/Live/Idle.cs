using System.Globalization;
using System.Runtime.InteropServices;

namespace SysmonWatch.Benchmarks.Live;

/// <summary>What the daemon costs while nothing happens: processor time and wake-ups, scaled to an hour. The three run side by side, each with a journald of its own.</summary>
static partial class Idle
{
    /// <summary>Milliseconds of processor time an hour.</summary>
    const double Goal = 100;

    /// <summary>Of the shipped unit; it makes the daemon say that it lives twice as often.</summary>
    static readonly TimeSpan Watchdog = TimeSpan.FromSeconds(60);

    /// <summary>From its start until it is taken to be idle.</summary>
    static readonly TimeSpan Settling = TimeSpan.FromSeconds(30);

    static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(5);

    /// <summary>Measures, prints, and says whether the goals are met.</summary>
    /// <param name="binary">The native sysmonwatch.</param>
    /// <param name="minutes">How long.</param>
    public static async Task<bool> RunAsync(string binary, int minutes)
    {
        var report = new Report(Console.Out);
        report.Begin(binary);
        Measured[] all = await Task.WhenAll(
            MeasureAsync(binary, "a file", "{files: [LOG], journal: no}", minutes),
            MeasureAsync(binary, "the journal", "{journal: yes}", minutes),
            MeasureAsync(binary, "both", "{files: [LOG], journal: yes}", minutes));
        report.Table(string.Create(CultureInfo.InvariantCulture, $"idle for {minutes} minutes"));
        foreach (Measured one in all)
        {
            report.Say($"{one.Name}: processor time an hour", $"{one.Milliseconds:0.0} ms", string.Create(CultureInfo.InvariantCulture, $"{Goal:0} ms"), one.Milliseconds < Goal);
            report.Say($"{one.Name}: wake-ups an hour", $"{one.WakeUps:N0}");
            report.Say($"{one.Name}: threads", $"{one.Threads}");
        }
        report.End();
        return report.IsMet;
    }

    static async Task<Measured> MeasureAsync(string binary, string name, string input, int minutes)
    {
        using var work = new Workplace(name.Replace(' ', '-'));
        using PrivateJournald journald = await PrivateJournald.StartAsync(work.At("run"));
        string log = work.Write("syslog", "");
        using var daemon = new LiveDaemon(binary, journald, work, "daemon", input.Replace("LOG", log, StringComparison.Ordinal), Watchdog);
        await daemon.ReadyAsync();
        await Task.Delay(Settling, TimeProvider.System);

        long started = TimeProvider.System.GetTimestamp(), before = ProcessorTime(daemon.ProcessId), wakeUps = 0;
        Dictionary<string, long> last = WakeUps(daemon.ProcessId);
        while (TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromMinutes(minutes))
        {
            await Task.Delay(BetweenLooks, TimeProvider.System);
            // Thread by thread, as some end.
            Dictionary<string, long> now = WakeUps(daemon.ProcessId);
            wakeUps += now.Sum(thread => thread.Value - last.GetValueOrDefault(thread.Key));
            last = now;
        }
        double hours = TimeProvider.System.GetElapsedTime(started).TotalHours;
        var measured = new Measured(name, (ProcessorTime(daemon.ProcessId) - before) / 1e6 / hours, wakeUps / hours, last.Count);
        await daemon.StopAsync();
        return measured;
    }

    /// <summary>voluntary_ctxt_switches of each thread: how often it went to sleep, and so was woken.</summary>
    static Dictionary<string, long> WakeUps(int process)
    {
        var threads = new Dictionary<string, long>();
        foreach (string thread in Directory.GetDirectories($"/proc/{process}/task"))
        {
            try
            {
                string line = File.ReadLines(thread + "/status").First(l => l.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal));
                threads[thread] = long.Parse(line.Split('\t')[^1], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // It ended just now.
            }
        }
        return threads;
    }

    /// <summary>Nanoseconds of all its threads, those that have ended too: the process's own clock.</summary>
    static long ProcessorTime(int process)
    {
        if (clock_getcpuclockid(process, out int clock) != 0 || clock_gettime(clock, out Timespec time) != 0) throw new NotPossibleException("The process's clock cannot be read.");
        return (time.Seconds * 1_000_000_000) + time.Nanoseconds;
    }

    [LibraryImport("libc")]
    private static partial int clock_getcpuclockid(int process, out int clock);

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out Timespec time);

    readonly struct Timespec
    {
        public readonly long Seconds;
        public readonly long Nanoseconds;
    }

    /// <summary>One of them.</summary>
    sealed record Measured(string Name, double Milliseconds, double WakeUps, int Threads);
}
