using System.CommandLine;
using Microsoft.Extensions.Hosting;
using Serilog.Events;
using Spectre.Console;
using SysmonWatch.Daemon.Configuration;
using SysmonWatch.Daemon.Pipeline;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Events;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Commands.Service;

/// <summary><c>sysmonwatch demo</c>: shows what SysmonWatch does to somebody without Sysmon, within ten seconds.</summary>
static class DemoCommand
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static Command Create(TimeProvider time)
    {
        var command = new Command("demo", "Play a short attack into a temporary log, run the daemon on it, and show the alerts as they are raised.");
        command.SetAction((_, _) => RunUntilEndedAsync(Terminal.On(Console.Out), time));
        return command;
    }

    static async Task<int> RunUntilEndedAsync(IAnsiConsole console, TimeProvider time)
    {
        using var signals = new EndSignals();
        try
        {
            return await RunAsync(console, time, signals.Token);
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return ExitCodes.Interrupted;
        }
        catch (Exception missing) when (missing is DllNotFoundException or TimeoutException)
        {
            await Console.Error.WriteLineAsync(missing.Message);
            return ExitCodes.Failure;
        }
    }

    public static async Task<int> RunAsync(IAnsiConsole console, TimeProvider time, CancellationToken stop)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("sysmonwatch-demo-");
        try
        {
            string log = Path.Combine(directory.FullName, "syslog");
            await File.WriteAllTextAsync(log, "", stop);
            var options = new SysmonWatchOptions
            {
                Input = new InputOptions { Files = [log], Journal = JournalInput.No, Start = StartFrom.Beginning },
                State = new StateOptions { Directory = Path.Combine(directory.FullName, "state") },
            };
            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            int alerts = 0;
            void Show(Alert alert)
            {
                Interlocked.Increment(ref alerts);
                Print(console, alert);
                if (alert.Level == RuleLevel.Critical) seen.TrySetResult();
            }
            using IHost host = DaemonHost.Build(options, new RunSettings(null, null, Show, TellsNobody: true), time, LogEventLevel.Warning);
            DaemonHost.OpenState(host);

            console.MarkupLine("[bold]SysmonWatch demo.[/] An attack is written to a temporary log as Sysmon for Linux would write it; nothing of it happens.");
            console.MarkupLine($"[grey]{Terminal.Safe($"The daemon follows {log} and says:")}[/]");
            console.WriteLine();
            try
            {
                // Not with the token: a host that is stopped while it starts says that starting has failed.
                await host.StartAsync(CancellationToken.None);
                await PlayAsync(log, time, stop);
                await WaitAsync(seen.Task, time, stop);
            }
            finally
            {
                // Also where somebody ends it early: what the stages use must not be disposed under them.
                await host.StopAsync(CancellationToken.None);
            }
            console.WriteLine();
            console.MarkupLine($"[bold]{Wording.Count(alerts, "alert")}.[/] On a real host they are in the journal and in your chat: [bold]journalctl -t sysmonwatch[/]");
            return ExitCodes.Success;
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    static async Task WaitAsync(Task seen, TimeProvider time, CancellationToken stop)
    {
        try
        {
            await seen.WaitAsync(Patience, time, stop);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"The critical alert did not come within {Wording.Say(Patience)}. Is this machine very busy? Try again.");
        }
    }

    static async Task PlayAsync(string log, TimeProvider time, CancellationToken stop)
    {
        await using var writer = new StreamWriter(log, append: true) { AutoFlush = true, NewLine = "\n" };
        foreach ((TimeSpan wait, string line) in new DemoAttack(time).Lines())
        {
            await Task.Delay(wait, time, stop);
            await writer.WriteLineAsync(line.AsMemory(), stop);
        }
    }

    static void Print(IAnsiConsole console, Alert alert)
    {
        string clock = EventTime.ToDateTimeOffset(alert.Time).ToString("HH:mm:ss.fff", System.Globalization.CultureInfo.InvariantCulture);
        console.MarkupLine($"[grey]{clock}[/] {Terminal.Styled(Terminal.StyleOf(alert.Level), $" {alert.Level.ToText()} ")} {Terminal.Safe(alert.Message)}");
    }
}
