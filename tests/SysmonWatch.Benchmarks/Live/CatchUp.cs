using System.Diagnostics;
using System.Globalization;

namespace SysmonWatch.Benchmarks.Live;

/// <summary>How long the daemon takes to read what was written while it was away, beside the shortest way to read the same.</summary>
static class CatchUp
{
    const int Rounds = 3;
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Far less than the 60 s of the shipped unit: a backlog is read in seconds.</summary>
    static readonly TimeSpan Watchdog = TimeSpan.FromSeconds(1);

    /// <summary>Measures, prints, and says whether the goals are met.</summary>
    /// <param name="binary">The native sysmonwatch.</param>
    /// <param name="lines">Lines of the file.</param>
    /// <param name="entries">Entries of the journal.</param>
    public static async Task<bool> RunAsync(string binary, int lines, int entries)
    {
        var report = new Report(Console.Out);
        report.Begin(binary);
        await FileAsync(binary, Backlog.Of(lines), report);
        await JournalAsync(binary, Backlog.Of(entries), report);
        return report.IsMet;
    }

    static async Task FileAsync(string binary, Backlog backlog, Report report)
    {
        backlog.Warm();
        List<double> replays = [];
        List<Caught> caught = [];
        for (int round = 0; round < Rounds; round++)
        {
            replays.Add(await ReplayAsync(binary, backlog.Path));
            using var work = new Workplace();
            using PrivateJournald journald = await PrivateJournald.StartAsync(work.At("run"));
            caught.Add(await CatchUpAsync(binary, journald, work, $"{{files: [{backlog.Path}], journal: no, start: beginning}}", backlog));
        }
        double replay = Report.Median(replays), live = Report.Median(caught.Select(c => c.Seconds));
        report.Table(string.Create(CultureInfo.InvariantCulture, $"a file of {backlog.Length / 1e6:N0} MB, median of {Rounds}"));
        report.Say("replay --output none", $"{replay:0.00} s");
        report.Say("the daemon, from its start until all is read", $"{live:0.00} s");
        report.Say("its speed beside replay", $"{replay / live:0.00}", "0.5", replay / live >= 0.5);
        Say(report, caught);
        double most = caught.Max(c => c.MostMemory);
        report.Say("memory at most (VmHWM)", $"{most:0} MB", "256 MB", most <= 256);
        report.End();
    }

    static async Task JournalAsync(string binary, Backlog backlog, Report report)
    {
        using var work = new Workplace();
        using PrivateJournald journald = await PrivateJournald.StartAsync(work.At("run"));
        await FillAsync(journald, backlog);
        List<(long Entries, double Seconds)> bare = [];
        List<Caught> caught = [];
        BareLoop.Run(journald.Files);
        for (int round = 0; round < Rounds; round++)
        {
            bare.Add(BareLoop.Run(journald.Files));
            using var own = new Workplace(string.Create(CultureInfo.InvariantCulture, $"round-{round}"));
            caught.Add(await CatchUpAsync(binary, journald, own, "{journal: yes, start: beginning}", backlog));
        }
        double loop = Report.Median(bare.Select(b => b.Seconds)), live = Report.Median(caught.Select(c => c.Seconds));
        report.Table(string.Create(CultureInfo.InvariantCulture, $"a journal of {bare[0].Entries:N0} entries, median of {Rounds}"));
        report.Say("a bare loop", $"{loop:0.00} s, {bare[0].Entries / loop:N0} entries a second");
        report.Say("the daemon, from its start until all is read", $"{live:0.00} s, {bare[0].Entries / live:N0} entries a second");
        report.Say("its speed beside the loop", $"{loop / live:0.00}", "0.8", loop / live >= 0.8);
        Say(report, caught);
        report.Say("memory at most (VmHWM), the journal's own files in it", $"{caught.Max(c => c.MostMemory):0} MB");
        double most = caught.Max(c => c.MostOwnMemory);
        report.Say("memory of its own at most (RssAnon)", $"{most:0} MB", "256 MB", most <= 256);
        report.End();
    }

    static void Say(Report report, List<Caught> caught)
    {
        report.Say("first alert after", $"{Report.Median(caught.Select(c => c.FirstAlert)):0.00} s");
        report.Say("last alert after", $"{Report.Median(caught.Select(c => c.Seconds)):0.00} s");
        double silence = caught.Max(c => c.Silence);
        report.Say("longest without WATCHDOG=1", $"{silence:0.00} s", string.Create(CultureInfo.InvariantCulture, $"{Watchdog.TotalSeconds:0} s"), silence < Watchdog.TotalSeconds);
    }

    static async Task<double> ReplayAsync(string binary, string path)
    {
        long started = TimeProvider.System.GetTimestamp();
        using Process replay = Process.Start(new ProcessStartInfo(binary, ["replay", path, "--output", "none"]) { RedirectStandardError = true })!;
        string errors = await replay.StandardError.ReadToEndAsync();
        await replay.WaitForExitAsync();
        if (replay.ExitCode != 0) throw new NotPossibleException($"replay ended with {replay.ExitCode}: {errors}");
        return TimeProvider.System.GetElapsedTime(started).TotalSeconds;
    }

    static async Task<Caught> CatchUpAsync(string binary, PrivateJournald journald, Workplace work, string input, Backlog backlog)
    {
        using var daemon = new LiveDaemon(binary, journald, work, "daemon", input, Watchdog);
        using var alerts = new JournaledAlerts(journald.Files, daemon.StartedAt);
        double own = 0;
        bool all = await alerts.AllAsync(Backlog.Alerts, Patience, () => own = Math.Max(own, daemon.Megabytes("RssAnon")));
        if (!all) throw new NotPossibleException($"Only {alerts.Times.Count} of {Backlog.Alerts} alerts came.");
        DateTimeOffset last = DateTimeOffset.UnixEpoch.AddTicks(alerts.Times[backlog.LastAlert] * 10);
        DateTimeOffset first = DateTimeOffset.UnixEpoch.AddTicks(alerts.Times.Values.Min() * 10);
        double most = daemon.Megabytes("VmHWM");
        double silence = daemon.Notify.LongestSilence(daemon.StartedAt, last).TotalSeconds;
        await daemon.StopAsync();
        return new Caught((last - daemon.StartedAt).TotalSeconds, (first - daemon.StartedAt).TotalSeconds, silence, most, own);
    }

    /// <summary>Writes the Sysmon lines of a log into the journal, as Sysmon would.</summary>
    static async Task FillAsync(PrivateJournald journald, Backlog backlog)
    {
        using Process sysmon = journald.StartSysmon();
        byte[] last = [];
        using (var lines = new BufferedStream(File.OpenRead(backlog.Path), 1 << 20))
        {
            // Byte for byte: a cut line may end within a character.
            using var reader = new StreamReader(lines, System.Text.Encoding.Latin1);
            Stream to = sysmon.StandardInput.BaseStream;
            while (await reader.ReadLineAsync() is { } line)
            {
                int start = line.IndexOf("<Event>", StringComparison.Ordinal);
                if (start < 0) continue;
                last = System.Text.Encoding.Latin1.GetBytes(line[start..]);
                await to.WriteAsync(last);
                to.WriteByte((byte)'\n');
            }
            await to.FlushAsync();
        }
        // It stays until journald has taken all: who it is is asked of the kernel.
        byte[] message = new byte[1 << 17];
        long started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < Patience)
        {
            using (var journal = new NativeJournal(journald.Files, BareLoop.OfSysmon))
            {
                if (journal.Last() && message.AsSpan(0, journal.Copy("MESSAGE"u8, message)) is var found && found.EndsWith(last)) break;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }
        sysmon.StandardInput.Close();
        await sysmon.WaitForExitAsync();
    }

    /// <summary>One time.</summary>
    /// <param name="Seconds">From the start until the last line's alert was in the journal.</param>
    /// <param name="FirstAlert">From the start until the first was.</param>
    /// <param name="Silence">The longest time without a word to the watchdog, seconds.</param>
    /// <param name="MostMemory">VmHWM, MB.</param>
    /// <param name="MostOwnMemory">RssAnon, MB, the most of twenty looks a second.</param>
    sealed record Caught(double Seconds, double FirstAlert, double Silence, double MostMemory, double MostOwnMemory);
}
