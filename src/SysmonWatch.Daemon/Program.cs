using System.CommandLine;
using SysmonWatch.Daemon.Commands;
using SysmonWatch.Daemon.Commands.Doctor;
using SysmonWatch.Daemon.Commands.Replay;
using SysmonWatch.Daemon.Commands.Rules;
using SysmonWatch.Daemon.Commands.Service;

namespace SysmonWatch.Daemon;

static class Program
{
    static async Task<int> Main(string[] args)
    {
        // A command that has something to end listens to signals itself; the others end at once, as programs do.
        Terminal.GoThroughSafeText();
        RootCommand root = Create(TimeProvider.System);
        ParseResult parsed = root.Parse(args);
        try
        {
            int code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
            return parsed.Errors.Count > 0 ? ExitCodes.Usage : code;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A reader that has gone (| head) is no failure of ours; anything else is one with a message.
            if (failure is IOException pipe && BrokenPipe.Is(pipe)) return ExitCodes.Success;
            await Console.Error.WriteLineAsync(failure.Message);
            return ExitCodes.NoInput;
        }
    }

    static RootCommand Create(TimeProvider time) => new("Follows the events of Sysmon for Linux, finds attacks with Sigma rules, and sends alerts to the journal and to webhooks.")
    {
        RunCommand.Create(time),
        CheckCommand.Create(),
        DoctorCommand.Create(time),
        DemoCommand.Create(time),
        ReplayCommand.Create(time),
        DecodeCommand.Create(),
        EvalCommand.Create(),
        ExplainCommand.Create(),
        RulesCommand.Create(),
        TestCommand.Create(),
    };
}
