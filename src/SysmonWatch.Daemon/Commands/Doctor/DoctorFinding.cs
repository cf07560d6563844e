using Spectre.Console;

namespace SysmonWatch.Daemon.Commands.Doctor;

/// <summary>How bad what was found is.</summary>
enum Health
{
    /// <summary>As it should be.</summary>
    Good,

    /// <summary>It works, and something can be lost or hidden.</summary>
    Warning,

    /// <summary>It does not work.</summary>
    Error,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Health">How it is.</param>
/// <param name="Subject">What was looked at, in a word or two.</param>
/// <param name="Text">What was found, without the final full stop.</param>
/// <param name="Fix">What to do about it; empty where nothing is wrong.</param>
sealed record DoctorFinding(Health Health, string Subject, string Text, string Fix = "")
{
    /// <summary>As it should be.</summary>
    public static DoctorFinding Good(string subject, string text) => new(Health.Good, subject, text);

    /// <summary>For people: one line, and a second one with the fix.</summary>
    public void Print(IAnsiConsole console)
    {
        (string word, string style) = Health switch
        {
            Health.Good => ("good", "green"),
            Health.Warning => ("warning", "yellow"),
            _ => ("error", "red"),
        };
        console.MarkupLine($"{Terminal.Styled(style, $"{word,-8}")} {Terminal.Styled("bold", Subject)}: {Terminal.Safe(Text)}.");
        if (Fix.Length > 0) console.MarkupLine($"         {Terminal.Styled("bold", "fix:")} {Terminal.Safe(Fix)}");
    }
}
