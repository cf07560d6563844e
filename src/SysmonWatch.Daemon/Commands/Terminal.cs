using Spectre.Console;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Sigma.Rules;

namespace SysmonWatch.Daemon.Commands;

/// <summary>What people read: colours and frames where it is a terminal that they look at, plain lines of any length elsewhere.</summary>
static class Terminal
{
    /// <summary>Wider than any line: where a program reads on, nothing is wrapped.</summary>
    const int Unlimited = 100_000;

    // As they were before everything was put through SafeText; Spectre's own control sequences must come through.
    static TextWriter? _output;

    /// <summary>From now on all that goes to <see cref="Console.Out"/> and <see cref="Console.Error"/> is safe to show.</summary>
    public static void GoThroughSafeText()
    {
        _output = Console.Out;
        Console.SetOut(new SafeWriter(Console.Out));
        Console.SetError(new SafeWriter(Console.Error));
    }

    /// <summary>Tables, trees and colours on a writer. Texts of others are to be put in by <see cref="Safe"/>.</summary>
    public static IAnsiConsole On(TextWriter writer)
    {
        bool isTerminal = writer is SafeWriter && ReferenceEquals(writer, Console.Out) && !Console.IsOutputRedirected;
        bool hasColours = isTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = hasColours ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = hasColours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(isTerminal ? _output! : writer),
        });
        if (!isTerminal) console.Profile.Width = Unlimited;
        return console;
    }

    /// <summary>A table without columns yet: framed for people, only aligned where a program reads on.</summary>
    public static Table Table(IAnsiConsole console) =>
        console.Profile.Out.IsTerminal ? new Table().RoundedBorder() : new Table().NoBorder().HideHeaders();

    /// <summary>Text of any origin as Spectre's markup for just that text.</summary>
    public static string Safe(string text) => Markup.Escape(SafeText.Show(text));

    /// <summary>The style that a level is shown in.</summary>
    public static string StyleOf(RuleLevel level) => level switch
    {
        RuleLevel.Critical => "white on red",
        RuleLevel.High => "red",
        RuleLevel.Medium => "yellow",
        _ => "grey",
    };

    /// <summary>Text in a style of Spectre's, such as "red" or "bold".</summary>
    public static string Styled(string style, string text) => $"[{style}]{Safe(text)}[/]";
}
